/** `ledger verify PLAN`: proves the chain of the ledger, or names the first line that breaks it. */
import type { Command } from 'commander'
import { fail } from '../../engine/index.ts'
import { showCount } from '../step/quantity.ts'
import type { Context } from './context.ts'
import { openPlan } from './open-plan.ts'
import { examples, type Runner } from './runner.ts'
import { shownPath } from './shown-path.ts'
import { statePaths } from './state.ts'

export function addLedgerVerify(ledger: Command, run: Runner): void {
  ledger
    .command('verify')
    .description('prove that no line was changed, inserted, removed or moved; exit 13 otherwise')
    .argument('<plan>', 'plan file')
    .addHelpText('after', examples('ledger verify plans/quickstart.yaml'))
    .action(run(verify))
}

async function verify(context: Context, plan: string) {
  const { ledger } = statePaths(await openPlan(context, plan), context.state)
  const { readProvenLedger } = await import('./read-proven-ledger.ts')
  const { last, remarks } = await readProvenLedger(context, plan, ledger)
  if (last.line === 0 && (await context.io.disk.stat(ledger)) === undefined) {
    fail('file-not-found', `there is no ledger at ${ledger}`, 'It is begun by the first run.', {
      place: { file: ledger },
    })
  }
  const lines = showCount(last.line, 'line')
  await context.confirm(`${shownPath(ledger)} holds: ${lines}, head ${last.sha256}`)
  return { ledger, lines: last.line, head: last.sha256, remarks }
}
