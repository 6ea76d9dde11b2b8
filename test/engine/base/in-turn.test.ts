import { expect, test } from 'vitest'
import { inTurn } from '../../../engine/base/in-turn.ts'

test('lists are taken in turn, a few at a time, and each whole and in its order', () => {
  const lists = ['abc', '', 'de', 'fgh', 'i']
  expect([...inTurn(lists, 2)].join('')).toBe('abdcefigh')
  expect([...inTurn(lists, 1)].join('')).toBe('abcdefghi')
  expect([...inTurn(lists, 9)].join('')).toBe('adfibegch')
  expect([...inTurn([], 2)]).toEqual([])
})
