/** A line of the ledger for a played exercise, as a value. */
import type { ExercisePlayed } from '../../planner/ledger/exercise-line.ts'
import type { LedgerEntry } from '../../planner/ledger/ledger-line.ts'

/** @param at epoch milliseconds */
export const exerciseEntry = (
  at: number,
  plan = 'test',
  changes: Partial<ExercisePlayed> = {},
): LedgerEntry & ExercisePlayed => ({
  ...{ ledger: 4, line: 1, previous: '0'.repeat(64), at: new Date(at).toISOString() },
  ...{ plan, planSha256: '5'.repeat(64), gitCommit: null, run: 'exercise-1' },
  ...{ kind: 'exercise', scenario: 'gone', procedure: 'takeover' },
  startedAt: new Date(at).toISOString(),
  ...{ durationMs: 60_000, isScripted: false, participants: [], actions: [] },
  reportSha256: '7'.repeat(64),
  ...changes,
})
