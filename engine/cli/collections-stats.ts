/** `collections stats NAME`: how a collection lies on disk. */
import type { Command } from 'commander'
import type { CollectionStats } from '../collection/collection-stats.ts'
import type { WriteStallStats } from '../collection/write-stalls.ts'
import type { Context } from './context.ts'
import { withCollection } from './open-directory.ts'
import { showBytes } from './quantity.ts'
import { examples, type Runner } from './runner.ts'
import { renderPairs, renderTable } from './table.ts'

export function addStats(collections: Command, run: Runner): void {
  collections
    .command('stats')
    .description('segments, sizes and what a restart would replay')
    .argument('<name>', 'collection')
    .addHelpText(
      'after',
      examples('collections stats products', 'collections stats products --json'),
    )
    .action(run(stats))
}

const stats = (context: Context, name: string) =>
  withCollection(context, 'look', name, async (collection) => {
    const all = await collection.stats()
    await context.print(show(all))
    return { name, ...all }
  })

const showStalls = ({ count, totalMs, longestMs, waiting }: WriteStallStats): string =>
  count === 0 && waiting === 0
    ? 'none since it was opened'
    : `${count}, ${totalMs} ms in all, the longest ${longestMs} ms; waiting now: ${waiting}`

function show({ segments, ...totals }: CollectionStats): string {
  const pairs = renderPairs([
    ['points', String(totals.points)],
    ['deleted', String(totals.deleted)],
    ['size', showBytes(totals.sizeBytes)],
    ['lsn', String(totals.lsn)],
    ['checkpoint lsn', String(totals.checkpointLsn)],
    ['write stalls', showStalls(totals.writeStalls)],
  ])
  if (segments.length === 0) return pairs
  const table = renderTable(
    [
      { title: 'segment', align: 'right' },
      { title: 'kind' },
      { title: 'points', align: 'right' },
      { title: 'deleted', align: 'right' },
      { title: 'size', align: 'right' },
    ],
    segments.map((segment) => [
      String(segment.number),
      segment.kind,
      String(segment.points),
      String(segment.deleted),
      showBytes(segment.sizeBytes),
    ]),
  )
  return `${pairs}\n${table}`
}
