/** `collections delete NAME ID…` */
import type { Command } from 'commander'
import type { Context } from './context.ts'
import { withCollection } from './open-directory.ts'
import { parseId } from './option.ts'
import { showCount } from './quantity.ts'
import { examples, type Runner } from './runner.ts'

export function addDelete(collections: Command, run: Runner): void {
  collections
    .command('delete')
    .description('delete points by id; ids that are not there are counted, not an error')
    .argument('<name>', 'collection')
    .argument('<ids...>', 'digits are an integer id; quote as JSON for text: \'"42"\'')
    .addHelpText(
      'after',
      examples(
        'collections delete products sku-17 sku-18',
        `collections delete products 42 '"42"'`,
      ),
    )
    .action(run(deletePoints))
}

function deletePoints(context: Context, name: string, texts: readonly string[]) {
  const ids = texts.map(parseId)
  return withCollection(context, 'use', name, async (collection) => {
    const { lsn, deleted } = await collection.delete(ids)
    await context.confirm(`deleted ${deleted} of ${showCount(ids.length, 'point')} from ${name}`)
    return { name, lsn, deleted, asked: ids.length }
  })
}
