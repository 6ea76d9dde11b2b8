import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { errorsAt } from '../../support/plan-text.ts'
import { referenceEnvironment, referenceFile } from '../../support/reference-plan.ts'
import { suiteDirectory } from '../../support/temporary-directory.ts'

type Mistake = readonly [what: string, search: string, replacement: string, expected: string[]]

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
  const directory = suiteDirectory()

  it.each(mistakes)('are told: %s', async (_, search, replacement, expected) => {
    const page = await readFile(referenceFile, 'utf8')
    expect(page).toContain(search)
    const text = page.replace(search, () => replacement)
    expect(await errorsAt(directory.path, text, referenceEnvironment)).toEqual(expected)
  })
})
