/** `tabletop PLAN`: a procedure against a story on virtual time. Touches nothing, and writes nothing but the page of `--out`. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { fail } from '../../engine/index.ts'
import type { Plan, Procedure } from '../plan/plan.ts'
import type { Scenario } from '../plan/scenario.ts'
import { createRedactor } from '../plan/secret.ts'
import type { Story } from '../report/block.ts'
import type { ModelRequest } from '../tabletop/model.ts'
import type { Simulation } from '../tabletop/simulate.ts'
import type { Told } from '../tabletop/tell.ts'
import * as choose from './choose-sequence.ts'
import type { Context } from './context.ts'
import { openRehearsed, type StoodIn, standInText } from './open-with-stand-ins.ts'
import { readProvenLedger } from './read-proven-ledger.ts'
import { examples, type Runner } from './runner.ts'
import { statePaths } from './state.ts'
import { tableLines } from './table.ts'

interface TabletopFlags {
  readonly scenario?: string
  readonly all?: true
  readonly trials: number
  readonly seed: number
  readonly set?: readonly string[]
  readonly without?: readonly string[]
  readonly dataSize?: number
  readonly out?: string
  readonly play?: true
  readonly script?: string
  readonly prepare?: true
}

export function addTabletop(program: Command, run: Runner): void {
  program
    .command('tabletop')
    .description(
      'plays the procedure that a scenario calls for, thousands of times on virtual time: RTO, RPO, chances, what dominates, dead ends; touches nothing, needs none of the plan’s variables and is no evidence',
    )
    .argument('<plan>', 'plan file')
    .option('--scenario <name>', 'one of the plan’s scenarios (default: the only one)')
    .option('--all', 'every scenario against every procedure')
    .addOption(
      new Option('--trials <count>', 'how many disasters, 1 to 1,000,000')
        .argParser(wholeOption(1, 1_000_000))
        .default(10_000),
    )
    .addOption(
      new Option('--seed <number>', 'the same one gives the same figures')
        .argParser(wholeOption(0, 2 ** 32 - 1))
        .default(7),
    )
    .option('--set <key=value...>', 'what if this stood in the plan; a path of keys from its root')
    .option(
      '--without <what...>',
      'what if contact:NAME, destination:NAME or target:NAME is missing',
    )
    .option('--data-size <factor>', 'what if there is so much more data: 10x', factorOption)
    .option('--out <dir>', 'write it there as well, as a page with charts and as Markdown')
    .option('--play', 'people play it, at this terminal; goes on with one that was paused')
    .option('--script <file>', 'with --play: plays what stands in this YAML file, unattended')
    .option('--prepare', 'with --play: only writes the pages for facilitator and players')
    .addHelpText(
      'after',
      examples(
        'tabletop plans/shop.yaml --scenario region-loss',
        'tabletop plans/shop.yaml --scenario region-loss --without contact:on-call-1',
        'tabletop plans/shop.yaml --scenario region-loss --set objectives.rto=20m schedules.log.every=5m',
        'tabletop plans/shop.yaml --scenario dropped --data-size 10x --trials 1000 --json',
        'tabletop plans/shop.yaml --all --out drills',
        'tabletop plans/shop.yaml --scenario region-loss --play --prepare --out drills',
        'tabletop plans/shop.yaml --scenario region-loss --play',
        'tabletop plans/shop.yaml --scenario region-loss --play --script drills/region-loss.yaml',
      ),
    )
    .action(run(tabletop))
}

const wholeOption = (from: number, to: number) => (text: string) => {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : -1
  if (value >= from && value <= to) return value
  throw new InvalidArgumentError(`Write a whole number from ${from} to ${to}.`)
}

function factorOption(text: string): number {
  const [, digits = '0'] = /^(\d{1,6}(?:\.\d{1,3})?)x?$/.exec(text) ?? []
  const factor = Number(digits)
  if (factor > 0) return factor
  throw new InvalidArgumentError('Write a factor such as 10x or 0.5x.')
}

async function tabletop(context: Context, file: string, flags: TabletopFlags) {
  const stoodIn = await openRehearsed(context, file)
  if (flags.all && flags.scenario !== undefined) {
    fail('usage', '--all and --scenario exclude each other', 'Give one of them.')
  }
  if (flags.play) return playByPeople(context, file, stoodIn, flags)
  if (flags.script !== undefined || flags.prepare) {
    fail('usage', '--script and --prepare belong to --play', 'Add --play, or leave them out.')
  }
  const play = await player(context, file, stoodIn, flags)
  const other = await whatIfOf(context, file, stoodIn, flags)
  const result = flags.all
    ? await playAll(context, stoodIn, play, flags.out, other)
    : await playOne(context, stoodIn, flags, play, other)
  return { ...result, ...(stoodIn.standIns.length > 0 && { standIns: stoodIn.standIns }) }
}

async function playByPeople(
  context: Context,
  file: string,
  { plan, standIns }: StoodIn,
  flags: TabletopFlags,
) {
  const { all, set, without, dataSize } = flags
  if (all || set !== undefined || without !== undefined || dataSize !== undefined) {
    fail('usage', '--play takes one scenario of the plan as it is', 'Leave the others out.')
  }
  if (flags.script !== undefined && flags.prepare) {
    fail('usage', '--script and --prepare exclude each other', 'Write the pages first, then play.')
  }
  const scenario = choose.scenario(plan, flags.scenario ?? onlyScenario(plan))
  const procedure = choose.procedure(plan, scenario.recover)
  const { playTabletop } = await import('./tabletop-play.ts')
  return playTabletop(context, file, plan, standIns, scenario, procedure, flags)
}

type Play = (
  plan: Plan,
  scenario: Scenario,
  procedure: Procedure,
  changes: Pick<ModelRequest, 'without' | 'dataSize'>,
) => Simulation

const unchanged = { without: [], dataSize: 1 } as const

/** What is needed is read once. */
async function player(
  context: Context,
  file: string,
  { plan, standIns }: StoodIn,
  { trials, seed }: TabletopFlags,
): Promise<Play> {
  const [{ modelOf }, { simulate }, { stepRegistry: registry }] = await Promise.all([
    import('../tabletop/model.ts'),
    import('../tabletop/simulate.ts'),
    import('../step/registry.ts'),
  ])
  const { ledger } = statePaths(plan, context.state)
  const { entries } = await readProvenLedger(context, file, ledger)
  return (played, scenario, procedure, changes) => {
    const model = modelOf({ plan: played, scenario, procedure, entries, registry, ...changes })
    const simulation = simulate(model, trials, seed)
    return { ...simulation, assumed: [...simulation.assumed, ...standInText(standIns)] }
  }
}

