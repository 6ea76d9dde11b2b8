/** `explain PLAN`: the task tree as text, a dry run on paper. */
import type { Command } from 'commander'
import type { JsonObject } from '../../engine/index.ts'
import type { StepTask, TaskTree } from '../compile/task.ts'
import type { AnySequence, Plan } from '../plan/plan.ts'
import { createRedactor } from '../plan/secret.ts'
import { redactJson } from '../run/redact-json.ts'
import { recordedInputs } from '../step/recorded-inputs.ts'
import * as choose from './choose-sequence.ts'
import type { Context } from './context.ts'
import { openPlan } from './open-plan.ts'
import { examples, type Runner } from './runner.ts'
import { statePaths } from './state.ts'

interface ExplainFlags {
  readonly schedule?: string
  readonly drill?: string
  readonly procedure?: string
}

export function addExplain(program: Command, run: Runner): void {
  program
    .command('explain')
    .description('what a plan would do: steps, commands, times and what is touched; runs nothing')
    .argument('<plan>', 'plan file')
    .option('--schedule <name>', 'only this schedule')
    .option('--drill <name>', 'only this drill')
    .option('--procedure <name>', 'only this procedure')
    .addHelpText(
      'after',
      examples(
        'explain plans/quickstart.yaml',
        'explain plans/shop.yaml --schedule nightly',
        'explain plans/shop.yaml --drill restore-test --json',
        'explain plans/shop.yaml --procedure failover',
      ),
    )
    .action(run(explainPlan))
}

async function explainPlan(context: Context, file: string, flags: ExplainFlags) {
  const { disk } = context.io
  // loaded while the parser's thread works
  const [plan, { compile }, { explain }, { stepRegistry }, { readStanding }] = await Promise.all([
    openPlan(context, file),
    import('../compile/compile.ts'),
    import('../compile/explain.ts'),
    import('../step/registry.ts'),
    import('../standing/read-standing.ts'),
  ])
  const { ledger } = statePaths(plan, context.state)
  const { standing } = await readStanding(disk, ledger, plan.name)
  const trees = sequencesOf(plan, flags).map((sequence) =>
    compile(plan, sequence, {
      registry: stepRegistry,
      history: standing.history(sequence),
    }),
  )
  // paths may hold values of variables
  const redact = createRedactor(plan.secrets)
  if (!context.json) {
    for (const [index, tree] of trees.entries()) {
      const lines = explain(tree).map(redact)
      await context.printLines(index > 0 ? ['', ...lines] : lines)
    }
    return { plan: plan.name }
  }
  // plain JSON: templates and the like are texts there
  const json = JSON.parse(JSON.stringify({ sequences: trees.map(treeJson) })) as JsonObject
  return { plan: plan.name, ...redactJson(json, redact) }
}

const treeJson = ({ sequence, proves, confirm, stages }: TaskTree): object => ({
  ...sequence,
  proves,
  confirm,
  stages: stages.map(({ name, tasks }) => ({
    name,
    tasks: tasks.map((task) =>
      task.kind === 'step' ? stepJson(task) : { parallel: task.tasks.map(stepJson) },
    ),
  })),
})

const stepJson = ({ kind: _, input, needs: __, ...task }: StepTask): object => ({
  ...task,
  input: recordedInputs(input, (template) => template.text),
})

function sequencesOf(plan: Plan, flags: ExplainFlags): AnySequence[] {
  const named = [
    ...(flags.schedule === undefined ? [] : [choose.schedule(plan, flags.schedule)]),
    ...(flags.drill === undefined ? [] : [choose.drill(plan, flags.drill)]),
    ...(flags.procedure === undefined ? [] : [choose.procedure(plan, flags.procedure)]),
  ]
  return named.length > 0
    ? named
    : [...plan.schedules.values(), ...plan.drills.values(), ...plan.procedures.values()]
}
