/** `collections count NAME`: a bare number, so that a script can take it as it stands. */
import type { Command } from 'commander'
import type { Context } from './context.ts'
import { withCollection } from './open-directory.ts'
import { examples, type Runner } from './runner.ts'

export function addCount(collections: Command, run: Runner): void {
  collections
    .command('count')
    .description('number of points, as a bare number; exit 14 when there is no such collection')
    .argument('<name>', 'collection')
    .addHelpText(
      'after',
      examples('collections count products', 'collections count products --data /var/lib/vectra'),
    )
    .action(run(count))
}

const count = (context: Context, name: string) =>
  withCollection(context, 'look', name, async (collection) => {
    await context.print(`${collection.count}\n`)
    return { name, count: collection.count }
  })
