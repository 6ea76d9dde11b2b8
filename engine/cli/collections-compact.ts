/** `collections compact NAME`: one segment without what is deleted. */
import type { Command } from 'commander'
import type { Context } from './context.ts'
import { withCollection } from './open-directory.ts'
import { showBytes, showCount } from './quantity.ts'
import { examples, type Runner } from './runner.ts'

export function addCompact(collections: Command, run: Runner): void {
  collections
    .command('compact')
    .description('merge all segments into one, with one index, and drop what is deleted in them')
    .argument('<name>', 'collection')
    .addHelpText(
      'after',
      examples('collections compact products', 'collections compact products --json'),
    )
    .action(run(compact))
}

const compact = (context: Context, name: string) =>
  withCollection(context, 'use', name, async (collection) => {
    const result = await collection.compact(context.io.signal)
    const { segments, sizeBytes, deletedDropped } = result
    const were = showCount(segments.before, 'segment')
    const dropped = showCount(deletedDropped, 'deleted point')
    const size = `${showBytes(sizeBytes.before)} to ${showBytes(sizeBytes.after)}`
    await context.confirm(
      `compacted ${name}: ${were} to ${segments.after}, ${dropped} dropped, ${size}`,
    )
    return { name, lsn: collection.lsn, count: collection.count, ...result }
  })
