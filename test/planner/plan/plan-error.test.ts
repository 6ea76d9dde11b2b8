import { describe, expect, it } from 'vitest'
import { formatPlanErrors } from '../../../planner/plan/plan-error.ts'
import { PlanText } from '../../../planner/plan/plan-text.ts'
import type { PlanError } from '../../../planner/plan/problem.ts'
import { checkText, validPlan } from '../../support/plan-text.ts'
import { suiteDirectory } from '../../support/temporary-directory.ts'

const errorIn = (text: string, word: string): PlanError =>
  new PlanText('plans/shop.yaml', text).error({
    rule: 'unknown-name',
    offset: text.indexOf(word),
    path: 'a.b',
    message: `there is no ${word}`,
  })

/** What stands above the caret. */
const underCaret = (formatted: string): string | undefined => {
  const [, , source = '', caret = ''] = formatted.split('\n')
  return source.slice(caret.indexOf('^'))
}

describe('the errors of a plan', () => {
  const directory = suiteDirectory()

  it('show place, path, line, caret and suggestion', async () => {
    const text = validPlan.replace('to: local', 'to: loacl').replace('name: shop-dr\n', '')
    const check = await checkText(directory.path, text)
    const errors = check.kind === 'valid' ? [] : check.errors
    const told = formatPlanErrors(errors.map((error) => ({ ...error, file: 'plans/shop.yaml' })))
    expect(`\n${told}`).toBe(`
plans/shop.yaml:1:1: "name" is missing
    1 | version: 1
      | ^
  Names the plan in reports.

plans/shop.yaml:20:48: there is no destination "loacl"
  at schedules.nightly.steps[0].backup.to
   20 |       - backup: { collections: [products], to: loacl }
      |                                                ^
  Did you mean "local"?`)
  })

  it('serialise with rule, place, message, hint and source', async () => {
    const check = await checkText(directory.path, validPlan.replace('to: local', 'to: loacl'))
    expect(JSON.parse(JSON.stringify(check))).toMatchObject({
      kind: 'invalid',
      code: 'plan-invalid',
      errors: [
        {
          rule: 'unknown-name',
          line: 21,
          column: 48,
          path: 'schedules.nightly.steps[0].backup.to',
          message: 'there is no destination "loacl"',
          hint: 'Did you mean "local"?',
        },
      ],
    })
  })

  it('keep the caret under the word in long lines', () => {
    const text = `a: ${'x'.repeat(500)} here ${'y'.repeat(500)}`
    const formatted = formatPlanErrors([errorIn(text, 'here')])
    expect(underCaret(formatted)).toMatch(/^here y/)
    expect(Math.max(...formatted.split('\n').map((line) => line.length))).toBeLessThan(120)
  })

  it('keep the caret under the word behind tabs, carriage returns and wide characters', () => {
    for (const text of ['a:\t\there', 'a: 1\r\nb: here\r\nc: 2\r\n', 'a: ü日本 here']) {
      expect(underCaret(formatPlanErrors([errorIn(text, 'here')]))).toMatch(/^here/)
    }
  })

  it('bring no control characters to the terminal', () => {
    const text = 'a: \u001b[31m\u202ehere'
    const error = errorIn(text, 'here')
    const formatted = formatPlanErrors([{ ...error, ...errorIn(text, '\u001b') }])
    expect(formatted).not.toMatch(/[\u202e]|[^\P{Cc}\n]/u)
  })

  it('mask what stands before the @ of a URL', () => {
    const formatted = formatPlanErrors([errorIn('url: s3://KEY:secret@host/x', 'url')])
    expect(formatted).toContain('s3://**********@host/x')
  })
})
