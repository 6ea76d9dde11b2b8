/** What the ledger measured of a procedure's steps, for its time budget. Pure. */
import type { LedgerEntry } from '../ledger/ledger-line.ts'
import { type Plan, type Procedure, tasksOf } from '../plan/plan.ts'
import type { History } from '../step/estimate.ts'
import { inputsOf, measurementsOf } from '../tabletop/measurements.ts'

/** As in a simulation: a restore that never ran here takes what restores of its collection took elsewhere. */
export function historyIn(
  { name: plan }: Plan,
  { name, steps, always }: Procedure,
  entries: readonly LedgerEntry[],
): History {
  const tasks = tasksOf([...steps, ...always])
  const measurements = measurementsOf(plan, entries, tasks)
  return {
    durationsMs: (id, kind) => {
      const step = tasks.find((each) => each.id === id)
      if (step === undefined) return []
      const collection = step.kind === 'restore' ? step.input.collection : undefined
      return measurements
        .durations({
          ...{ sequence: `procedure/${name}`, kind, id },
          inputs: inputsOf(step),
          ...(collection !== undefined && { collection }),
        })
        .map(({ durationMs }) => durationMs)
    },
  }
}
