import { expect, test } from 'vitest'
import { Absence } from '../../../planner/tabletop/absence.ts'

test('spans that overlap are one, and their ends are not part of them', () => {
  const absence = new Absence([
    { fromMs: 50, toMs: 60 },
    { fromMs: 10, toMs: 20 },
    { fromMs: 15, toMs: 30 },
  ])
  expect([9, 10, 29, 30, 55, 60].map((at) => absence.overAt(at))).toEqual([9, 30, 30, 30, 60, 60])
  expect([0, 10, 40, 60].map((at) => absence.nextAfter(at))).toEqual([
    ...[10, 50, 50],
    Number.POSITIVE_INFINITY,
  ])
})
