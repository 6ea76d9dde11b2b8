/** Simulated drills as a page: distributions, chances, what dominates, dead ends, where the figures come from. Pure. */
import { distributionChart } from '../chart/distribution-chart.ts'
import { showDuration } from '../step/quantity.ts'
import type { Simulation } from '../tabletop/simulate.ts'
import { duration, partText, percent, quantileCells, quantileNames } from '../tabletop/tell.ts'
import type { Block, Section, Story } from './block.ts'
import { none, sentence, table } from './cells.ts'

export interface SimulatedRun {
  /** `as the plan is`, or what is different. */
  readonly name: string
  readonly simulation: Simulation
}

const noEvidence =
  'A simulation is no evidence: nothing of it is in the ledger, and no report counts it.'

/** One scenario; the plain run first, beside it what-if. */
export function tellTabletop(
  plan: string,
  runs: readonly [SimulatedRun, ...SimulatedRun[]],
): Story {
  const [{ simulation: plain }] = runs
  return {
    title: `Tabletop of ${plan}: ${plain.scenario}`,
    lead: `Procedure ${plain.procedure}, ${plain.trials} simulated disasters, seed ${plain.seed}. ${runs.map(leadOf).join(' ')} ${noEvidence}`,
    sections: [
      timeSection(runs),
      ...lossSections(runs),
      chanceSection(runs),
      ...runs.flatMap((run) => [...deadEndSection(run, runs), ...pathSection(run, runs)]),
      ...runs.slice(-1).map((run) => basisSection(run)),
    ],
  }
}

interface Cell {
  readonly simulation: Simulation
  readonly isAnswer: boolean
}

/** Every scenario against every procedure. @param whatIf the same with what is different */
export function tellTabletops(
  plan: string,
  cells: readonly Cell[],
  whatIf?: { readonly changes: string; readonly cells: readonly Cell[] },
): Story {
  const trials = cells[0]?.simulation.trials ?? 0
  return {
    title: `Tabletop of ${plan}: every scenario`,
    lead: `${trials} simulated disasters of each kind, seed ${cells[0]?.simulation.seed ?? 0}. ${noEvidence}`,
    sections: [
      {
        heading: 'Every scenario against every procedure',
        blocks: [
          sentence(
            'Share of the disasters in which the service comes back, and RTO over all of them. * the procedure that the scenario calls for.',
          ),
          ...matrixTable(cells),
        ],
      },
      ...(whatIf === undefined
        ? []
        : [{ heading: `What if: ${whatIf.changes}`, blocks: matrixTable(whatIf.cells) }]),
      ...cells
        .filter(({ isAnswer }) => isAnswer)
        .map(({ simulation }) => ({
          heading: `${simulation.scenario}: ${simulation.procedure}`,
          blocks: timeBlocks([{ name: simulation.procedure, simulation }]),
        })),
    ],
  }
}

function matrixTable(cells: readonly Cell[]): Block[] {
  const procedures = [...new Set(cells.map(({ simulation }) => simulation.procedure))]
  const scenarios = [...new Set(cells.map(({ simulation }) => simulation.scenario))]
  const find = (scenario: string, procedure: string) =>
    cells.find(({ simulation: each }) => each.scenario === scenario && each.procedure === procedure)
  return table(
    ['Scenario', ...procedures],
    scenarios.map((scenario) => [
      scenario,
      ...procedures.map((procedure) => {
        const cell = find(scenario, procedure)
        if (cell === undefined) return none
        const { recovered, rto } = cell.simulation
        const mark = cell.isAnswer ? ' *' : ''
        return recovered === 0
          ? `never${mark}`
          : `${percent(recovered)}, p50 ${duration(rto.p50Ms)}, p95 ${duration(rto.p95Ms)}${mark}`
      }),
    ]),
  )
}

const leadOf = ({ name, simulation: { recovered, rto } }: SimulatedRun): string =>
  recovered === 0
    ? `The service, ${name}: never back.`
    : `The service, ${name}: back in ${percent(recovered)}; RTO p50 ${duration(rto.p50Ms)}, p95 ${duration(rto.p95Ms)}.`

const timeSection = (runs: readonly SimulatedRun[]): Section => ({
  heading: 'Time until the service is back',
  blocks: timeBlocks(runs),
})

