/** `schema [NAME]`: the JSON Schema of the plan language and of scripts, for editors and other programs. */
import type { Command } from 'commander'
import { fail } from '../../engine/index.ts'
import type { Context } from './context.ts'
import { examples, type Runner } from './runner.ts'

export function addSchema(program: Command, run: Runner): void {
  program
    .command('schema')
    .description(
      'print the JSON Schema (2020-12) that plans, and scripts of exercises, are checked with',
    )
    .argument('[name]', 'plan, values, script, or a kind of step (default: plan)')
    .addHelpText('after', examples('schema > plan.schema.json', 'schema restore', 'schema script'))
    .action(run(printSchema))
}

async function printSchema(context: Context, name = 'plan') {
  const { readSchemaFiles } = await import('../plan/schema-files.ts')
  const { plan, values, script, steps } = await readSchemaFiles()
  const all = new Map<string, object>([
    ['plan', plan],
    ['values', values],
    ['script', script],
    ...steps,
  ])
  const schema =
    all.get(name) ??
    fail(
      'name-not-found',
      `there is no schema ${name}`,
      `There are: ${[...all.keys()].join(', ')}.`,
    )
  if (!context.json) await context.io.stdout.write(`${JSON.stringify(schema, null, 2)}\n`)
  return { name, schema }
}
