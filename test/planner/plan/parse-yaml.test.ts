import { describe, expect, it } from 'vitest'
import { errorsOf, validPlan } from '../../support/plan-text.ts'
import { suiteDirectory } from '../../support/temporary-directory.ts'

const keys = ['__proto__', 'constructor', 'prototype']

/** Where a key may turn up, and the column it then has. */
const spots: readonly [string, (key: string) => string][] = [
  ['at the top', (key) => `${validPlan}${key}: { polluted: true }\n`],
  ['quoted', (key) => `${validPlan}"${key}": { polluted: true }\n`],
  ['escaped', (key) => `${validPlan}"\\x${key.charCodeAt(0).toString(16)}${key.slice(1)}": 1\n`],
  ['as an explicit key', (key) => `${validPlan}? ${key}\n: { polluted: true }\n`],
  ['as the name of a target', (key) => validPlan.replace('  staging:', `  ${key}:`)],
  [
    'in a flow mapping',
    (key) => validPlan.replace('{ engine: vectra,', `{ ${key}: 1, engine: vectra,`),
  ],
  ['in a step', (key) => validPlan.replace('backup: {', `backup: { ${key}: { polluted: true },`)],
  ['in a list in a list', (key) => validPlan.replace('[rto, recall]', `[[{ ${key}: 1 }]]`)],
  ['behind an anchor', (key) => validPlan.replace('{ url: ./backups }', `&a { ${key}: 1 }`)],
]

describe('a key that means something to JavaScript', () => {
  const directory = suiteDirectory()

  for (const key of keys) {
    it.each(spots)(`case 91: ${key} is refused %s`, async (_, write) => {
      const before = Reflect.ownKeys(Object.prototype)
      const errors = await errorsOf(directory.path, write(key))
      expect(
        errors.filter((error) => error.includes(`the key "${key}" is not allowed`)),
      ).toHaveLength(1)
      expect(errors.find((error) => error.includes('is not allowed'))).toMatch(/^\d+:\d+ /)
      expect(Reflect.ownKeys(Object.prototype)).toEqual(before)
      expect(Reflect.get({}, 'polluted')).toBeUndefined()
    })
  }

  it('case 91: the same words are fine as values', async () => {
    const plan = validPlan.replace('owner: platform-team', 'owner: constructor')
    expect(await errorsOf(directory.path, plan)).toEqual([])
  })

  it('case 91: names that objects inherit are unknown names, keys and variables', async () => {
    const plan = validPlan
      .replace('target: primary, tier: critical', 'target: toString, tier: valueOf')
      .replace('url: ./backups', 'url: "${env.hasOwnProperty}"')
      .replace('ifExists: true', 'valueOf: true')
    const errors = await errorsOf(directory.path, plan)
    expect(errors).toEqual([
      expect.stringContaining('there is no target "toString"'),
      expect.stringContaining('the environment variable hasOwnProperty is not set'),
      expect.stringContaining('unknown key "valueOf"'),
    ])
  })
})
