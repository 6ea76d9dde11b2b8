/** Axes and lines that charts share. */
import { toIso } from '../step/observation.ts'
import { colours } from './colours.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** Room around a plot. */
export const plotGrid = { left: 64, right: 24, top: 62, bottom: 34 } as const

const text = { color: colours.muted, fontSize: 12 } as const

/** Instants in UTC: dates, or times of the day where the span is short. */
export function timeAxis(from: string, to: string) {
  const [min, max] = [Date.parse(from), Date.parse(to)]
  const isShort = max - min <= 2 * dayMs
  return {
    type: 'time',
    min,
    max,
    silent: true,
    splitNumber: 6,
    axisLine: { lineStyle: { color: colours.muted } },
    axisTick: { lineStyle: { color: colours.muted } },
    axisLabel: {
      ...text,
      hideOverlap: true,
      showMinLabel: false,
      showMaxLabel: false,
      formatter: (value: number) => {
        const iso = toIso(value)
        return isShort ? iso.slice(11, 16) : iso.slice(5, 10)
      },
    },
  } as const
}

/** Numbers from 0 up. */
export const valueAxis = (name: string) =>
  ({
    type: 'value',
    name,
    silent: true,
    nameTextStyle: { ...text, align: 'left', padding: [0, 0, 0, -52] },
    axisLabel: text,
    splitLine: { lineStyle: { color: colours.line } },
  }) as const

/** Names, one under the other. */
export const nameAxis = (names: readonly string[]) =>
  ({
    type: 'category',
    data: [...names],
    inverse: true,
    silent: true,
    axisLine: { show: false },
    axisTick: { show: false },
    axisLabel: { ...text, width: 190, overflow: 'truncate' },
  }) as const

/** The unit in which durations up to `longestMs` read best. */
export function durationUnit(longestMs: number): { readonly name: string; readonly ms: number } {
  if (longestMs > 3 * dayMs) return { name: 'days', ms: dayMs }
  if (longestMs > 3 * hourMs) return { name: 'hours', ms: hourMs }
  if (longestMs > 3 * minuteMs) return { name: 'minutes', ms: minuteMs }
  return longestMs > 3_000 ? { name: 'seconds', ms: 1_000 } : { name: 'milliseconds', ms: 1 }
}

/** A dashed line at an objective. */
export const objectiveLine = (axis: 'xAxis' | 'yAxis', value: number, name: string) =>
  ({
    silent: true,
    symbol: 'none',
    label: {
      formatter: name,
      color: colours.text,
      position: axis === 'yAxis' ? 'insideEndTop' : 'start',
      fontSize: 12,
    },
    lineStyle: { color: colours.text, type: 'dashed', width: 1.5 },
    data: [{ [axis]: value }],
  }) as const

export const legend = {
  top: 0,
  left: 0,
  itemGap: 34,
  itemWidth: 18,
  itemHeight: 10,
  icon: 'roundRect',
  selectedMode: false,
  textStyle: { color: colours.text, fontSize: 12 },
} as const

/** `data, node, disk` of several, one word of one. */
export const listed = (names: readonly string[]): string => names.join(', ')
