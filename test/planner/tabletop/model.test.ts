import { expect, test } from 'vitest'
import { stepRegistry } from '../../../planner/step/registry.ts'
import { modelOf } from '../../../planner/tabletop/model.ts'
import { simulate } from '../../../planner/tabletop/simulate.ts'
import { weekMs } from '../../../planner/tabletop/staff.ts'
import { planOf } from '../../support/plan-text.ts'
import { quarterLedger, quarterPlan } from '../../support/quarter-ledger.ts'
import { storyModel } from '../../support/simulated-plan.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const hour = 3_600_000

const storyOf = (loses: string) => `
procedures:
  back:
    steps:
      - restore: { from: [near, far], collection: orders, into: staging }
scenarios:
  story: { kind: node, loses: ${loses}, recover: back }
`

async function quarterModel(loses: string, entries = quarterLedger()) {
  const plan = await planOf(await temporaryDirectory(), quarterPlan + storyOf(loses))
  const scenario = plan.scenarios.get('story')
  const procedure = plan.procedures.get('back')
  if (scenario === undefined || procedure === undefined) throw new Error('the plan has no story')
  const rest = { registry: stepRegistry, without: [], dataSize: 1 }
  return modelOf({ plan, scenario, procedure, entries, ...rest })
}

test('a ledger of a quarter says how old the newest verified point is, by what survives', async () => {
  const near = await quarterModel('{ node: x9 }')
  const far = await quarterModel('{ node: a1 }')
  expect(near.window.to - near.window.from).toBe(weekMs)
  const [close, away] = [near, far].map((model) => simulate(model, 4_000, 7))
  expect(close?.rpo[0]?.basis).toBe('verified recovery points in the ledger’s last 7 d')
  expect(close?.recovered).toBe(1)
  expect(away?.recovered).toBe(1)
  // pinned 1 min after the due time, verified near by after 20 min, far away after 40 min, once a day
  expect((close?.rpo[0]?.p50Ms ?? 0) / hour).toBeCloseTo(12 + 19 / 60, 0)
  expect((close?.rpo[0]?.worstMs ?? 0) / hour).toBeLessThanOrEqual(24 + 19 / 60)
  expect((away?.rpo[0]?.worstMs ?? 0) / hour).toBeGreaterThan(24 + 20 / 60)
  expect((away?.rpo[0]?.worstMs ?? 0) / hour).toBeLessThanOrEqual(24 + 39 / 60)
  // drills have restored it elsewhere
  expect(close?.steps[0]?.duration.origin).toBe('measured')
})

test('an empty ledger leaves it to the schedules', async () => {
  const model = await quarterModel('{ node: x9 }', [])
  expect(model.window.to - model.window.from).toBe(weekMs)
  // Monday 00:00 in Zurich
  expect(new Date(model.window.from).toISOString()).toBe('2026-01-04T23:00:00.000Z')
  expect(model.clocks.shownAt(model.window.from) % weekMs).toBe(0)
  const { rpo, steps } = simulate(model, 1_000, 7)
  expect(rpo[0]?.basis).toBe('as often as schedule nightly of the plan runs')
  expect((rpo[0]?.p50Ms ?? 0) / hour).toBeCloseTo(12, 0)
  expect(steps[0]?.duration.origin).toBe('default')
})

test('losses take along what nobody places elsewhere, and what the scenario does not take stays', async () => {
  const { places } = await quarterModel('{ account: prod, vendor: cloud }')
  expect(places.map(({ name, lostBecause }) => [name, lostBecause])).toEqual([
    ['primary', 'lost with account prod'],
    ['staging', 'lost with account prod'],
    ['near', 'lost with account prod'],
    ['far', 'counted as lost with vendor cloud, because the plan does not say its vendor'],
  ])
})

test('what nobody has said is told: people without hours, and a loss that hits nothing', async () => {
  const people = `people:
  roles: { boss: { primary: ann, deputies: [ben] } }
  contacts: { ann: { name: Ann }, ben: { name: Ben, hours: 24x7 }, cid: { name: Cid } }`
  const steps = '      - approve: { by: boss, question: "Now?" }\n'
  const { assumed } = await storyModel({ steps, people, loses: '{ region: r9, node: n1 }' })
  expect(assumed).toContain('ann has no hours and is taken to answer at all of them')
  expect(assumed).toContain(
    'region r9 is named by no target or destination: what names another one is not lost',
  )
  const known = await storyModel({ steps, people: people.replace('Ann', 'Ann, hours: 24x7') })
  expect(known.assumed.filter((each) => /hours|named by/.test(each))).toEqual([])
})
