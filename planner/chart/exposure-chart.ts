/** Exposure over time of one collection: a line for each kind of loss, the objective, breaches shaded. */
import type { CurvePiece, ExposureSeries } from '../audit/exposure.ts'
import { showDuration } from '../step/quantity.ts'
import {
  durationUnit,
  legend,
  listed,
  objectiveLine,
  plotGrid,
  timeAxis,
  valueAxis,
} from './axes.ts'
import { type Chart, chartWidthPx } from './chart.ts'
import { colours, seriesColour } from './colours.ts'

/**
 * Undefined when nothing was ever verified.
 * @param all of one collection; those that no verified copy survives have no line
 */
export function exposureChart(all: readonly ExposureSeries[]): Chart | undefined {
  const series = all.filter(({ curve }) => curve.some(({ highMs }) => highMs !== null))
  const [first] = series
  if (first === undefined) return undefined
  const { collection, rpoMs, from, to } = first
  const longest = Math.max(rpoMs ?? 0, ...series.flatMap(({ curve }) => curve.map(highOf)))
  const unit = durationUnit(longest)
  return {
    title: `RPO exposure of ${collection}`,
    description: all.map(told).join(' '),
    widthPx: chartWidthPx,
    heightPx: 300,
    option: {
      grid: plotGrid,
      legend: { ...legend, data: series.map(nameOf) },
      xAxis: timeAxis(from, to),
      yAxis: valueAxis(`exposure, ${unit.name}`),
      series: series.map((each, index) => ({
        type: 'line',
        name: nameOf(each),
        silent: true,
        symbol: 'none',
        itemStyle: { color: seriesColour(index) },
        lineStyle: { color: seriesColour(index), width: 1.5, type: dashes[index % dashes.length] },
        data: pointsOf(each, unit.ms),
        ...(rpoMs !== null &&
          index === 0 && { markLine: objectiveLine('yAxis', rpoMs / unit.ms, 'RPO') }),
        markArea: {
          silent: true,
          data: [
            ...shaded(each.breaches, colours.missed, 0.12),
            ...shaded(unproven(each.curve), colours.unproven, 0.1),
          ],
        },
      })),
    },
  }
}

const dashes = ['solid', 'dashed', 'dotted'] as const

const highOf = ({ highMs, lowMs }: CurvePiece): number => highMs ?? lowMs ?? 0

const nameOf = ({ losses, standbys }: ExposureSeries): string =>
  `loss of ${listed(losses)}${standbys.length === 0 ? '' : ' (replica)'}`

/** Both ends of each piece; a gap where nothing was verified. */
function pointsOf(
  { curve, isCurveExact }: ExposureSeries,
  unitMs: number,
): [number, number | null][] {
  return curve.flatMap(({ from, to, lowMs, highMs }): [number, number | null][] => {
    const [start, end] = [Date.parse(from), Date.parse(to)]
    if (highMs === null) return [[start, null]]
    const low = isCurveExact ? (lowMs ?? highMs) : highMs
    return [
      [start, low / unitMs],
      [end, highMs / unitMs],
    ]
  })
}

const shaded = (
  spans: readonly { readonly from: string; readonly to: string }[],
  color: string,
  opacity: number,
) =>
  spans.map(({ from, to }) => [
    { xAxis: Date.parse(from), itemStyle: { color, opacity } },
    { xAxis: Date.parse(to) },
  ])

const unproven = (curve: readonly CurvePiece[]): readonly CurvePiece[] =>
  curve.filter(({ highMs }) => highMs === null)

function told(series: ExposureSeries): string {
  const { breaches, inBreachMs, rpoMs } = series
  const wanted = rpoMs === null ? 'No RPO is set' : `The RPO is ${showDuration(rpoMs)}`
  const broken =
    breaches.length === 0
      ? 'it was never exceeded'
      : `it was exceeded ${breaches.length === 1 ? 'once' : `${breaches.length} times`}, for ${showDuration(inBreachMs)} in all`
  return `${nameOf(series)}: ${wanted}; ${broken}.`
}
