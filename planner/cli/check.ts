/** `check PLAN`: findings, before anything runs. */
import assert from 'node:assert'
import { type Command, Option } from 'commander'
import { fail, OperatingError, version } from '../../engine/index.ts'
import type { Finding } from '../check/finding.ts'
import type { Plan } from '../plan/plan.ts'
import { type Context, createContext } from './context.ts'
import { openPlan } from './open-plan.ts'
import { examples, type Runner } from './runner.ts'
import { statePaths } from './state.ts'

type Format = 'text' | 'json' | 'sarif'

interface CheckFlags {
  readonly strict?: true
  readonly format?: Format
  readonly rules?: true
}

export function addCheck(program: Command, run: Runner): void {
  program
    .command('check')
    .description('what the plan cannot keep or forgot, before anything runs; exit 3 on an error')
    .argument('[plan]', 'plan file')
    .option('--strict', 'exit 3 on a warning too')
    .addOption(
      new Option('--format <format>', 'text (default), json, or sarif for code hosts').choices([
        'text',
        'json',
        'sarif',
      ]),
    )
    .option('--rules', 'print what can be found, with codes, instead of checking a plan')
    .addHelpText(
      'after',
      examples(
        'check plans/quickstart.yaml',
        'check plans/shop.yaml --strict',
        'check plans/shop.yaml --format sarif > check.sarif',
        'check --rules',
      ),
    )
    .action(run(checkCommand))
}

async function checkCommand(context: Context, file: string | undefined, flags: CheckFlags) {
  if (flags.rules) return printRules(context)
  if (file === undefined) fail('usage', 'check needs a plan', 'vectra-dr check PLAN')
  const { format = 'text' } = flags
  if (context.json && format !== 'json' && flags.format !== undefined) {
    fail('usage', `--json and --format ${format} exclude each other`, 'Give one of them.')
  }
  if (format === 'sarif') return checkAsSarif(context, file, flags)
  if (format === 'text' || context.json) return checkPlan(context, file, flags)
  return asJson(context, (inner) => checkPlan(inner, file, flags))
}

/** `--format json` is `--json` for this command alone: the last line says the outcome there too. */
async function asJson(context: Context, work: (inner: Context) => Promise<object>) {
  const { io, state, quiet } = context
  const inner = createContext(io, { state, quiet, json: true })
  try {
    const summary = await work(inner)
    await inner.emit({ outcome: 'done', ...summary })
    return summary
  } catch (error) {
    if (error instanceof OperatingError) {
      await inner.emit({ outcome: 'failed', error: error.toJSON() })
    }
    throw error
  }
}

async function checkPlan(context: Context, file: string, flags: CheckFlags) {
  const { plan, findings } = await findingsOf(context, openPlan(context, file))
  const { findingLines, totalsText } = await import('../check/finding-text.ts')
  await context.printLines(findings.flatMap((finding) => [...findingLines(finding), '']))
  for (const { place, ...rest } of findings) {
    await context.emit({ event: 'finding', ...rest, ...place })
  }
  await context.confirm(`${file}: ${totalsText(findings)}`)
  return conclude(plan, findings, flags)
}

async function checkAsSarif(context: Context, file: string, flags: CheckFlags) {
  const [{ errorsToSarif, toSarif }, { rules }] = await Promise.all([
    import('../check/sarif.ts'),
    import('../check/registry.ts'),
  ])
  const print = (log: object) => context.io.stdout.write(`${JSON.stringify(log, null, 2)}\n`)
  const options = { version, rules }
  let plan: Plan
  try {
    plan = await openPlan(context, file)
  } catch (error) {
    if (error instanceof OperatingError && isAboutPlan(error)) {
      // loadPlan documents that the details of these two errors are PlanErrors
      const errors = error.details as Parameters<typeof errorsToSarif>[0]
      await print(errorsToSarif(errors, options))
    }
    throw error
  }
  const { findings } = await findingsOf(context, plan)
  await print(toSarif(findings, options))
  return conclude(plan, findings, flags)
}

const isAboutPlan = ({ code }: OperatingError): boolean =>
  code === 'plan-invalid' || code === 'plan-too-large'

interface Checked {
  readonly plan: Plan
  readonly findings: Finding[]
}

/** @param opened what is needed besides is loaded while the parser's thread works */
async function findingsOf(context: Context, opened: Plan | Promise<Plan>): Promise<Checked> {
  const { disk, clock } = context.io
  const [plan, { check }, { readLedger }, { readWaiting, toEntry }, { capabilitiesOf }] =
    await Promise.all([
      opened,
      import('../check/check.ts'),
      import('../ledger/ledger-reader.ts'),
      import('../ledger/hour-journal.ts'),
      import('../target/capabilities.ts'),
    ])
  const { ledger } = statePaths(plan, context.state)
  const { entries: proven, problem } = await readLedger(disk, ledger)
  if (problem !== undefined) {
    await context.warn(
      `line ${problem.line} of the ledger does not fit: ${problem.reason}; only what stands before it is counted`,
    )
  }
  // archive runs of the hour that goes on are in no line yet
  const waiting = await readWaiting(disk, ledger, plan.name)
  const entries = [...proven, ...waiting.map(toEntry)]
  const offers = (name: string) => {
    const target = plan.targets.get(name)
    assert(target !== undefined, `the plan has no target ${name}`)
    return capabilitiesOf(target)
  }
  return { plan, findings: check({ plan, entries, at: clock.nowMs(), offers }) }
}

/** @throws `plan-falls-short` for an error, with `--strict` for a warning too */
async function conclude(plan: Plan, findings: readonly Finding[], { strict }: CheckFlags) {
  const { countFindings } = await import('../check/check.ts')
  const { totalsText } = await import('../check/finding-text.ts')
  const counts = countFindings(findings)
  if (counts.error > 0 || (strict && counts.warning > 0)) {
    throw new OperatingError(
      'plan-falls-short',
      `the plan ${plan.file} falls short: ${totalsText(findings)}`,
      'Each finding says what to do; "vectra-dr check --rules" explains them all.',
      { place: { file: plan.file } },
    )
  }
  return { plan: plan.name, file: plan.file, sha256: plan.sha256, findings: counts }
}

async function printRules(context: Context) {
  const [{ rulesPage }, { rules }] = await Promise.all([
    import('../check/rules-page.ts'),
    import('../check/registry.ts'),
  ])
  if (!context.json) await context.io.stdout.write(rulesPage())
  return { rules: rules.map(({ find: _, ...rule }) => rule) }
}
