/** What kept recovery points of a collection from being made or from counting, out of runs and checks. Pure. */
import { type Flow, flowsOf, placesOf } from '../plan/flow.ts'
import { type Plan, tasksOf } from '../plan/plan.ts'
import { keyOf, type Timed } from '../schedule/timed.ts'
import { toIso } from '../step/observation.ts'
import type { Incident } from './breach.ts'
import { isProof } from './claims.ts'
import type { SnapshotCopy } from './copies.ts'
import type { LedgerStep } from './ledger-run.ts'
import type { Occurrences, OccurringRun } from './occurrences.ts'

/** How a plan brings copies of one collection to some destinations. */
export interface Supply {
  /** Of {@link destinations}, those to which the clock brings whole snapshots. */
  readonly served: readonly string[]
  /** Keys of the schedules and drills that have a part in it. */
  readonly sequences: ReadonlySet<string>
}

/** @param standbys targets that follow it */
export type SupplyOf = (
  collection: string,
  destinations: readonly string[],
  standbys: readonly string[],
) => Supply

/** Finds flows once for the whole plan. */
export function suppliesOf(plan: Plan, timed: readonly Timed[]): SupplyOf {
  const flows = flowsOf(plan, timed)
  return (collection, destinations, standbys) => {
    const own = flows.get(collection) ?? []
    const served = placesOf(own).filter((place) => destinations.includes(place))
    const places = upstream(own, served)
    const feeding = own.filter(({ destination }) => places.has(destination))
    const verifying = timed.filter(({ steps }) =>
      tasksOf(steps).some((step) => step.kind === 'verify' && destinations.includes(step.input.in)),
    )
    const looking = standbys.length === 0 ? [] : looksAt(collection, timed)
    const sequences = [...feeding.map(({ sequence }) => sequence), ...verifying, ...looking]
    return { served, sequences: new Set(sequences.map(keyOf)) }
  }
}

/** Those that measure how far standbys are behind. */
const looksAt = (collection: string, timed: readonly Timed[]): Timed[] =>
  timed.filter(({ steps }) =>
    tasksOf(steps).some(
      ({ kind, input }) =>
        kind === 'wait' && input.kind === 'lag' && input.collection === collection,
    ),
  )

/** The places and those that copies come to them from. */
function upstream(flows: readonly Flow[], places: readonly string[]): ReadonlySet<string> {
  const all = new Set(places)
  for (let size = 0; size < all.size; ) {
    size = all.size
    for (const { step } of flows) {
      if (step.kind === 'copy' && all.has(step.input.to)) all.add(step.input.from)
    }
  }
  return all
}

/** Runs that were missed or did not pass, by the key of their sequence; each list by time. */
export function runIncidents(all: readonly Occurrences[]): ReadonlyMap<string, Incident[]> {
  return new Map(
    all.map(({ sequence, all: occurrences }) => [
      keyOf(sequence),
      occurrences.flatMap(({ dueAt, outcome, run }): Incident[] => {
        const { kind, name } = sequence
        const base = { at: dueAt }
        if (outcome === 'succeeded') return []
        if (run === undefined) {
          return [
            {
              ...base,
              cause: 'missed run',
              message: `${kind} ${name}, due ${toIso(dueAt)}, did not run`,
            },
          ]
        }
        const step = brokenStep(run)
        if (step === 'none') return []
        return [{ ...base, ...failureOf(run, step), run: run.run, line: step?.line ?? run.line }]
      }),
    ]),
  )
}

const moving = new Set(['backup', 'archive', 'copy', 'verify'])

/** The first step that did not pass; `none` when all that move or verify copies did: then it is no cause. */
function brokenStep({ steps, ended }: OccurringRun): LedgerStep | 'none' | undefined {
  const own = steps.filter(({ record }) => record.stage === 'steps' && moving.has(record.kind))
  const isWell = ended !== undefined && own.length > 0
  if (isWell && own.every(({ record }) => record.outcome === 'passed')) return 'none'
  return steps.find(({ record }) => record.outcome === 'failed' || record.outcome === 'cancelled')
}

function failureOf(
  { sequence, run, ended }: OccurringRun,
  step: LedgerStep | undefined,
): Pick<Incident, 'cause' | 'message'> {
  const what = `${sequence.kind} ${sequence.name} (run ${run})`
  if (ended === undefined) return { cause: 'failed run', message: `${what} has no end` }
  if (step === undefined) return { cause: 'failed run', message: `${what} ${ended.outcome}` }
  const { record } = step
  const why = record.error === undefined ? '' : `: ${record.error.message}`
  return {
    cause: record.kind === 'verify' ? 'failed verification' : 'failed run',
    message: `${what} failed at step ${record.step}${why}`,
  }
}

/** Verifications that found snapshots damaged; each counts from the last one that passed. */
export function checkIncidents(copies: readonly SnapshotCopy[]): Incident[] {
  return copies.flatMap(({ id, destination, checks, madeAt }) => {
    let lastPassAt = madeAt
    return checks.flatMap((check): Incident[] => {
      if (isProof(check)) lastPassAt = check.at
      if (check.ok) return []
      const message = `snapshot ${id} in ${destination} was found damaged at ${toIso(check.at)}; it counts up to ${toIso(lastPassAt)}, when it was last known to be whole`
      const { run, line } = check
      return [{ cause: 'failed verification', at: lastPassAt, run, line, message }]
    })
  })
}
