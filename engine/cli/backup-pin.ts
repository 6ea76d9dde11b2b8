/** `collections backup pin|unpin --source URL --snapshot-id ID` */
import { type Command, Option } from 'commander'
import { worldOf } from './collections-import.ts'
import type { Context } from './context.ts'
import { requireOption } from './option.ts'
import { type AccessFlags, located } from './repository-access.ts'
import { examples, type Runner } from './runner.ts'
import { ownerOf } from './snapshot-owner.ts'

interface PinFlags extends AccessFlags {
  readonly source: string
  readonly snapshotId: string
  readonly collection?: string
  readonly reason?: string
}

export function addBackupPin(backup: Command, run: Runner): void {
  const command = (name: string, description: string) =>
    backup
      .command(name)
      .description(description)
      .addOption(requireOption(new Option('--source <url>', 'repository: a path or URL')))
      .addOption(requireOption(new Option('--snapshot-id <id>', 'the snapshot')))
      .option('--collection <name>', 'its collection, where several have a snapshot of that id')
  command('pin', 'keep a snapshot, whatever retention rules say')
    .option('--reason <text>', 'why, for whoever wonders later')
    .addHelpText(
      'after',
      examples(
        'collections backup pin --source /mnt/backups/vectra --snapshot-id products_1000 --reason "before the migration"',
      ),
    )
    .action(run(pin))
  command('unpin', 'let retention rules decide about a snapshot again')
    .addHelpText(
      'after',
      examples('collections backup unpin --source /mnt/backups/vectra --snapshot-id products_1000'),
    )
    .action(run(unpin))
}

async function pin(context: Context, flags: PinFlags) {
  const { pinSnapshot } = await import('../retention/pin-snapshot.ts')
  const { reason } = flags
  const result = await pinSnapshot({
    ...(await toOptions(context, flags)),
    ...(reason && { reason }),
  })
  await context.confirm(`${result.snapshotId} of ${result.collection} is pinned`)
  return result
}

async function unpin(context: Context, flags: PinFlags) {
  const { unpinSnapshot } = await import('../retention/pin-snapshot.ts')
  const options = await toOptions(context, flags)
  const result = await unpinSnapshot(options)
  const what = `${options.snapshotId} of ${options.collection}`
  await context.confirm(result.wasPinned ? `${what} is pinned no more` : `${what} was not pinned`)
  const { collection, snapshotId } = options
  return { collection, snapshotId, ...result }
}

async function toOptions(context: Context, flags: PinFlags) {
  const { snapshotId } = flags
  const repository = await located(context, flags.source, flags)
  const collection = flags.collection ?? (await ownerOf(context, repository, snapshotId))
  const { clock, signal } = worldOf(context)
  return { repository, collection, snapshotId, disk: context.io.disk, clock, signal }
}
