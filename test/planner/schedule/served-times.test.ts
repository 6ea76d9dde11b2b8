import { expect, test } from 'vitest'
import { servedTimes } from '../../../planner/schedule/served-times.ts'
import { exerciseEntry } from '../../support/exercise-entry.ts'
import { ledgerOf } from '../../support/ledger-builder.ts'

test('a plan is known since its first run, and not since somebody played an exercise of it', () => {
  const played = exerciseEntry(1_000)
  expect(servedTimes('test', [played]).knownSinceAt).toBeUndefined()
  const runs = ledgerOf({ run: 'r1', startedAt: 5_000, endedAt: 6_000, steps: [] })
  expect(servedTimes('test', [played, ...runs]).knownSinceAt).toBe(5_000)
})
