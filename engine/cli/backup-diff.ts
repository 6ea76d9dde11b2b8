/** `collections backup diff --source URL --snapshot-id ID [--snapshot-id ID]` */
import { type Command, Option } from 'commander'
import type { ObjectSum } from '../backup/compare-objects.ts'
import type { DiffSide, SnapshotDiff } from '../backup/diff.ts'
import { fail } from '../base/errors.ts'
import type { Context } from './context.ts'
import { listOption, requireOption } from './option.ts'
import { showBytes, showCount } from './quantity.ts'
import { type AccessFlags, located } from './repository-access.ts'
import { examples, type Runner } from './runner.ts'
import { ownerOf } from './snapshot-owner.ts'
import { renderPairs } from './table.ts'

interface DiffFlags extends AccessFlags {
  readonly source: string
  readonly snapshotId: readonly string[]
  readonly collection?: string
}

export function addBackupDiff(backup: Command, run: Runner): void {
  backup
    .command('diff')
    .description(
      'what one snapshot added, removed and changed against another, and what they share',
    )
    .addOption(
      requireOption(
        new Option('--source <url>', 'repository: a path, a file://, s3:// or rsync:// URL'),
      ),
    )
    .addOption(
      requireOption(
        listOption(
          '--snapshot-id <id>',
          'the snapshot; given twice, first the earlier one (default: the one before it)',
        ),
      ),
    )
    .option('--collection <name>', 'their collection, where several have a snapshot of that id')
    .addHelpText(
      'after',
      examples(
        'collections backup diff --source /mnt/backups/vectra --snapshot-id tuesday',
        'collections backup diff --source /mnt/backups/vectra --snapshot-id monday --snapshot-id friday',
      ),
    )
    .action(run(diff))
}

async function diff(context: Context, { snapshotId: ids, ...flags }: DiffFlags) {
  const { diffSnapshots } = await import('../backup/diff.ts')
  const { disk, signal } = context.io
  const snapshotId = ids.at(-1)
  if (snapshotId === undefined || ids.length > 2) {
    return fail('usage', `${ids.length} snapshots were named`, 'Give --snapshot-id once or twice.')
  }
  const source = await located(context, flags.source, flags)
  const against = ids.length === 2 ? ids[0] : undefined
  const collection = flags.collection ?? (await ownerOf(context, source, snapshotId))
  const result = await diffSnapshots({
    source,
    collection,
    snapshotId,
    ...(against !== undefined && { against }),
    disk,
    signal,
  })
  await context.print(show(result))
  return result
}

function show({ collection, from, to, points, objects, settings }: SnapshotDiff): string {
  return renderPairs([
    ['collection', collection],
    ['from', from === null ? 'nothing: it is the first' : sideText(from)],
    ['to', sideText(to)],
    ['points added', String(points.added)],
    ['points removed', String(points.removed)],
    ['points changed', String(points.changed)],
    ['points unchanged', String(points.unchanged)],
    ['shared', sumText(objects.shared)],
    ['added', sumText(objects.added)],
    ['no longer used', sumText(objects.left)],
    ['settings', settings.length === 0 ? 'the same' : settings.join('; ')],
  ])
}

const sideText = ({ snapshotId, lsn, count, totalBytes }: DiffSide): string =>
  `${snapshotId}: ${showCount(count, 'point')} at LSN ${lsn}, ${showBytes(totalBytes)}`

const sumText = ({ objects, bytes }: ObjectSum): string =>
  `${showBytes(bytes)} in ${showCount(objects, 'object')}`
