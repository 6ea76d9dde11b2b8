/** A simulation as text: lines without line ends. Two of them stand side by side. */
import { showDuration } from '../step/quantity.ts'
import type { PathPart, Quantiles, Simulation } from './simulate.ts'

/** Rows of cells, to be aligned by whoever prints them, or a line. */
export type Told = string | readonly (readonly string[])[]

/** `70.3 %`; what happens now and then is neither never nor always. */
export const percent = (share: number): string => {
  const text = (share * 100).toFixed(1)
  // what happens now and then is not never, and not always
  if (text === '100.0' && share < 1) return '> 99.9 %'
  if (text === '0.0' && share > 0) return '< 0.1 %'
  return `${text.replace(/\.0$/, '')} %`
}

export const duration = (ms: number | null): string => (ms === null ? 'never' : showDuration(ms))

/** Over the columns of {@link quantileCells}. */
export const quantileNames = ['p5', 'p50', 'p90', 'p95', 'p99', 'worst'] as const

/** Durations in words; `never` where the service or the data did not come back. */
export const quantileCells = (of: Quantiles): string[] =>
  [of.p5Ms, of.p50Ms, of.p90Ms, of.p95Ms, of.p99Ms, of.worstMs].map(duration)

/** @param other with what is different, in words */
export function tellSimulation(
  plain: Simulation,
  other?: { readonly simulation: Simulation; readonly changes: string },
): Told[] {
  const { scenario, procedure, trials, seed } = plain
  const title = `scenario ${scenario}, procedure ${procedure}: ${trials} trials, seed ${seed}`
  const runs = [plain, ...(other === undefined ? [] : [other.simulation])]
  return [
    title,
    ...(other === undefined ? [] : [`what if: ${other.changes}`]),
    '',
    ...distributions(runs),
    '',
    ...chances(runs),
    ...runs.flatMap((run, index) => {
      const suffix = runs.length === 1 ? '' : index === 0 ? ', plain' : ', what if'
      return [...deadEndLines(run, suffix), ...pathLines(run, suffix)]
    }),
    ...basisLines(runs.at(-1) ?? plain, runs.length > 1 ? ', what if' : ''),
  ]
}

/** Names of columns of several runs, or of one. */
const labels = (runs: readonly Simulation[]): string[] =>
  runs.length === 1 ? [''] : ['plain', 'what if']

function distributions(runs: readonly Simulation[]): Told[] {
  const [plain] = runs
  if (plain === undefined) return []
  const names = labels(runs)
  const row = (what: string, index: number, of: Quantiles | undefined) =>
    of === undefined ? [] : [[what, names[index] ?? '', ...quantileCells(of)]]
  const collections = [
    ...new Set(runs.flatMap(({ rpo }) => rpo.map(({ collection }) => collection))),
  ]
  const rows = [
    ['', '', ...quantileNames],
    ...runs.flatMap((run, index) => row('RTO', index, run.rto)),
    ...collections.flatMap((name) =>
      runs.flatMap((run, index) =>
        // without a recovery nothing is known of it
        run.recovered === 0
          ? []
          : row(
              `RPO of ${name}`,
              index,
              run.rpo.find(({ collection }) => collection === name),
            ),
      ),
    ),
  ]
  return [
    runs.length === 1 ? rows.map(([first = '', _, ...rest]) => [first, ...rest]) : rows,
    'RTO counts all trials; RPO those in which the service came back.',
  ]
}

function chances(runs: readonly Simulation[]): Told[] {
  const [plain] = runs
  if (plain === undefined) return []
  const cells = (of: (run: Simulation) => number | undefined): string[] =>
    runs.map((run) => {
      const share = of(run)
      return share === undefined ? '' : percent(share)
    })
  const keys = runs.flatMap((run) =>
    run.chances.map((each) => `${each.objective} ${each.collection}`),
  )
  const rows = [
    ...(runs.length === 1 ? [] : [['', ...labels(runs)]]),
    ['service back', ...cells(({ recovered }) => recovered)],
    ...[...new Set(keys)].map((key) => {
      const find = (run: Simulation) =>
        run.chances.find((each) => `${each.objective} ${each.collection}` === key)
      const wanted = runs.map((run) => find(run)?.wantedMs).map((ms) => duration(ms ?? null))
      const [objective = '', ...collection] = key.split(' ')
      const what = `${objective.toUpperCase()} of ${collection.join(' ')} within ${[...new Set(wanted)].join(' | ')}`
      return [what, ...cells((run) => find(run)?.chance)]
    }),
  ]
  return ['chances:', indented(rows)]
}

