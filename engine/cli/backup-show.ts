/** `collections backup show --source URL --snapshot-id ID` */
import { type Command, Option } from 'commander'
import { compareObjects, type ObjectComparison } from '../backup/compare-objects.ts'
import type { Location } from '../backup/sources.ts'
import { isOperatingError } from '../base/errors.ts'
import type { SnapshotManifest } from '../repository/snapshot-manifest.ts'
import type { Context } from './context.ts'
import { requireOption } from './option.ts'
import { showBytes, showCount } from './quantity.ts'
import { type AccessFlags, located } from './repository-access.ts'
import { examples, type Runner } from './runner.ts'
import { showConfig } from './show-config.ts'
import { ownerOf } from './snapshot-owner.ts'
import { renderPairs } from './table.ts'

interface ShowFlags extends AccessFlags {
  readonly source: string
  readonly snapshotId: string
  readonly collection?: string
}

export function addBackupShow(backup: Command, run: Runner): void {
  backup
    .command('show')
    .description('what one snapshot holds and what a restore of it has to prove')
    .addOption(
      requireOption(
        new Option('--source <url>', 'repository: a path, a file://, s3:// or rsync:// URL'),
      ),
    )
    .addOption(requireOption(new Option('--snapshot-id <id>', 'the snapshot')))
    .option('--collection <name>', 'its collection, where several have a snapshot of that id')
    .addHelpText(
      'after',
      examples(
        'collections backup show --source /mnt/backups/vectra --snapshot-id products_1000',
        'collections backup show --source /mnt/backups/vectra --snapshot-id products_1000 --json',
      ),
    )
    .action(run(show))
}

async function show(context: Context, flags: ShowFlags) {
  const { readSnapshot } = await import('../backup/list.ts')
  const { disk } = context.io
  const { snapshotId } = flags
  const source = await located(context, flags.source, flags)
  const collection = flags.collection ?? (await ownerOf(context, source, snapshotId))
  const found = await readSnapshot({ source, collection, snapshotId, disk })
  const { parent } = found.manifest
  const before = parent === null ? null : await parentOf(context, source, collection, parent)
  const objects = before === undefined ? null : compareObjects(before, found.manifest)
  await context.print(describe(found.manifest, found.path, objects))
  return { ...found, objects }
}

/** The snapshot before, or undefined when it is not there any more. */
async function parentOf(
  context: Context,
  source: Location,
  collection: string,
  snapshotId: string,
) {
  const { readSnapshot } = await import('../backup/list.ts')
  try {
    return (await readSnapshot({ source, collection, snapshotId, disk: context.io.disk })).manifest
  } catch (error) {
    if (!isOperatingError(error)) throw error
    await context.remark(`what it shares with ${snapshotId} cannot be told: ${error.message}`)
    return undefined
  }
}

function describe(
  manifest: SnapshotManifest,
  path: string,
  objects: ObjectComparison | null,
): string {
  const { collection, epoch, golden, provenance, sizes } = manifest
  const where = golden.measuredIn === manifest.id ? '' : `, measured with ${golden.measuredIn}`
  const recall = golden.recall === null ? 'none' : `${golden.recall.toFixed(4)}${where}`
  return renderPairs([
    ['snapshot', manifest.id],
    ['collection', `${collection.name} (${collection.uuid})`],
    ['config', showConfig(manifest.config)],
    ['points', String(manifest.count)],
    ['digest', manifest.digest],
    ['epoch', `${epoch.number} (history ${epoch.history})`],
    ['lsn', String(manifest.lsn)],
    ['as of', manifest.asOfAt],
    ['created', manifest.createdAt],
    ['mode', manifest.mode],
    ['parent', manifest.parent ?? 'none'],
    ['tags', manifest.tags.join(' ') || 'none'],
    ['files', String(manifest.files.length)],
    ['size', `${showBytes(sizes.totalBytes)}, ${showBytes(sizes.addedBytes)} added`],
    ...(objects === null ? [] : sharing(objects, manifest.parent)),
    ['golden queries', `${golden.queries.length} at k ${golden.k}, recall ${recall}`],
    ['made by', `vectra-dr ${provenance.engine}, node ${provenance.node}, ${provenance.platform}`],
    ['on host', provenance.host],
    ['manifest', path],
  ])
}

function sharing({ shared, added }: ObjectComparison, parent: string | null) {
  const text = ({ objects, bytes }: ObjectComparison['shared']) =>
    `${showBytes(bytes)} in ${showCount(objects, 'object')}`
  if (parent === null) return []
  return [
    [`shared with ${parent}`, text(shared)],
    [`new since ${parent}`, text(added)],
  ] as const
}
