/** `run PLAN`: runs the steps of a schedule now, or whatever is due. */
import type { Command } from 'commander'
import { fail } from '../../engine/index.ts'
import { type AnswerFlags, addAnswers, checkAnswers } from './answers.ts'
import * as choose from './choose-sequence.ts'
import type { Context } from './context.ts'
import { openPlan } from './open-plan.ts'
import { examples, type Runner } from './runner.ts'

export function addRun(program: Command, run: Runner): void {
  addAnswers(program.command('run'))
    .description('run the steps of a schedule now, or of all that is due')
    .argument('<plan>', 'plan file')
    .option('--schedule <name>', 'which one; needed when the plan has several')
    .option('--due', 'the schedules and drills that are due and were not run; nothing due is fine')
    .option('--yes', 'with --due: also those that touch production data')
    .addHelpText(
      'after',
      examples(
        'run plans/shop.yaml --schedule nightly',
        'run plans/shop.yaml --due',
        'run plans/shop.yaml --due --yes --answer approve=yes@on-call-1',
        'run plans/shop.yaml --json > run.jsonl',
      ),
    )
    .action(run(runSchedule))
}

interface RunFlags extends AnswerFlags {
  readonly schedule?: string
  readonly due?: true
  readonly yes?: true
}

async function runSchedule(context: Context, file: string, flags: RunFlags): Promise<object> {
  if (flags.due === true && flags.schedule !== undefined) {
    fail('usage', '--schedule and --due exclude each other', 'Give one of them.')
  }
  if (flags.yes === true && flags.due !== true) {
    fail('usage', '--yes goes with --due', 'A schedule that is named runs without being asked for.')
  }
  const plan = await openPlan(context, file)
  if (flags.due === true) {
    const { runDue } = await import('./run-due.ts')
    return runDue(context, plan, { yes: flags.yes === true, given: flags.answer ?? new Map() })
  }
  const name =
    flags.schedule ??
    choose.only('schedule', [...plan.schedules.keys()], 'Try its drills: vectra-dr drill PLAN.')
  const schedule = choose.schedule(plan, name)
  const { answer = new Map<string, string>() } = flags
  checkAnswers(context, plan, [schedule], answer)
  const { execute } = await import('./execute.ts')
  return execute(context, plan, schedule, answer)
}
