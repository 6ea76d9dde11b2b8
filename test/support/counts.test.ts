import { expect, test } from 'vitest'
import { countTable } from './counts.ts'

test('the table lists what was counted by kind, with seeds and sums', () => {
  const table = countTable([
    { kind: 'power cut', what: 'writes', count: 20, seed: 7 },
    { kind: 'kill -9', what: 'a writer', count: 3 },
    { kind: 'power cut', what: 'restore', count: 5 },
  ])
  expect(table.split('\n')).toEqual([
    'kill -9              3  a writer',
    'kill -9, all        3',
    'power cut            5  restore',
    'power cut           20  writes  seed 7',
    'power cut, all       25',
  ])
})
