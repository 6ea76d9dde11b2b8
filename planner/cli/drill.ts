/** `drill PLAN [NAME…]`: runs drills, and judges what they were to prove. */
import type { Command } from 'commander'
import { fail, OperatingError } from '../../engine/index.ts'
import { asksFirst } from '../plan/asks-first.ts'
import type { Drill, Plan } from '../plan/plan.ts'
import { type AnswerFlags, addAnswers, checkAnswers } from './answers.ts'
import * as choose from './choose-sequence.ts'
import type { Context } from './context.ts'
import { openPlan } from './open-plan.ts'
import { examples, type Runner } from './runner.ts'
import { worstFailure } from './worst-failure.ts'

export function addDrill(program: Command, run: Runner): void {
  addAnswers(program.command('drill'))
    .description('run drills and judge the objectives that they prove; exit 3 when one is missed')
    .argument('<plan>', 'plan file')
    .argument('[name...]', 'drills, run one after the other; needed when the plan has several')
    .option('--yes', 'do not ask before a drill that touches production data')
    .addHelpText(
      'after',
      examples(
        'drill plans/quickstart.yaml',
        'drill plans/shop.yaml restore-test',
        'drill plans/shop.yaml dropped-collection --yes --json > drill.jsonl',
      ),
    )
    .action(run(runDrills))
}

async function runDrills(
  context: Context,
  file: string,
  names: readonly string[],
  flags: AnswerFlags & { readonly yes?: true },
) {
  const plan = await openPlan(context, file)
  const all = [...plan.drills.keys()]
  const chosen =
    names.length > 0 ? names : [choose.only('drill', all, 'Add one under drills: in the plan.')]
  const drills = chosen.map((name) => choose.drill(plan, name))
  const { answer = new Map<string, string>() } = flags
  checkAnswers(context, plan, drills, answer)
  if (flags.yes !== true) await confirmAll(context, plan, drills)
  const { execute } = await import('./execute.ts')
  const summaries: object[] = []
  const failures: OperatingError[] = []
  for (const drill of drills) {
    try {
      summaries.push(await execute(context, plan, drill, answer))
    } catch (error) {
      // one drill that fails says nothing about the next, but a wish to stop is for all of them
      if (!(error instanceof OperatingError) || context.io.stopSignal.aborted) throw error
      failures.push(error)
    }
  }
  if (failures.length > 0) throw worstFailure(failures)
  return drills.length === 1 ? (summaries[0] ?? {}) : { drills: summaries }
}

/** Everything is asked before anything runs. */
async function confirmAll({ io }: Context, plan: Plan, drills: readonly Drill[]): Promise<void> {
  for (const { name } of drills.filter(asksFirst)) {
    if (io.ask === undefined) {
      fail(
        'usage',
        `drill ${name} touches production data and there is no terminal to ask at`,
        'Look at it with "vectra-dr explain", then add --yes.',
      )
    }
    const targets = [...plan.targets.keys()].join(', ')
    const answer = await io.ask(
      `Drill ${name} of plan ${plan.name} touches production data (targets: ${targets}). Type yes to run it: `,
    )
    if (answer?.trim().toLowerCase() !== 'yes') {
      fail('usage', `drill ${name} was not confirmed`, 'Nothing was run. Answer yes, or add --yes.')
    }
  }
}
