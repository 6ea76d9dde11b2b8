/** Which copies of which collection survive what: the map of copies by failure domain. */
import type { CopyReport } from '../audit/copy-report.ts'
import type { ExposureSeries, Loss } from '../audit/exposure.ts'
import { nameAxis } from './axes.ts'
import { type Chart, chartWidthPx } from './chart.ts'
import { colours } from './colours.ts'

/** More rows than a page has room for; the tables have all. */
const mostRows = 40

const losses: readonly Loss[] = ['data', 'node', 'disk', 'region', 'account', 'vendor']

const states = {
  verified: { color: colours.met, sign: '✓ verified' },
  unverified: { color: colours.unproven, sign: '? not verified' },
  replica: { color: colours.series1, sign: '≈ replica' },
  lost: { color: colours.soft, sign: '× lost too' },
} as const

type State = keyof typeof states

interface Row {
  readonly name: string
  readonly states: readonly (State | undefined)[]
}

const rowPx = 30

/** Copies at destinations, then standbys, which follow every mistake. Undefined when there is no copy. */
export function survivalChart(
  exposure: readonly ExposureSeries[],
  copies: readonly CopyReport[],
): Chart | undefined {
  const rows = [
    ...copies
      .map(
        (copy): Row => ({
          name: `${copy.collection} at ${copy.destination}${copy.kind === 'archive' ? ' (log)' : ''}`,
          states: losses.map((loss) => stateOf(copy, loss, exposure)),
        }),
      )
      .filter((row) => row.states.some((state) => state !== undefined)),
    ...standbyRows(exposure),
  ].slice(0, mostRows)
  if (rows.length === 0) return undefined
  return {
    title: 'Copies by failure domain',
    description: rows.map(told).join(' '),
    widthPx: chartWidthPx,
    heightPx: rowPx * rows.length + 50,
    option: {
      grid: { left: 210, right: 24, top: 34, bottom: 8 },
      xAxis: {
        type: 'category',
        position: 'top',
        data: losses.map((loss) => `loss of ${loss}`),
        silent: true,
        axisTick: { show: false },
        axisLine: { show: false },
        axisLabel: { color: colours.muted, fontSize: 12 },
      },
      yAxis: nameAxis(rows.map(({ name }) => name)),
      series: (Object.keys(states) as State[]).map((state) => ({
        type: 'scatter',
        silent: true,
        symbol: 'rect',
        symbolSize: [(chartWidthPx - 240) / losses.length - 3, rowPx - 4],
        itemStyle: { color: states[state].color, opacity: 1 },
        label: {
          show: true,
          formatter: states[state].sign,
          color: state === 'lost' ? colours.muted : colours.page,
          fontSize: 12,
        },
        data: rows.flatMap((row, y) =>
          row.states.flatMap((each, x) => (each === state ? [[x, y]] : [])),
        ),
      })),
    },
  }
}

/** A row for each standby that survives anything. */
function standbyRows(exposure: readonly ExposureSeries[]): Row[] {
  const pairs = new Map(
    exposure.flatMap(({ collection, standbys }) =>
      standbys.map((standby) => [`${collection} on ${standby}`, { collection, standby }] as const),
    ),
  )
  return [...pairs].map(([name, { collection, standby }]) => ({
    name,
    states: losses.map((loss): State | undefined => {
      const fate = exposure.find(
        (series) => series.collection === collection && series.losses.includes(loss),
      )
      if (fate === undefined) return undefined
      return fate.standbys.includes(standby) ? 'replica' : 'lost'
    }),
  }))
}

function stateOf(
  { collection, destination, verifiedSince }: CopyReport,
  loss: Loss,
  exposure: readonly ExposureSeries[],
): State | undefined {
  const fate = exposure.find(
    (series) => series.collection === collection && series.losses.includes(loss),
  )
  if (fate === undefined) return undefined
  if (!fate.survivors.includes(destination)) return 'lost'
  return verifiedSince === null ? 'unverified' : 'verified'
}

function told({ name, states: own }: Row): string {
  const survived = losses.filter((_, index) => own[index] !== 'lost' && own[index] !== undefined)
  return `${name} survives the loss of ${survived.length === 0 ? 'nothing' : survived.join(', ')}.`
}
