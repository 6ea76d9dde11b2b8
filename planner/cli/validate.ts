/** `validate PLAN`: schema and references. */
import type { Command } from 'commander'
import { showCount } from '../step/quantity.ts'
import type { Context } from './context.ts'
import { openPlan } from './open-plan.ts'
import { examples, type Runner } from './runner.ts'

export function addValidate(program: Command, run: Runner): void {
  program
    .command('validate')
    .description('check a plan: syntax, schema, names; exit 10 with every error and its line')
    .argument('<plan>', 'plan file')
    .addHelpText(
      'after',
      examples('validate plans/quickstart.yaml', 'validate plans/quickstart.yaml --json'),
    )
    .action(run(validate))
}

async function validate(context: Context, file: string) {
  const plan = await openPlan(context, file)
  const counts = [
    showCount(plan.collections.size, 'collection'),
    showCount(plan.targets.size, 'target'),
    showCount(plan.destinations.size, 'destination'),
    showCount(plan.schedules.size, 'schedule'),
    showCount(plan.drills.size, 'drill'),
    showCount(plan.procedures.size, 'procedure'),
  ]
  await context.confirm(`${file} is valid: plan ${plan.name}, ${counts.join(', ')}`)
  return {
    plan: plan.name,
    file,
    sha256: plan.sha256,
    collections: [...plan.collections.keys()],
    schedules: [...plan.schedules.keys()],
    drills: [...plan.drills.keys()],
    procedures: [...plan.procedures.keys()],
  }
}
