import { describe } from 'vitest'
import { itTells, type Mistake } from '../../support/reference-mistakes.ts'

const mistakes: Mistake[] = [
  [
    'in other words',
    '    cron: "0 4 1 * *"\n    timezone: UTC',
    '    cron: "0 2 */1 * *"\n    timezone: Europe/London',
    [
      '"0 2 */1 * *" drills.restore-test.cron: drill restore-test is due whenever schedule nightly is, and runs of one plan do not overlap (Move one by some minutes, or put the steps of both into one.)',
    ],
  ],
]

describe('schedules that are always due together', () => {
  itTells(mistakes)
})
