import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createRedactor, Secret } from '../../../planner/plan/secret.ts'

const value = 'p@ss/word "7" ü'

describe('a secret', () => {
  const secret = new Secret('TOKEN', value)

  it('comes out through reveal only', () => {
    const printed = [
      String(secret),
      `${secret}`,
      JSON.stringify({ secret }),
      inspect({ secret }, { depth: 9, showHidden: true }),
      Object.values(secret).join(),
      JSON.stringify(structuredClone(secret.toJSON())),
    ]
    for (const text of printed) expect(text).not.toContain('word')
    expect(secret.reveal()).toBe(value)
  })
})

describe('a redactor', () => {
  const redact = createRedactor([
    new Secret('A', value),
    new Secret('B', 'p@ss/word'),
    new Secret('C', 'abc'),
  ])

  it.each([
    ['as it is', `say ${value}!`],
    ['URL-encoded', `say ${encodeURIComponent(value)}!`],
    ['as a JSON string', `say ${JSON.stringify(value).slice(1, -1)}!`],
    ['in base64', `say ${Buffer.from(value).toString('base64')}!`],
    ['in base64url', `say ${Buffer.from(value).toString('base64url')}!`],
  ])('masks a value %s', (_, text) => {
    expect(redact(text)).toBe('say ***!')
  })

  it('masks every occurrence, the longest value first', () => {
    expect(redact(`${value} ${value} p@ss/word`)).toBe('*** *** ***')
  })

  it('leaves values alone that are too short to tell from words', () => {
    expect(redact('abc')).toBe('abc')
  })

  it('leaves a text without secrets as it is', () => {
    expect(createRedactor([])('nothing to hide')).toBe('nothing to hide')
  })
})
