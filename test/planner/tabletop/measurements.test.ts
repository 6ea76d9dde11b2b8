import { expect, test } from 'vitest'
import { tasksOf } from '../../../planner/plan/plan.ts'
import { inputsOf, measurementsOf } from '../../../planner/tabletop/measurements.ts'
import { ledgerOf, stepAt } from '../../support/ledger-builder.ts'
import { storyModel } from '../../support/simulated-plan.ts'

const second = 1_000

/** Steps of procedure `back`, and a way to ask for one. */
async function procedure() {
  const { procedure } = await storyModel({
    steps: `      - check: { target: spare, collection: words, count: { min: 1 } }
      - check: { target: spare, collection: words, count: { min: 2 } }
        id: other
`,
  })
  return tasksOf(procedure.steps)
}

test('a drill measures the step of a procedure that does the same, and no other', async () => {
  const steps = await procedure()
  const [first, other] = steps
  if (first === undefined || other === undefined) throw new Error('the procedure has two steps')
  const drill = {
    ...({ run: 'a', startedAt: 0, endedAt: 9 * second, kind: 'drill', name: 'some' } as const),
    steps: [
      stepAt(0, second, { step: 'before', kind: 'exec' }),
      // two seconds after the one before it, in which the ledger was written
      stepAt(3 * second, 7 * second, { step: 'x', kind: 'check', inputs: inputsOf(first) }),
    ],
  }
  const known = measurementsOf('test', ledgerOf(drill), steps)
  const ask = (step: typeof first) =>
    known.durations({
      sequence: 'procedure/back',
      kind: 'check',
      id: step.id,
      inputs: inputsOf(step),
    })
  expect(ask(first)).toEqual([{ durationMs: 6 * second }])
  expect(ask(other)).toEqual([])
})

test('of those that ran side by side none waited for the other', async () => {
  const steps = await procedure()
  const run = {
    ...({ run: 'a', startedAt: 0, endedAt: 9 * second, kind: 'drill', name: 'some' } as const),
    steps: [
      stepAt(0, 5 * second, { step: 'long', kind: 'exec' }),
      stepAt(0, 6 * second, { step: 'longer', kind: 'exec' }),
    ],
  }
  const known = measurementsOf('test', ledgerOf(run), steps)
  const key = { sequence: 'drill/some', kind: 'exec', inputs: {} }
  expect(known.durations({ ...key, id: 'longer' })).toEqual([{ durationMs: 6 * second }])
})
