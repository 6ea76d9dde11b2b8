/** Recall of restored collections, run by run, against the objective. */
import type { CollectionRecoveries } from '../audit/recoveries.ts'
import { objectiveLine, plotGrid, timeAxis, valueAxis } from './axes.ts'
import { type Chart, chartWidthPx } from './chart.ts'
import { colours, seriesColour } from './colours.ts'

/**
 * Undefined when no run measured it.
 * @param wanted the objective, 0 to 1
 */
export function recallChart(
  { collection, runs }: CollectionRecoveries,
  wanted: number | undefined,
  window: { readonly from: string; readonly to: string },
): Chart | undefined {
  const measured = runs.filter(({ recall }) => recall !== null)
  if (measured.length === 0) return undefined
  const lowest = Math.min(wanted ?? 1, ...measured.map(({ recall }) => recall ?? 1))
  const k = measured.find((run) => run.k !== null)?.k ?? 10
  return {
    title: `Recall@${k} of ${collection} after recovery`,
    description: `${measured
      .map(({ startedAt, recall }) => `${startedAt.slice(0, 10)}: ${(recall ?? 0).toFixed(4)}.`)
      .join(
        ' ',
      )} ${wanted === undefined ? 'No recall is set as an objective.' : `The objective is ${wanted}.`}`,
    widthPx: chartWidthPx,
    heightPx: 220,
    option: {
      grid: plotGrid,
      xAxis: timeAxis(window.from, window.to),
      yAxis: {
        ...valueAxis(`recall@${k}`),
        max: 1,
        // a drop of a hundredth should be seen, and is told by the axis
        min: Math.max(0, Math.floor((lowest - 0.02) * 20) / 20),
      },
      series: [
        {
          type: 'line',
          silent: true,
          symbol: 'circle',
          symbolSize: 7,
          itemStyle: { color: seriesColour(0) },
          lineStyle: { color: seriesColour(0), width: 1 },
          data: measured.map(({ startedAt, recall }) => ({
            value: [Date.parse(startedAt), recall],
            ...(wanted !== undefined &&
              (recall ?? 0) < wanted && { itemStyle: { color: colours.missed } }),
          })),
          ...(wanted !== undefined && { markLine: objectiveLine('yAxis', wanted, 'objective') }),
        },
      ],
    },
  }
}
