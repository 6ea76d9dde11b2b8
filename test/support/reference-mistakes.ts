/** Mistakes in the reference page: each is one replacement in it, and what is told about it. */
import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { errorsAt } from './plan-text.ts'
import { referenceEnvironment, referenceFile } from './reference-plan.ts'
import { suiteDirectory } from './temporary-directory.ts'

/** Name, what the page has, what stands there instead, and all errors that come of it. */
export type Mistake = [string, string, string, string[]]

/** One test a mistake, inside of a describe. */
export function itTells(mistakes: readonly Mistake[]): void {
  const directory = suiteDirectory()

  it.each(mistakes)('are told: %s', async (_, search, replacement, expected) => {
    const page = await readFile(referenceFile, 'utf8')
    expect(page).toContain(search)
    const text = page.replace(search, () => replacement)
    expect(await errorsAt(directory.path, text, referenceEnvironment)).toEqual(expected)
  })
}
