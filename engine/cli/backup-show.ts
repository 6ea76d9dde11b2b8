/** `collections backup show --source URL --snapshot-id ID` */
import { type Command, Option } from 'commander'
import { fail } from '../base/errors.ts'
import type { SnapshotManifest } from '../repository/snapshot-manifest.ts'
import type { Context } from './context.ts'
import { requireOption } from './option.ts'
import { showBytes } from './quantity.ts'
import { examples, type Runner } from './runner.ts'
import { showConfig } from './show-config.ts'
import { renderPairs } from './table.ts'

interface ShowFlags {
  readonly source: string
  readonly snapshotId: string
  readonly collection?: string
}

export function addBackupShow(backup: Command, run: Runner): void {
  backup
    .command('show')
    .description('what one snapshot holds and what a restore of it has to prove')
    .addOption(requireOption(new Option('--source <url>', 'repository: a path or file:// URL')))
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
  const { source, snapshotId } = flags
  const collection = flags.collection ?? (await ownerOf(context, source, snapshotId))
  const found = await readSnapshot({ source, collection, snapshotId, disk })
  await context.print(describe(found.manifest, found.path))
  return found
}

/** The one collection that has a snapshot of this id. */
async function ownerOf(context: Context, source: string, snapshotId: string): Promise<string> {
  const { listSnapshots } = await import('../backup/list.ts')
  const { disk, signal } = context.io
  const { snapshots, unreadable } = await listSnapshots({ source, disk, signal })
  const owners = [...snapshots, ...unreadable]
    .filter((each) => each.snapshotId === snapshotId)
    .map((each) => each.collection)
  const [owner] = owners
  if (owner === undefined) {
    const hint = `See them with: vectra-cli collections backup list --source ${source}.`
    return fail('snapshot-not-found', `there is no snapshot ${snapshotId} in ${source}`, hint)
  }
  if (owners.length > 1) {
    const problem = `several collections have a snapshot ${snapshotId}: ${owners.join(', ')}`
    return fail('usage', problem, 'Say which one with --collection.')
  }
  return owner
}

function describe(manifest: SnapshotManifest, path: string): string {
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
    ['files', String(manifest.files.length)],
    ['size', `${showBytes(sizes.totalBytes)}, ${showBytes(sizes.addedBytes)} added`],
    ['golden queries', `${golden.queries.length} at k ${golden.k}, recall ${recall}`],
    ['made by', `vectra-dr ${provenance.engine}, node ${provenance.node}, ${provenance.platform}`],
    ['on host', provenance.host],
    ['manifest', path],
  ])
}
