import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  readTemplate,
  resolveTemplate,
  type Template,
  type TemplateContext,
} from '../../../planner/plan/template.ts'

const place = { file: 'plan.yaml', line: 3, column: 7, path: 'x' }

function template(text: string, directory?: string): Template {
  const reading = readTemplate(text)
  if (reading.problem !== undefined) throw new Error(reading.problem)
  return { text, parts: reading.value, place, ...(directory !== undefined && { directory }) }
}

const context: TemplateContext = {
  env: { TOKEN: 'hunter22', EMPTY: '', TRICK: '${env.TOKEN}' },
  dueAt: Date.parse('2026-10-31T23:30:05Z'),
  timezone: 'Europe/Zurich',
  run: 'run-7',
  collection: 'products',
  outputs: new Map([['backup', { snapshot: 'full_1', count: 10, ok: true, files: ['a'] }]]),
}

const fill = (text: string, changes: Partial<TemplateContext> = {}) =>
  resolveTemplate(template(text), { ...context, ...changes })

describe('a template', () => {
  it.each([
    ['plain', 'plain'],
    ['', ''],
    ['${collection}_${date}_${time}', 'products_20261101_003005'],
    ['${run}', 'run-7'],
    ['${steps.backup.snapshot}/${steps.backup.count}/${steps.backup.ok}', 'full_1/10/true'],
    ['[${run.error}]', '[]'],
    ['$${date} costs $5 {x}', '${date} costs $5 {x}'],
    ['$$${date}', '$${date}'],
  ])('%s becomes %s', (text, expected) => {
    expect(fill(text)).toEqual({ value: expected, shown: expected, secrets: [] })
  })

  it('says why a run failed', () => {
    expect(fill('failed: ${run.error}', { runError: 'disk full' }).value).toBe('failed: disk full')
  })

  it('marks what comes from the environment', () => {
    const filled = fill('Bearer ${env.TOKEN} for ${collection}')
    expect(filled.value).toBe('Bearer hunter22 for products')
    expect(filled.shown).toBe('Bearer *** for products')
    expect(filled.secrets.map((secret) => [secret.name, secret.reveal()])).toEqual([
      ['TOKEN', 'hunter22'],
    ])
  })

  it('never fills in what was filled in', () => {
    expect(fill('${env.TRICK}').value).toBe('${env.TOKEN}')
    expect(fill('${run}', { run: '${date}' }).value).toBe('${date}')
  })

  it('makes a path absolute, whatever the variable holds', () => {
    const filled = (env: string) =>
      resolveTemplate(template('${env.TOKEN}/words.jsonl', '/plans'), {
        ...context,
        env: { TOKEN: env },
      }).value
    expect(filled('data')).toBe('/plans/data/words.jsonl')
    expect(filled('/srv')).toBe('/srv/words.jsonl')
  })

  it.each([
    ['${env.NOPE}', /needs the environment variable NOPE/],
    ['${env.EMPTY}', /needs the environment variable EMPTY/],
    ['${env.constructor}', /needs the environment variable constructor/],
    ['${steps.restore.count}', /needs step "restore", which has not run/],
    ['${steps.backup.digest}', /did not give it/],
    ['${steps.backup.toString}', /did not give it/],
    ['${steps.backup.files}', /did not give it/],
  ])('%s fails with its place', (text, message) => {
    expect(() => fill(text)).toThrow(message)
    try {
      fill(text)
    } catch (error) {
      expect(error).toMatchObject({
        code: 'step-failed',
        place: { file: 'plan.yaml', line: 3, column: 7 },
      })
    }
  })

  it('refuses a NUL that a variable brings', () => {
    expect(() => fill('${run}', { run: 'a\0b' })).toThrow(/NUL/)
  })

  it.each([
    ['${', 'has a "${" without its "}"'],
    ['a ${date', 'has a "${" without its "}"'],
    ['${}', 'has the unknown variable ${}'],
    ['${dat}', 'has the unknown variable ${dat}'],
    ['${env.1X}', 'has the unknown variable ${env.1X}'],
    ['${env.A B}', 'has the unknown variable ${env.A B}'],
    ['${steps.backup}', 'has the unknown variable ${steps.backup}'],
    ['${ date }', 'has the unknown variable ${ date }'],
    ['${target.standby}', 'has the unknown variable ${target.standby}'],
    ['${target.standby.place}', 'asks for "place" of a target'],
    ['${ask.}', 'has the unknown variable ${ask.}'],
  ])('%s is refused', (text, problem) => {
    expect(readTemplate(text).problem).toBe(problem)
  })

  it('keeps every text without variables as it is', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!text.includes('${') && !text.includes('\0'))
        expect(fill(text).value).toBe(text)
      }),
    )
  })
})
