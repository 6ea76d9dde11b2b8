/** `ledger show PLAN`: the entries of the ledger, one a line. */
import type { Command } from 'commander'
import type { LedgerLine } from '../ledger/ledger-line.ts'
import { showCount, showDuration } from '../step/quantity.ts'
import type { Context } from './context.ts'
import { openPlan } from './open-plan.ts'
import { examples, type Runner } from './runner.ts'
import { statePaths } from './state.ts'

export function addLedgerShow(ledger: Command, run: Runner): void {
  ledger
    .command('show')
    .description('print the entries; with --json whole')
    .argument('<plan>', 'plan file')
    .option('--run <id>', 'only those of this run')
    .addHelpText(
      'after',
      examples('ledger show plans/quickstart.yaml', 'ledger show plans/quickstart.yaml --json'),
    )
    .action(run(show))
}

async function show(context: Context, file: string, flags: { readonly run?: string }) {
  const { ledger } = statePaths(await openPlan(context, file), context.state)
  const [{ walkLines }, { unfold }] = await Promise.all([
    import('../ledger/ledger-reader.ts'),
    import('../ledger/sum.ts'),
  ])
  const wanted: LedgerLine[] = []
  const { problem } = await walkLines(context.io.disk, ledger, (line) => {
    if (flags.run === undefined) wanted.push(line)
    else wanted.push(...unfold(line).filter(({ run }) => run === flags.run))
  })
  for (const entry of wanted) {
    await context.emit({ event: 'entry', entry })
    await context.print(textOf(entry))
  }
  if (problem !== undefined) {
    await context.warn(
      `line ${problem.line} does not fit: ${problem.reason}; shown are those before`,
    )
  }
  return { ledger, entries: wanted.length, ...(problem && { problem }) }
}

function textOf(entry: LedgerLine): string {
  const start = `${String(entry.line).padStart(5)}  ${entry.at}  ${entry.run}`
  switch (entry.kind) {
    case 'run-started':
      return `${start}  started ${entry.sequence.kind} ${entry.sequence.name} of ${entry.plan}`
    case 'step': {
      const { step, outcome, durationMs, error } = entry.record
      const why = error === undefined ? '' : `: ${error.message}`
      return `${start}  ${step} ${outcome} in ${showDuration(durationMs)}${why}`
    }
    case 'step-started':
      return `${start}  ${entry.step} begins`
    case 'step-noted':
      return `${start}  ${entry.step} notes ${JSON.stringify(entry.note)}`
    case 'run-stopping':
      return `${start}  stops: ${entry.error.message}`
    case 'run-resumed': {
      const steps = entry.interrupted.map(({ step, verdict, found }) =>
        verdict === 'done' ? `${step} is done: ${found}` : `${step} is repeated: ${found}`,
      )
      return `${start}  resumed${steps.length === 0 ? '' : `; ${steps.join('; ')}`}`
    }
    case 'run-ended':
      return `${start}  ${entry.outcome} in ${showDuration(entry.durationMs)}`
    case 'runs-summed': {
      const { kind, name } = entry.sequence
      const runs = showCount(entry.rows.length, 'run')
      return `${start}  ${runs} of ${kind} ${name} of ${entry.plan} passed`
    }
    case 'exercise': {
      const people = showCount(entry.participants.length, 'participant')
      return `${start}  played exercise ${entry.scenario} of ${entry.plan}: ${people}, ${showCount(entry.actions.length, 'corrective action')}`
    }
    case 'signature':
      return `${start}  signed by ${entry.publicKey}`
    case 'remark':
      return `${start}  remark: ${entry.remark}`
    default:
      return entry satisfies never
  }
}
