/** `collections describe NAME`: what a collection is and where its history stands. */
import type { Command } from 'commander'
import type { CollectionDescription } from '../collection/collection-stats.ts'
import type { RestoredFrom } from '../format/manifest.ts'
import { showIndex } from '../format/show-index.ts'
import type { Context } from './context.ts'
import { withCollection } from './open-directory.ts'
import { examples, type Runner } from './runner.ts'
import { showDurability } from './show-config.ts'
import { renderPairs } from './table.ts'

export function addDescribe(collections: Command, run: Runner): void {
  collections
    .command('describe')
    .description('settings, size, position and content digest of a collection')
    .argument('<name>', 'collection')
    .addHelpText(
      'after',
      examples('collections describe products', 'collections describe products --json'),
    )
    .action(run(describe))
}

const describe = (context: Context, name: string) =>
  withCollection(context, 'look', name, async (collection) => {
    const description = collection.describe()
    await context.print(show(description))
    return description
  })

function show({ config, epoch, restoredFrom, ...rest }: CollectionDescription): string {
  return renderPairs([
    ['name', rest.name],
    ...(rest.aliases.length === 0 ? [] : [['aliases', rest.aliases.join(', ')] as const]),
    ['uuid', rest.uuid],
    ['points', String(rest.count)],
    ['dimension', String(config.dimension)],
    ['metric', config.metric],
    ['index', showIndex(config.index)],
    ['durability', showDurability(config.durability)],
    ['lsn', String(rest.lsn)],
    ['last write', rest.committedAt ?? 'never'],
    ['epoch', `${epoch.number} (history ${epoch.history})`],
    ['digest', rest.digest],
    ...(restoredFrom === null ? [] : [['restored from', showOrigin(restoredFrom)] as const]),
  ])
}

const showOrigin = ({ snapshotId, lsn, uuid, epoch }: RestoredFrom): string =>
  `snapshot ${snapshotId}, LSN ${lsn} of ${uuid}, epoch ${epoch.number} (history ${epoch.history})`
