/** `run PLAN`: runs the steps of a schedule now. */
import type { Command } from 'commander'
import * as choose from './choose-sequence.ts'
import type { Context } from './context.ts'
import { openPlan } from './open-plan.ts'
import { examples, type Runner } from './runner.ts'

export function addRun(program: Command, run: Runner): void {
  program
    .command('run')
    .description('run the steps of a schedule now')
    .argument('<plan>', 'plan file')
    .option('--schedule <name>', 'which one; needed when the plan has several')
    .addHelpText(
      'after',
      examples('run plans/shop.yaml --schedule nightly', 'run plans/shop.yaml --json > run.jsonl'),
    )
    .action(run(runSchedule))
}

async function runSchedule(context: Context, file: string, flags: { readonly schedule?: string }) {
  const plan = await openPlan(context, file)
  const name =
    flags.schedule ??
    choose.only('schedule', [...plan.schedules.keys()], 'Try its drills: vectra-dr drill PLAN.')
  const { execute } = await import('./execute.ts')
  return execute(context, plan, choose.schedule(plan, name))
}
