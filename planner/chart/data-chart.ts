/** Size of one collection, and what of it changed, day by day. */
import { MiB } from '../../engine/index.ts'
import type { DataDay, DataReport } from '../audit/growth.ts'
import { showBytes } from '../step/quantity.ts'
import { legend, plotGrid, timeAxis, valueAxis } from './axes.ts'
import { type Chart, chartWidthPx } from './chart.ts'
import { colours, seriesColour } from './colours.ts'

const barWidthPx = 4
/** More points on a line than can be told apart. */
const mostMarked = 120

/** Undefined when nothing was measured. */
export function dataChart(
  { collection, days }: DataReport,
  window: { readonly from: string; readonly to: string },
): Chart | undefined {
  const sizes = days.filter(({ totalBytes }) => totalBytes !== null)
  const last = sizes.at(-1)
  if (last?.totalBytes == null) return undefined
  const changed = (day: DataDay) => changedBytes(day)
  return {
    title: `Size and change of ${collection}`,
    description: `${showBytes(last.totalBytes)} and ${last.count ?? 'an unknown number of'} points on ${last.day}; most in a day changed ${showBytes(Math.max(0, ...days.map((day) => changed(day) ?? 0)))}.`,
    widthPx: chartWidthPx,
    heightPx: 240,
    option: {
      grid: { ...plotGrid, right: 64 },
      legend: { ...legend, data: ['size', 'stored or archived in a day'] },
      xAxis: timeAxis(window.from, window.to),
      yAxis: [
        valueAxis('size, MiB'),
        {
          ...valueAxis('change, MiB'),
          position: 'right',
          splitLine: { show: false },
          nameTextStyle: {
            color: colours.muted,
            fontSize: 12,
            align: 'right',
            padding: [0, -44, 0, 0],
          },
        },
      ],
      series: [
        {
          type: 'line',
          name: 'size',
          silent: true,
          symbol: sizes.length > mostMarked ? 'none' : 'circle',
          symbolSize: 4,
          connectNulls: true,
          itemStyle: { color: seriesColour(0) },
          lineStyle: { color: seriesColour(0), width: 1.5 },
          data: sizes.map((day) => [Date.parse(day.day), (day.totalBytes ?? 0) / MiB]),
        },
        {
          type: 'bar',
          name: 'stored or archived in a day',
          yAxisIndex: 1,
          silent: true,
          barWidth: barWidthPx,
          itemStyle: { color: seriesColour(1) },
          data: days
            .filter((day) => changed(day) !== null)
            .map((day) => [Date.parse(day.day), (changed(day) ?? 0) / MiB]),
        },
      ],
    },
  }
}

/** What backups stored anew, or what was archived of the log where that is more. */
function changedBytes({ storedBytes, logBytes }: DataDay): number | null {
  if (storedBytes === null && logBytes === null) return null
  return Math.max(storedBytes ?? 0, logBytes ?? 0)
}
