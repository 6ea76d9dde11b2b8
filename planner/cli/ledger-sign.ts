/** `ledger sign PLAN`: signs what the ledger holds, where a crash kept a run from it or the key is a new one. */
import type { Command } from 'commander'
import { fail } from '../../engine/index.ts'
import type { Context } from './context.ts'
import { openPlan } from './open-plan.ts'
import { examples, type Runner } from './runner.ts'
import { statePaths } from './state.ts'

export function addLedgerSign(ledger: Command, run: Runner): void {
  ledger
    .command('sign')
    .description("sign what the ledger holds with the plan's key, and anchor it")
    .argument('<plan>', 'plan file')
    .option('--new-key', 'the key is another one than before, on purpose')
    .addHelpText(
      'after',
      examples('ledger sign plans/shop.yaml', 'ledger sign plans/shop.yaml --new-key'),
    )
    .action(run(sign))
}

async function sign(context: Context, file: string, { newKey }: { readonly newKey?: true }) {
  const { disk, clock, timer } = context.io
  const plan = await openPlan(context, file)
  const { signingKeyFile } = plan.ledger
  if (signingKeyFile === undefined) {
    return fail('usage', 'the plan signs no ledger', 'Write ledger: { signing: { keyFile: … } }.')
  }
  const [{ readSigner }, { Ledger }, { readStanding }, { proven }, seal, { takeStateLock }] =
    await Promise.all([
      import('../../engine/operations.ts'),
      import('../ledger/ledger.ts'),
      import('../standing/read-standing.ts'),
      import('./read-proven-ledger.ts'),
      import('./seal-run.ts'),
      import('../ledger/state-lock.ts'),
    ])
  const state = statePaths(plan, context.state)
  const lock = await takeStateLock(disk, clock, state.lock, `a run of plan ${plan.name}`)
  try {
    const reading = await readStanding(disk, state.ledger, plan.name)
    const { standing } = await proven(context, file, reading)
    const signer = newKey
      ? await readSigner(signingKeyFile, disk)
      : await seal.ledgerSigner(context, plan, standing)
    const newest = standing.newest()
    if (signer === undefined || newest === undefined) {
      return fail('file-not-found', 'the ledger has no run to sign', 'Run the plan first.')
    }
    const ledger = new Ledger(state.ledger, { disk, clock, timer })
    const { run } = newest
    const { line } = await ledger.sign(
      { plan: plan.name, planSha256: plan.sha256, gitCommit: null, run },
      signer,
    )
    await seal.anchorLedger(context, plan, state.ledger, run, signer)
    await context.confirm(`lines 1 to ${line} are signed by ${signer.publicKey}`)
    return { ledger: state.ledger, line, publicKey: signer.publicKey }
  } finally {
    await lock.release()
  }
}
