import { readFile } from 'node:fs/promises'
import * as path from 'node:path'
import { describe, expect, test } from 'vitest'
import { rules } from '../../../planner/check/registry.ts'
import { rulesPage } from '../../../planner/check/rules-page.ts'
import { findingCases } from '../../support/finding-cases.ts'
import { findingsOf } from '../../support/sound-plan.ts'

describe('every rule', () => {
  test('has a case that it finds, a code of its own and full sentences', () => {
    const codes = rules.map(({ code }) => code)
    expect(new Set(codes).size).toBe(codes.length)
    expect(findingCases.map(({ code }) => code).sort()).toEqual([...codes].sort())
    for (const { code, title, why, remedy } of rules) {
      expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/)
      expect(title).toMatch(/^[A-Z].*[^.]$/)
      for (const sentence of [why, remedy]) expect(sentence).toMatch(/^[A-Z].*\.$/s)
    }
  })

  test.each(findingCases.map((each) => [each.code, each] as const))(
    '%s is found, with place, sum and remedy, and not where it is not',
    async (code, { fires, says, silent, firesWith, silentWith }) => {
      const found = await findingsOf(fires, firesWith, code)
      expect(found.length).toBeGreaterThan(0)
      const [first] = found
      expect([first?.message, ...(first?.arithmetic ?? [])].join('\n')).toContain(says)
      expect(first?.arithmetic.length).toBeGreaterThan(0)
      expect(first?.place).toMatchObject({ file: 'plans/test.yaml' })
      expect(first?.remedy).toMatch(/\S/)
      expect(await findingsOf(silent, silentWith, code)).toEqual([])
    },
  )
})

test('FINDINGS.md is the page of the rules', async () => {
  const file = path.resolve(import.meta.dirname, '../../../FINDINGS.md')
  expect(await readFile(file, 'utf8')).toBe(rulesPage())
})