/** What is different beside the plan as it is. */
interface WhatIf extends Pick<ModelRequest, 'without' | 'dataSize'> {
  /** In words. */
  readonly changes: string
  readonly plan: Plan
}

/** Undefined where nothing is. @throws `usage`, `name-not-found` */
async function whatIfOf(
  context: Context,
  file: string,
  stoodIn: StoodIn,
  { set = [], without = [], dataSize = 1 }: TabletopFlags,
): Promise<WhatIf | undefined> {
  const changes = [
    ...set,
    ...without.map((each) => `without ${each}`),
    ...(dataSize === 1 ? [] : [`${dataSize} times the data`]),
  ].join(', ')
  if (changes === '') return undefined
  const { readWithout } = await import('../tabletop/what-if.ts')
  const plan = set.length === 0 ? stoodIn.plan : await changedPlan(context, file, stoodIn, set)
  return { changes, plan, without: without.map((each) => readWithout(each, plan)), dataSize }
}

async function playOne(
  context: Context,
  { plan }: StoodIn,
  flags: TabletopFlags,
  play: Play,
  other: WhatIf | undefined,
) {
  const name = flags.scenario ?? onlyScenario(plan)
  const scenario = choose.scenario(plan, name)
  const plain = play(plan, scenario, choose.procedure(plan, scenario.recover), unchanged)
  const { changes = '' } = other ?? {}
  let whatIf: Simulation | undefined
  if (other !== undefined) {
    const story = choose.scenario(other.plan, name)
    whatIf = play(other.plan, story, choose.procedure(other.plan, story.recover), other)
  }
  const { tellSimulation } = await import('../tabletop/tell.ts')
  await print(
    context,
    plan,
    tellSimulation(plain, whatIf === undefined ? undefined : { simulation: whatIf, changes }),
  )
  const page = await writePage(context, plan, flags.out, name, async () => {
    const { tellTabletop } = await import('../report/tabletop-story.ts')
    const more = whatIf === undefined ? [] : [{ name: `what if: ${changes}`, simulation: whatIf }]
    return tellTabletop(plan.name, [{ name: 'as the plan is', simulation: plain }, ...more])
  })
  return {
    plan: plan.name,
    simulation: plain,
    ...(whatIf !== undefined && { whatIf: { changes, simulation: whatIf } }),
    ...page,
  }
}

