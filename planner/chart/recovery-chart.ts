/** Recovery times of one collection, run by run, stacked by phase, against the RTO. */
import type { CollectionRecoveries, RecoveryReport } from '../audit/recoveries.ts'
import { showDuration } from '../step/quantity.ts'
import { durationUnit, legend, nameAxis, objectiveLine, plotGrid, valueAxis } from './axes.ts'
import { type Chart, chartWidthPx } from './chart.ts'
import { seriesColour } from './colours.ts'

/** Older ones stand in the table. */
const mostRuns = 30

/** As they come; those of a restore and of a takeover do not mix. */
const phaseNames = [
  ...(['restored', 'verified', 'decided', 'fenced', 'promoted'] as const),
  ...(['switched', 'answered', 'serving', 'checked'] as const),
] as const

/** The same phase has the same colour in every chart. */
const colourOf: Readonly<Record<(typeof phaseNames)[number], number>> = {
  ...{ restored: 0, verified: 1, serving: 2, checked: 3 },
  ...{ decided: 4, fenced: 5, promoted: 6, switched: 7, answered: 8 },
}

/** Undefined when no run measured it. */
export function recoveryChart({ collection, runs, rto }: CollectionRecoveries): Chart | undefined {
  const measured = runs.filter(({ rtoMs }) => rtoMs !== null).slice(-mostRuns)
  if (measured.length === 0) return undefined
  const { objectiveMs } = rto
  const occurring = phaseNames.filter((name) =>
    measured.some(({ phases }) => phases.some((phase) => phase.name === name)),
  )
  const unit = durationUnit(Math.max(objectiveMs ?? 0, ...measured.map((run) => run.rtoMs ?? 0)))
  return {
    title: `Recovery time of ${collection}, by phase`,
    description: `${measured.map(told).join(' ')} ${objectiveMs === null ? 'No RTO is set.' : `The RTO is ${showDuration(objectiveMs)}.`}`,
    widthPx: chartWidthPx,
    heightPx: 90 + 26 * measured.length,
    option: {
      grid: { ...plotGrid, left: 220 },
      legend: { ...legend, data: occurring },
      xAxis: {
        ...valueAxis(''),
        name: unit.name,
        nameLocation: 'middle',
        nameGap: 22,
        ...within(objectiveMs, unit.ms),
      },
      yAxis: nameAxis(measured.map(nameOf)),
      series: occurring.map((phase, index) => ({
        type: 'bar',
        name: phase,
        stack: 'time',
        silent: true,
        barMaxWidth: 18,
        itemStyle: { color: seriesColour(colourOf[phase]) },
        data: measured.map((run) => lengthOf(run, phase) / unit.ms),
        ...(index === 0 &&
          objectiveMs !== null && {
            markLine: objectiveLine('xAxis', objectiveMs / unit.ms, 'RTO'),
          }),
      })),
    },
  }
}

/** The line of the objective stands inside the plot. */
const within = (objectiveMs: number | null, unitMs: number) =>
  objectiveMs === null
    ? {}
    : { max: ({ max }: { max: number }) => Math.max(max, (1.05 * objectiveMs) / unitMs) }

const nameOf = ({ startedAt, sequence, outcome }: RecoveryReport): string =>
  `${startedAt.slice(0, 10)} ${sequence.name}${outcome === 'passed' ? '' : ` (${outcome})`}`

/** From the phase before to this one. */
function lengthOf({ phases }: RecoveryReport, name: (typeof phaseNames)[number]): number {
  const at = phases.findIndex((phase) => phase.name === name)
  const phase = phases[at]
  return phase === undefined ? 0 : Math.max(0, phase.afterMs - (phases[at - 1]?.afterMs ?? 0))
}

const told = (run: RecoveryReport): string => `${nameOf(run)}: ${showDuration(run.rtoMs ?? 0)}.`