function timeBlocks(runs: readonly SimulatedRun[]): Block[] {
  const objectives = runs.flatMap(({ simulation }) =>
    simulation.chances
      .filter(({ objective }) => objective === 'rto')
      .map(({ wantedMs }) => wantedMs),
  )
  const [first] = runs
  return [
    ...chartBlock({
      title: `RTO of ${first?.simulation.scenario ?? ''}`,
      measure: 'RTO',
      runs: runs.map(({ name, simulation }) => ({ name, quantiles: simulation.rto })),
      objectiveMs: objectives.length === 0 ? null : Math.min(...objectives),
    }),
    ...table(
      ['RTO', ...quantileNames],
      runs.map(({ name, simulation }) => [name, ...quantileCells(simulation.rto)]),
    ),
    sentence('Of all disasters; one that never ends counts as longer than any other.'),
  ]
}

function lossSections(runs: readonly SimulatedRun[]): Section[] {
  const names = new Set(
    runs.flatMap(({ simulation }) => simulation.rpo.map((each) => each.collection)),
  )
  return [...names].map((collection) => {
    const known = runs.flatMap(({ name, simulation }) => {
      const loss = simulation.rpo.find((each) => each.collection === collection)
      return loss === undefined || simulation.recovered === 0 ? [] : [{ name, quantiles: loss }]
    })
    const wanted = runs.flatMap(({ simulation }) =>
      simulation.chances.filter(
        (each) => each.objective === 'rpo' && each.collection === collection,
      ),
    )
    return {
      heading: `Writes of ${collection} that are lost`,
      blocks: [
        ...chartBlock({
          title: `RPO of ${collection}`,
          measure: 'RPO',
          runs: known,
          objectiveMs: wanted[0]?.wantedMs ?? null,
        }),
        ...table(
          ['RPO', ...quantileNames],
          known.map(({ name, quantiles }) => [name, ...quantileCells(quantiles)]),
        ),
        sentence('Of the disasters in which the service came back.'),
      ],
    }
  })
}

function chartBlock(request: Parameters<typeof distributionChart>[0]): Block[] {
  const chart = distributionChart(request)
  return chart === undefined ? [] : [{ kind: 'chart', chart }]
}

const chanceSection = (runs: readonly SimulatedRun[]): Section => ({
  heading: 'Chance to meet each objective',
  blocks: table(
    ['Run', 'Objective', 'Wanted', 'Chance'],
    runs.flatMap(({ name, simulation }) => [
      [name, 'service back', none, percent(simulation.recovered)],
      ...simulation.chances.map(({ objective, collection, wantedMs, chance }) => [
        name,
        `${objective.toUpperCase()} of ${collection}`,
        `within ${showDuration(wantedMs)}`,
        percent(chance),
      ]),
    ]),
  ),
})

const suffix = ({ name }: SimulatedRun, runs: readonly SimulatedRun[]): string =>
  runs.length === 1 ? '' : `, ${name}`

function deadEndSection(run: SimulatedRun, runs: readonly SimulatedRun[]): Section[] {
  const { deadEnds, leftBehind } = run.simulation
  const items = [
    ...deadEnds.map(({ message, share }) => `${percent(share)}: ${message}`),
    ...leftBehind.map(({ message }) => `always: ${message}`),
  ]
  if (items.length === 0) return []
  return [{ heading: `Dead ends${suffix(run, runs)}`, blocks: [{ kind: 'list', items }] }]
}

function pathSection(run: SimulatedRun, runs: readonly SimulatedRun[]): Section[] {
  const { path, recovered } = run.simulation
  if (recovered === 0) return []
  return [
    {
      heading: `What takes the time${suffix(run, runs)}`,
      blocks: table(
        ['Part', 'On the path', 'Mean', 'Of the time', 'Of the spread'],
        path.map((part) => [
          partText(part),
          percent(part.onPath),
          showDuration(part.meanMs),
          percent(part.share),
          part.ofSpread === null ? none : percent(Math.max(0, part.ofSpread)),
        ]),
      ),
    },
  ]
}

const basisSection = ({ simulation: { steps, rpo, assumed } }: SimulatedRun): Section => ({
  heading: 'Where the figures come from',
  blocks: [
    ...table(
      ['Step', 'Kind', 'Time', 'Odds'],
      steps.map(({ step, kind, duration: { origin, text }, odds }) => [
        step,
        kind,
        `${origin}: ${text}`,
        `${percent(odds.value)}, ${odds.origin}: ${odds.text}`,
      ]),
    ),
    {
      kind: 'list',
      items: [
        ...rpo.map(({ collection, basis }) => `RPO of ${collection}: ${basis}`),
        ...assumed.map((each) => `taken for true: ${each}`),
      ],
    },
  ],
})
