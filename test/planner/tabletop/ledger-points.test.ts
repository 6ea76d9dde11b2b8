import { expect, test } from 'vitest'
import type { Claim } from '../../../planner/audit/claims.ts'
import { ledgerPoints, pointsByHand } from '../../../planner/tabletop/ledger-points.ts'
import { exerciseEntry } from '../../support/exercise-entry.ts'
import { storyModel } from '../../support/simulated-plan.ts'

const minute = 60_000
const never = Number.NEGATIVE_INFINITY

const claim = (from: number, to: number, asOfAt: number): Claim => ({
  ...{ from, to, asOfAt },
  point: { destination: 'far', kind: 'snapshot', id: 'a', lsn: 1, run: 'r', line: 1 },
})

test('what people copied grows older from the end of the ledger on: nobody makes another one', () => {
  const forgotten = claim(0, 40 * minute, 39 * minute)
  const standing = [claim(5 * minute, 1e12, 4 * minute), claim(30 * minute, 1e12, 20 * minute)]
  const week = { from: 1_000 * minute, to: 10_000 * minute }
  const points = pointsByHand([forgotten, ...standing], 50 * minute, week)
  // the window begins where the ledger ends
  for (const sinceMs of [0, 7 * minute, 5_000 * minute]) {
    const disasterAt = week.from + sinceMs
    expect(disasterAt - points(disasterAt, 7)).toBe(30 * minute + sinceMs)
  }
  expect(pointsByHand([forgotten], 50 * minute, week)(week.from, 7)).toBe(never)
})

test('an empty ledger has no stretch, no end and no point', async () => {
  const { plan } = await storyModel({ steps: '      - exec: { command: [/bin/true] }' })
  const points = ledgerPoints(plan, [])
  expect(points.window).toBeUndefined()
  expect(points.endsAt).toBe(never)
  expect(points.claims('words', 'far')).toEqual([])
})

test('a played exercise moves no end of the ledger: simulations stay as they were', async () => {
  const { plan } = await storyModel({ steps: '      - exec: { command: [/bin/true] }' })
  expect(ledgerPoints(plan, [exerciseEntry(1e12, plan.name)]).endsAt).toBe(never)
})