const indented = (rows: readonly (readonly string[])[]): string[][] =>
  rows.map(([first = '', ...rest]) => [`  ${first}`, ...rest])

function deadEndLines(
  { deadEnds, leftBehind, rpo, recovered }: Simulation,
  suffix: string,
): Told[] {
  const lost = recovered === 0 ? [] : rpo.filter(({ p50Ms }) => p50Ms === null)
  const lines = [
    ...deadEnds.map(({ message, share }) => `  ${percent(share)}: ${message}`),
    ...lost.map(({ collection, basis }) => `  no state of ${collection} is left: ${basis}`),
    ...leftBehind.map(({ message }) => `  always: ${message}`),
  ]
  return lines.length === 0 ? [] : ['', `dead ends${suffix}:`, ...lines]
}

function pathLines({ path, recovered }: Simulation, suffix: string): Told[] {
  if (recovered === 0) return []
  const rows = [
    ['way to the service', 'on the path', 'mean', 'of the time', 'of the spread'],
    ...path.map((part) => [
      partText(part),
      percent(part.onPath),
      showDuration(part.meanMs),
      percent(part.share),
      part.ofSpread === null ? '-' : percent(Math.max(0, part.ofSpread)),
    ]),
  ]
  return ['', `critical path${suffix}:`, indented(rows), ...dominating(path)]
}

function dominating(path: readonly PathPart[]): string[] {
  const most = (of: (part: PathPart) => number) =>
    path.toSorted((a, b) => of(b) - of(a)).find((part) => of(part) > 0)
  const time = most(({ share }) => share)
  const spread = most(({ ofSpread }) => ofSpread ?? 0)
  return [
    ...(time === undefined
      ? []
      : [`  most of the time: ${partText(time)}, ${percent(time.share)}`]),
    ...(spread === undefined
      ? []
      : [`  most of the spread: ${partText(spread)}, ${percent(spread.ofSpread ?? 0)}`]),
  ]
}

/** What a part of the way is, in words. */
export function partText({ part, step, role }: PathPart): string {
  if (part === 'noticed') return 'until it is noticed'
  if (part === 'answered') return 'until somebody answers the alarm'
  if (part === 'questions') return 'questions before the start'
  return part === 'waiting' ? `${step}: waiting for ${role ?? 'others'}` : `${step}`
}

function basisLines({ steps, rpo, assumed }: Simulation, suffix: string): Told[] {
  return [
    '',
    `where the figures come from${suffix}:`,
    steps.map(({ step, kind, duration: { origin, text }, odds }) => [
      `  ${step}`,
      kind,
      `${origin}: ${text}`,
      `odds ${percent(odds.value)}, ${odds.origin}: ${odds.text}`,
    ]),
    ...rpo.map(({ collection, basis }) => `  RPO of ${collection}: ${basis}`),
    ...assumed.map((each) => `  taken for true: ${each}`),
    'A simulation is no evidence: nothing of it is in the ledger, and no report counts it.',
  ]
}

/** Every scenario against every procedure: chance to come back, median RTO, the scenario's own marked. */
export function tellMatrix(
  cells: readonly { readonly simulation: Simulation; readonly isAnswer: boolean }[],
): Told[] {
  const procedures = [...new Set(cells.map(({ simulation }) => simulation.procedure))]
  const scenarios = [...new Set(cells.map(({ simulation }) => simulation.scenario))]
  const rows = scenarios.map((scenario) => [
    scenario,
    ...procedures.map((procedure) => {
      const cell = cells.find(
        ({ simulation }) => simulation.scenario === scenario && simulation.procedure === procedure,
      )
      if (cell === undefined) return ''
      const { recovered, rto } = cell.simulation
      const mark = cell.isAnswer ? ' *' : ''
      return recovered === 0
        ? `never${mark}`
        : `${percent(recovered)}, p50 ${duration(rto.p50Ms)}, p95 ${duration(rto.p95Ms)}${mark}`
    }),
  ])
  return [
    [['scenario', ...procedures], ...rows],
    '* the procedure that the scenario calls for. Share of trials in which the service comes back, and RTO over all trials.',
  ]
}