async function playAll(
  context: Context,
  { plan, standIns }: StoodIn,
  play: Play,
  out: string | undefined,
  other: WhatIf | undefined,
) {
  if (plan.scenarios.size === 0) onlyScenario(plan)
  const cellsOf = ({ plan: each, ...changes }: Omit<WhatIf, 'changes'>) =>
    [...each.scenarios.values()].flatMap((scenario) =>
      [...each.procedures.values()].map((procedure) => ({
        simulation: play(each, scenario, procedure, changes),
        isAnswer: scenario.recover === procedure.name,
      })),
    )
  const cells = cellsOf({ plan, ...unchanged })
  const whatIf = other && { changes: other.changes, cells: cellsOf(other) }
  const { tellMatrix } = await import('../tabletop/tell.ts')
  await print(context, plan, [
    ...tellMatrix(cells),
    ...(whatIf === undefined
      ? []
      : ['', `what if: ${whatIf.changes}`, ...tellMatrix(whatIf.cells)]),
    ...standInText(standIns),
  ])
  const page = await writePage(context, plan, out, 'all', async () => {
    const { tellTabletops } = await import('../report/tabletop-story.ts')
    return tellTabletops(plan.name, cells, whatIf)
  })
  const toMatrix = (all: typeof cells) =>
    all.map(({ simulation, isAnswer }) => ({ isAnswer, ...simulation }))
  return {
    plan: plan.name,
    matrix: toMatrix(cells),
    ...(whatIf && { whatIf: { changes: whatIf.changes, matrix: toMatrix(whatIf.cells) } }),
    ...page,
  }
}

/** Where it is asked for: `tabletop-NAME.html` and `.md`. */
async function writePage(
  context: Context,
  plan: Plan,
  out: string | undefined,
  name: string,
  tell: () => Promise<Story>,
): Promise<{ readonly page?: object }> {
  if (out === undefined) return {}
  const { writeTabletop } = await import('./tabletop-page.ts')
  return { page: await writeTabletop(context, plan, out, `tabletop-${name}`, await tell()) }
}

const print = (context: Context, { secrets }: Plan, told: readonly Told[]): Promise<void> => {
  const redact = createRedactor(secrets)
  const lines = told.flatMap((each) => (typeof each === 'string' ? [each] : tableLines(each)))
  return context.printLines(lines.map(redact))
}

function onlyScenario({ scenarios }: Plan): string {
  const [first, second] = scenarios.keys()
  if (first === undefined) {
    return fail('name-not-found', 'the plan has no scenarios', 'Write one: scenarios: in the plan.')
  }
  if (second === undefined) return first
  const names = [...scenarios.keys()].join(', ')
  return fail('usage', 'the plan has several scenarios', `Name one with --scenario: ${names}.`)
}

/** The plan with other values in it. @throws `usage` when it is not valid with them */
async function changedPlan(
  { io }: Context,
  file: string,
  { plan, env }: StoodIn,
  texts: readonly string[],
): Promise<Plan> {
  const [{ settingsOf }, { setValues }, { readPlanFile }, { checkPlanBytes }] = await Promise.all([
    import('../tabletop/what-if.ts'),
    import('../plan/set-values.ts'),
    import('../plan/read-plan.ts'),
    import('../plan/load-plan.ts'),
  ])
  const bytes = await readPlanFile(io.disk, file)
  const text = setValues(bytes.toString('utf8'), settingsOf(texts, plan))
  const check = await checkPlanBytes(file, Buffer.from(text), env)
  if (check.kind === 'valid') return check.plan
  const [first] = check.errors
  return fail(
    'usage',
    `with --set ${texts.join(' ')} the plan is not valid: ${first?.path}: ${first?.message}`,
    first?.hint ?? 'Give a value that the plan may have there.',
  )
}
