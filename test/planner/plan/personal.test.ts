import { describe, expect, test } from 'vitest'
import type { Contact } from '../../../planner/plan/people.ts'
import { createPersonMask } from '../../../planner/plan/personal.ts'

const place = { file: 'p.yaml', line: 1, column: 1, path: '' }

const maskOf = (...contacts: readonly Partial<Contact>[]) =>
  createPersonMask({
    contacts: new Map(
      contacts.map((each, index) => {
        const key = `contact-${index + 1}`
        return [key, { key, name: 'x', place, ...each }]
      }),
    ),
  })

describe('what is kept of a contact', () => {
  test.each([
    ['Call Anna Beispiel now', 'Call [contact-1] now'],
    ['anna@example.com', '[contact-1]'],
    ['tel +41 79 555 01 23 or +41795550123', 'tel [contact-1] or [contact-1]'],
    [encodeURIComponent('anna@example.com'), '[contact-1]'],
    [Buffer.from('+41 79 555 01 23').toString('hex'), '[contact-1]'],
    ['Beispiel', 'Beispiel'],
  ])('%j is kept as %j', (text, kept) => {
    const mask = maskOf({
      ...{ name: 'Anna Beispiel', phone: '+41 79 555 01 23', email: 'anna@example.com' },
    })
    expect(mask(text)).toBe(kept)
  })

  test('a name that may be a word and a number of few digits are left alone', () => {
    const mask = maskOf({ name: 'primary', phone: '117' })
    expect(mask('primary has 117 points')).toBe('primary has 117 points')
  })

  test('of two, one inside the other, the longer one is found', () => {
    const mask = maskOf({ name: 'Anna Beispiel' }, { name: 'Anna Beispiel Muster' })
    expect(mask('Anna Beispiel Muster and Anna Beispiel')).toBe('[contact-2] and [contact-1]')
  })
})
