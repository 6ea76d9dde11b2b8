import { expect, test } from 'vitest'
import type { SequenceReport } from '../../../planner/audit/schedules.ts'
import { calendarChart } from '../../../planner/chart/calendar-chart.ts'
import { chartWidthPx } from '../../../planner/chart/chart.ts'
import { drawChart } from '../../../planner/chart/draw-chart.ts'

const none = { succeeded: 0, failed: 0, unfinished: 0, missed: 0 }
const letters = { s: 'succeeded', f: 'failed', u: 'unfinished', m: 'missed' } as const

/** A schedule; of each day a letter says what came of it, and a dot that nothing was due. */
function scheduleOf(days: string): SequenceReport {
  const count = (letter: string) => days.split(letter).length - 1
  return {
    sequence: { kind: 'schedule', name: 'nightly' },
    rhythm: 'every 1d',
    ...none,
    ...{ due: days.length - count('.'), attempted: 0, pending: 0, failing: [] },
    days: [...days].map((letter, index) => ({
      ...{ day: new Date(Date.UTC(2026, 0, 1 + index)).toISOString().slice(0, 10), ...none },
      due: letter === '.' ? 0 : 1,
      ...(letter !== '.' && { [letters[letter as keyof typeof letters]]: 1 }),
    })),
  }
}

/** From which day to which something is drawn in a colour: squares around their middles, scaled. */
function spansIn(svg: string, colour: string, days: number): [number, number][] {
  const square =
    /<path d="M-1 -1l2 0l0 2l-2 0Z" transform="matrix\(([^)]*)\)" fill="var\(--(\w+)\)/g
  const left = 210
  const dayPx = (chartWidthPx - left - 24) / days
  return [...svg.matchAll(square)]
    .filter(([, , name]) => name === colour)
    .map(([, matrix = '']): [number, number] => {
      const [half = 0, , , , middle = 0] = matrix.split(',').map(Number)
      return [(middle - half - left) / dayPx, (middle + half - left) / dayPx]
    })
    .sort(([a], [b]) => a - b)
}

const drawn = (days: string): string => {
  const chart = calendarChart([scheduleOf(days)])
  if (chart === undefined) throw new Error('there is something to draw')
  return drawChart(chart, 'chart-1')
}

test('days of a year that follow each other and are alike are one piece, where they were', () => {
  const days = `${'s'.repeat(100)}m${'s'.repeat(49)}..${'s'.repeat(212)}f`
  const svg = drawn(days)
  const whole = [
    [0, 100],
    [101, 150],
    [152, 364],
  ]
  const met = spansIn(svg, 'met', days.length)
  expect(met).toHaveLength(whole.length)
  for (const [index, [from = 0, to = 0]] of whole.entries()) {
    expect(met[index]?.[0]).toBeCloseTo(from, 1)
    expect(met[index]?.[1]).toBeCloseTo(to, 1)
  }
  // a day that was bad is drawn last, and as wide as can be seen
  const missed = spansIn(svg, 'missed', days.length)
  expect(missed.map(([from, to]) => (from + to) / 2)).toEqual([
    expect.closeTo(100.5, 1),
    expect.closeTo(364.5, 1),
  ])
  expect(missed.every(([from, to]) => to - from >= 1)).toBe(true)
})

test('days of a month stand one by one, and those that were bad bear a sign', () => {
  const days = `${'s'.repeat(10)}mf${'s'.repeat(18)}`
  const svg = drawn(days)
  expect(spansIn(svg, 'met', days.length)).toHaveLength(28)
  expect(spansIn(svg, 'missed', days.length)).toHaveLength(2)
  expect(svg).toContain('>○<')
  expect(svg).toContain('>×<')
})
