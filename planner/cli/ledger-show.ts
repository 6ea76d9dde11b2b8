/** `ledger show PLAN`: the entries of the ledger, one a line. */
import type { Command } from 'commander'
import type { LedgerEntry } from '../ledger/ledger-line.ts'
import { showDuration } from '../step/quantity.ts'
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
  const { readLedger } = await import('../ledger/ledger-reader.ts')
  const { entries, problem } = await readLedger(context.io.disk, ledger)
  const wanted = entries.filter((entry) => flags.run === undefined || entry.run === flags.run)
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

function textOf(entry: LedgerEntry): string {
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
    case 'signature':
      return `${start}  signed by ${entry.publicKey}`
    case 'remark':
      return `${start}  remark: ${entry.remark}`
    default:
      return entry satisfies never
  }
}
