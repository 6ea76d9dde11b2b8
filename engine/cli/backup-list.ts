/** `collections backup list --source URL` */
import { type Command, Option } from 'commander'
import type { SnapshotSummary } from '../backup/list.ts'
import { OperatingError } from '../base/errors.ts'
import { epochName } from '../format/identity.ts'
import type { Context } from './context.ts'
import type { Output } from './io.ts'
import { requireOption } from './option.ts'
import { showBytes } from './quantity.ts'
import { type AccessFlags, located } from './repository-access.ts'
import { examples, type Runner } from './runner.ts'
import { renderTable } from './table.ts'

interface ListFlags extends AccessFlags {
  readonly source: string
  readonly collection?: string
}

export function addBackupList(backup: Command, run: Runner): void {
  backup
    .command('list')
    .description('snapshots of a repository, oldest first')
    .addOption(
      requireOption(
        new Option('--source <url>', 'repository: a path, a file://, s3:// or rsync:// URL'),
      ),
    )
    .option('--collection <name>', 'only snapshots of this collection (default: of all)')
    .addHelpText(
      'after',
      examples(
        'collections backup list --source /mnt/backups/vectra',
        'collections backup list --source /mnt/backups/vectra --collection products --json',
      ),
    )
    .action(run(list))
}

/** A snapshot that cannot be read does not hide the others; it is told, and at the end it fails. */
async function list(context: Context, flags: ListFlags) {
  const { listSnapshots } = await import('../backup/list.ts')
  const { disk, signal, stdout } = context.io
  const { repository, snapshots, unreadable, strangers, ranges } = await listSnapshots({
    ...flags,
    source: await located(context, flags.source, flags),
    disk,
    signal,
  })
  for (const snapshot of snapshots) await context.emit(snapshot)
  if (snapshots.length > 0) await context.print(show(snapshots, stdout))
  else await context.remark(`no readable snapshots in ${repository.url}`)
  for (const range of ranges.filter((each) => each.lastLsn > each.firstLsn)) {
    const name = snapshots.find((each) => each.uuid === range.uuid)?.collection ?? range.uuid
    await context.print(
      `${name} can be restored to any LSN from ${range.firstLsn} to ${range.lastLsn} (epoch ${epochName(range.epoch)})\n`,
    )
  }
  for (const { collection, snapshotId, error } of unreadable) {
    await context.warn(`snapshot ${snapshotId} of ${collection}: ${error.message}`)
  }
  const [first] = unreadable
  if (first !== undefined) {
    const { code, message, hint, place } = first.error
    throw new OperatingError(code, message, hint, { ...(place && { place }), details: unreadable })
  }
  return { repository, snapshots: snapshots.length, ranges, strangers }
}

function show(snapshots: readonly SnapshotSummary[], terminal: Output): string {
  return renderTable(
    [
      { title: 'collection' },
      { title: 'snapshot' },
      { title: 'as of' },
      { title: 'lsn', align: 'right' },
      { title: 'points', align: 'right' },
      { title: 'size', align: 'right' },
      { title: 'added', align: 'right' },
      { title: 'kept by' },
    ],
    snapshots.map((snapshot) => [
      snapshot.collection,
      snapshot.snapshotId,
      snapshot.asOfAt,
      String(snapshot.lsn),
      String(snapshot.count),
      showBytes(snapshot.totalBytes),
      showBytes(snapshot.addedBytes),
      [...(snapshot.pinned ? ['pin'] : []), ...snapshot.tags].join(' '),
    ]),
    terminal.isTerminal ? terminal.columns : 0,
  )
}
