import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { errorCatalogue, exitCodes } from '../../engine/base/errors.ts'
import { defaults, limits } from '../../engine/base/limits.ts'
import { unusedCodeFindings, unusedMemberFindings } from './catalogue.ts'
import { expectNone, messagesOf, projectRoot, readProduct } from './source-files.ts'

const errors = 'engine/base/errors.ts'
const bounds = 'engine/base/limits.ts'
const plannerBounds = 'planner/plan/limits.ts'

test('every error in the catalogue is raised somewhere', () => {
  expectNone(unusedCodeFindings(Object.keys(errorCatalogue), readProduct(), errors))
})

test('every exit code is one of the documented ones', () => {
  expect(new Set(Object.values(exitCodes)).size).toBe(Object.keys(exitCodes).length)
  for (const code of Object.values(errorCatalogue)) {
    expect(Object.values(exitCodes)).toContain(code)
    expect([exitCodes.done, exitCodes.bug]).not.toContain(code)
  }
})

test('every bound and default is used somewhere', async () => {
  const files = [...readProduct()]
  expectNone([
    ...unusedMemberFindings('limits', Object.keys(limits), files, bounds),
    ...unusedMemberFindings('defaults', Object.keys(defaults), files, bounds),
  ])
  if (!existsSync(`${projectRoot}/${plannerBounds}`)) return
  // bounds that the schemas state are read by the test that holds the two equal
  const schemaTest = 'test/planner/plan/plan-schema.test.ts'
  files.push({ path: schemaTest, text: readFileSync(`${projectRoot}/${schemaTest}`, 'utf8') })
  const planner: Record<string, unknown> = await import(`../../${plannerBounds}`)
  for (const [name, value] of Object.entries(planner)) {
    if (typeof value !== 'object' || value === null) continue
    expectNone(unusedMemberFindings(name, Object.keys(value), files, plannerBounds))
  }
})

test('an unused error and an unused bound are found', () => {
  const files = [
    { path: errors, text: `const codes = { used: 1, unused: 2 }; const name = 'unused'` },
    {
      path: 'engine/wal/a.ts',
      text: `// 'unused', bounds.idle\nfail('used', text); use(bounds.busy)`,
    },
  ]
  expect(messagesOf(unusedCodeFindings(['used', 'unused'], files, errors))).toEqual([
    `${errors}: nothing raises the error unused`,
  ])
  expect(messagesOf(unusedMemberFindings('bounds', ['busy', 'idle'], files, bounds))).toEqual([
    `${bounds}: nothing reads bounds.idle`,
  ])
})
