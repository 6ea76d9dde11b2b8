/** `collections drop NAME [--if-exists]`: never asks. */
import type { Command } from 'commander'
import { checkName } from '../base/name.ts'
import type { Context } from './context.ts'
import { withDirectory } from './open-directory.ts'
import { examples, type Runner } from './runner.ts'

export function addDrop(collections: Command, run: Runner): void {
  collections
    .command('drop')
    .description('delete a collection and its data, without asking; copies elsewhere stay')
    .argument('<name>', 'collection')
    .option('--if-exists', 'succeed when there is no such collection')
    .addHelpText(
      'after',
      examples('collections drop products', 'collections drop products_restored_test --if-exists'),
    )
    .action(run(drop))
}

function drop(context: Context, name: string, { ifExists = false }: { ifExists?: boolean }) {
  checkName('collection name', name)
  return withDirectory(context, 'use', async (directory) => {
    const dropped = await directory.drop(name, { ifExists })
    await context.confirm(dropped ? `dropped collection ${name}` : `there is no collection ${name}`)
    return { name, dropped }
  })
}
