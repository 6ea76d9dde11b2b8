/** How much of many simulated disasters is over by when: a rising line for each run, and the objective. */
import { showDuration } from '../step/quantity.ts'
import type { Quantiles } from '../tabletop/simulate.ts'
import { durationUnit, legend, objectiveLine, plotGrid, valueAxis } from './axes.ts'
import { type Chart, chartWidthPx } from './chart.ts'
import { seriesColour } from './colours.ts'

export interface DistributionRequest {
  readonly title: string
  /** `RTO` or `RPO`. */
  readonly measure: string
  /** The plain run, and a what-if beside it. */
  readonly runs: readonly { readonly name: string; readonly quantiles: Quantiles }[]
  readonly objectiveMs: number | null
}

/** Undefined where nothing ever comes back. */
export function distributionChart({
  title,
  measure,
  runs,
  objectiveMs,
}: DistributionRequest): Chart | undefined {
  const longestMs = Math.max(0, ...runs.flatMap(({ quantiles }) => known(quantiles)))
  if (runs.every(({ quantiles }) => known(quantiles).length === 0)) return undefined
  const unit = durationUnit(Math.max(longestMs, objectiveMs ?? 0))
  const endMs = 1.05 * Math.max(longestMs, objectiveMs ?? 0, 1)
  return {
    title,
    description: [
      ...runs.map(told),
      objectiveMs === null
        ? `No ${measure} is set.`
        : `The ${measure} is ${showDuration(objectiveMs)}.`,
    ].join(' '),
    widthPx: chartWidthPx,
    heightPx: 300,
    option: {
      grid: { ...plotGrid, bottom: 44 },
      legend: { ...legend, data: runs.map(({ name }) => name) },
      xAxis: {
        ...valueAxis(''),
        ...{ name: unit.name, nameLocation: 'middle', nameGap: 26 },
        max: endMs / unit.ms,
        // the end is where the line ends, and no round number
        axisLabel: { ...valueAxis('').axisLabel, showMaxLabel: false },
      },
      yAxis: { ...valueAxis('share of the disasters, %'), max: 100 },
      series: runs.map(({ name, quantiles }, index) => ({
        type: 'line',
        name,
        silent: true,
        symbol: 'none',
        itemStyle: { color: seriesColour(index) },
        lineStyle: {
          color: seriesColour(index),
          width: 2,
          type: index === 0 ? 'solid' : 'dashed',
        },
        data: pointsOf(quantiles, unit.ms, endMs),
        ...(index === 0 &&
          objectiveMs !== null && {
            markLine: objectiveAbove(objectiveMs / unit.ms, measure),
          }),
      })),
    },
  }
}

/** Its name stands above the plot: below are the numbers of the axis. */
function objectiveAbove(value: number, name: string) {
  const line = objectiveLine('xAxis', value, name)
  return { ...line, label: { ...line.label, position: 'end' } }
}

const known = ({ curveMs }: Quantiles): number[] => curveMs.flatMap((ms) => ms ?? [])

/** From nothing, up to what comes back at all, and along to the end. */
function pointsOf(quantiles: Quantiles, unitMs: number, endMs: number): [number, number][] {
  const rising = quantiles.curveMs.flatMap((ms, percent): [number, number][] =>
    ms === null ? [] : [[ms / unitMs, percent]],
  )
  const top = rising.at(-1)?.[1]
  return top === undefined ? [] : [...rising, [endMs / unitMs, top]]
}

function told({
  name,
  quantiles: { p5Ms, p50Ms, p95Ms, worstMs },
}: DistributionRequest['runs'][number]) {
  const text = (ms: number | null) => (ms === null ? 'never' : showDuration(ms))
  return `${name}: 5 % within ${text(p5Ms)}, half within ${text(p50Ms)}, 95 % within ${text(p95Ms)}, all within ${text(worstMs)}.`
}
