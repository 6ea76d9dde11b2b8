import { expect, test } from 'vitest'
import { nodeDisk } from '../../../engine/index.ts'
import { loadPlan } from '../../../planner/plan/load-plan.ts'
import { act, advance, beginPlay } from '../../../planner/play/play.ts'
import { setupPlay } from '../../../planner/play/play-setup.ts'
import { stateOf } from '../../../planner/play/play-state.ts'
import { stepRegistry } from '../../../planner/step/registry.ts'
import { minutes } from '../../support/played-exercise.ts'
import { referenceEnvironment, referenceFile } from '../../support/reference-plan.ts'

const contact = 'on-call-2'

/** The failover of the reference plan, decided by one who holds every role but one. */
async function failover(decisions: readonly (readonly [number, string])[]) {
  const plan = await loadPlan(referenceFile, { disk: nodeDisk, env: referenceEnvironment })
  const scenario = plan.scenarios.get('region-loss')
  const procedure = plan.procedures.get('failover')
  if (scenario === undefined || procedure === undefined) throw new Error('no such story')
  const setup = setupPlay(plan, scenario, procedure, stepRegistry, [])
  let play = advance(beginPlay(setup), minutes(10))
  const acts = [
    [minutes(10), { do: 'answer', contact }],
    ...decisions.map(([at, what]) => [minutes(at), { do: 'decide', contact, what }] as const),
  ] as const
  for (const [atMs, what] of acts) {
    const next = act(advance(play, Math.max(atMs, play.nowMs)), what)
    if (typeof next === 'string') throw new Error(next)
    play = next
  }
  const decided = play.events.flatMap((event) => (event.kind === 'decided' ? [event] : []))
  return { decided, state: stateOf(advance(play, play.nowMs + minutes(60)).events) }
}

const steps = [
  'approve',
  'fence',
  'promote',
  'switch',
  'probe',
  'reconcile',
  'notify-1',
  'notify-2',
]

test('the way that the procedure describes can be gone to its end: a lost primary is fenced without it', async () => {
  const { decided, state } = await failover([
    ...([
      [11, 'declare'],
      [12, 'failover'],
    ] as const),
    ...steps.map((step, index) => [30 + 10 * index, step] as const),
  ])
  expect(decided.filter(({ isCalledFor }) => !isCalledFor)).toEqual([])
  expect(state.servedAtMs).toBeDefined()
})

test('the service is back before what comes afterwards: messages and what is only looked at', async () => {
  const { state } = await failover([
    [12, 'failover'],
    ...steps.slice(0, 5).map((step, index) => [30 + 10 * index, step] as const),
  ])
  expect(state.ended.has('reconcile')).toBe(false)
  expect(state.servedAtMs).toBeGreaterThanOrEqual(minutes(70))
  expect(state.servedAtMs).toBeLessThan(minutes(80))
})

test('the name of a procedure alone is that procedure', async () => {
  const { decided } = await failover([
    [12, 'failover'],
    [13, 'failback'],
  ])
  expect(decided).toMatchObject([
    { decision: { kind: 'procedure', text: 'failover' }, isCalledFor: true },
    { decision: { kind: 'procedure', text: 'failback' }, isCalledFor: false },
  ])
})

test('a target that the story takes away for a while is told with when it is back', async () => {
  const { decided } = await failover([
    ...([
      [12, 'failover'],
      [13, 'approve'],
      [14, 'fence'],
      [26, 'promote'],
      [27, 'promote'],
    ] as const),
  ])
  expect(decided.slice(-2)).toMatchObject([
    {
      isCalledFor: false,
      consequence: expect.stringContaining('standby does not answer before 27m'),
    },
    { isCalledFor: true },
  ])
})
