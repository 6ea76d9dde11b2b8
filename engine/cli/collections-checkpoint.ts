/** `collections checkpoint NAME` */
import type { Command } from 'commander'
import type { Context } from './context.ts'
import { withCollection } from './open-directory.ts'
import { examples, type Runner } from './runner.ts'

export function addCheckpoint(collections: Command, run: Runner): void {
  collections
    .command('checkpoint')
    .description('flush the state in place: seal what is in memory and build its index')
    .argument('<name>', 'collection')
    .addHelpText('after', examples('collections checkpoint products'))
    .action(run(checkpoint))
}

const checkpoint = (context: Context, name: string) =>
  withCollection(context, 'use', name, async (collection) => {
    await collection.checkpoint()
    await context.confirm(`collection ${name} is flushed at LSN ${collection.lsn}`)
    return { name, lsn: collection.lsn }
  })
