/** Schedules and drills that the clock runs, a row each, day by day. */
import type { CalendarDay, SequenceReport } from '../audit/schedules.ts'
import { legend, nameAxis } from './axes.ts'
import { type Chart, chartWidthPx } from './chart.ts'
import { colours } from './colours.ts'

/** More rows than a page has room for; the table has all. */
const mostRows = 40

/** The worst of a day is shown: colour and sign. */
const states = {
  succeeded: { color: colours.met, sign: '' },
  unfinished: { color: colours.unproven, sign: '…' },
  failed: { color: colours.missed, sign: '×' },
  missed: { color: colours.missed, sign: '○' },
} as const

type State = keyof typeof states

const rowPx = 24
const margins = { left: 210, right: 24 } as const

/** A day that is narrower has no room around it: days that follow each other and are alike are one piece. */
const finePx = 4

/** Undefined when the clock runs nothing. */
export function calendarChart(schedules: readonly SequenceReport[]): Chart | undefined {
  const rows = schedules.slice(0, mostRows)
  const days = rows[0]?.days.map(({ day }) => day) ?? []
  if (rows.length === 0 || days.length === 0) return undefined
  const dayPx = (chartWidthPx - margins.left - margins.right) / days.length
  const pieces = rows.flatMap((each, row) => piecesOf(each.days, row, dayPx < finePx))
  const widthPx = (count: number): number =>
    count > 1 ? count * dayPx : Math.max(2, Math.min(rowPx, dayPx) - 1)
  return {
    title: 'Calendar of schedules and drills',
    description: rows.map(told).join(' '),
    widthPx: chartWidthPx,
    heightPx: rowPx * rows.length + 70,
    option: {
      grid: { ...margins, top: 34, bottom: 30 },
      legend: { ...legend, data: Object.keys(states) },
      xAxis: {
        type: 'category',
        data: days,
        silent: true,
        axisTick: { show: false },
        axisLine: { lineStyle: { color: colours.line } },
        axisLabel: { color: colours.muted, fontSize: 12, formatter: (day: string) => day.slice(5) },
      },
      yAxis: nameAxis(rows.map(({ sequence }) => `${sequence.kind} ${sequence.name}`)),
      series: (Object.keys(states) as State[]).map((state) => ({
        type: 'scatter',
        name: state,
        silent: true,
        symbol: 'rect',
        itemStyle: { color: states[state].color, opacity: state === 'succeeded' ? 0.55 : 1 },
        label: {
          show: dayPx >= 7 && states[state].sign !== '',
          formatter: states[state].sign,
          color: colours.page,
          fontSize: 11,
        },
        data: pieces
          .filter((piece) => piece.state === state)
          .map(({ row, column, count }) => ({
            value: [column, row],
            symbolSize: [widthPx(count), rowPx - 6],
            symbolOffset: [((count - 1) * dayPx) / 2, 0],
          })),
      })),
    },
  }
}

/** Days of one row that are drawn at once. */
interface Piece {
  readonly row: number
  readonly column: number
  readonly count: number
  readonly state: State
}

function piecesOf(days: readonly CalendarDay[], row: number, isFine: boolean): Piece[] {
  const pieces: Piece[] = []
  for (const [column, day] of days.entries()) {
    const state = stateOf(day)
    const last = pieces.at(-1)
    if (state === undefined) continue
    if (isFine && last?.state === state && last.column + last.count === column) {
      pieces[pieces.length - 1] = { ...last, count: last.count + 1 }
    } else pieces.push({ row, column, count: 1, state })
  }
  return pieces
}

/** The worst of what came of the day's due times; undefined when none was due. */
function stateOf(day: CalendarDay): State | undefined {
  for (const state of ['missed', 'failed', 'unfinished', 'succeeded'] as const) {
    if (day[state] > 0) return state
  }
  return undefined
}

const told = ({ sequence, due, succeeded, failed, missed }: SequenceReport): string =>
  `${sequence.kind} ${sequence.name}: ${due} due, ${succeeded} succeeded, ${failed} failed, ${missed} missed.`
