/**
 * `collections backup NAME …`, and beside it `backup verify|list|show|diff|pin|unpin` (files of their own).
 *
 * A name after `backup` that is none of its subcommands is a collection: the commander command that
 * takes it has a name that no collection can have, and is hidden.
 */
import { type Command, Help, Option } from 'commander'
import type { BackupResult } from '../backup/backup-result.ts'
import { limits } from '../base/limits.ts'
import { checkName } from '../base/name.ts'
import type { VectraClient } from '../server/client.ts'
import type { BackupRequest } from '../server/vectra-jobs.ts'
import { addBackupDiff } from './backup-diff.ts'
import { addBackupList } from './backup-list.ts'
import { addBackupPin } from './backup-pin.ts'
import { addBackupShow } from './backup-show.ts'
import { addBackupVerify } from './backup-verify.ts'
import { worldOf } from './collections-import.ts'
import type { Context } from './context.ts'
import { withOwnCollection } from './open-directory.ts'
import { integer, listOption, requireOption } from './option.ts'
import { showBytes, showCount, showDuration } from './quantity.ts'
import { type AccessFlags, located, wireLocated } from './repository-access.ts'
import { examples, type Runner } from './runner.ts'
import { servedBy } from './served-by.ts'
import { runServedJob } from './served-job.ts'

interface BackupFlags extends AccessFlags {
  readonly destination: string
  readonly snapshotId: string
  readonly mode?: 'incremental' | 'full'
  readonly tag?: readonly string[]
  readonly goldenFile?: string
  readonly goldenK?: number
  readonly wait?: true
}

const hiddenName = ':create'

export function addBackup(collections: Command, run: Runner): void {
  const backup = collections
    .command('backup')
    .description('take a snapshot of a collection, or look at those that were taken')
    .usage('[options] <name>  |  backup verify|list|show|diff|pin|unpin --source <url> …')
  const create = backup
    .command(hiddenName, { isDefault: true, hidden: true })
    .argument('<name>', 'collection')
    .addOption(
      requireOption(
        new Option(
          '--destination <url>',
          'where copies live: a path, a file://, s3:// or rsync:// URL',
        ),
      ),
    )
    .addOption(
      requireOption(
        new Option(
          '--snapshot-id <id>',
          'name of the snapshot; used again it must be the same state',
        ),
      ),
    )
    .addOption(
      new Option(
        '--mode <mode>',
        'incremental writes what the destination lacks, full writes all again (default: incremental)',
      ).choices(['incremental', 'full']),
    )
    .addOption(
      listOption(
        '--tag <tag>',
        'a word for retention rules, see "repository forget"; can be repeated',
      ),
    )
    .option(
      '--golden-file <file>',
      'questions of your own, one {"id": …, "vector": […]} a line, recorded with their exact answers instead of those of a sample of points',
    )
    .option(
      '--golden-k <k>',
      'neighbours of each golden query (default: 10)',
      integer(1, limits.searchK),
    )
    .option('--wait', 'wait until it is done, as it always is where no server has the data')
    .action(run(createSnapshot))
  // before the help of their group is set, which they would take over
  for (const add of [addBackupVerify, addBackupList, addBackupShow, addBackupDiff, addBackupPin]) {
    add(backup, run)
  }
  backup
    .configureHelp({
      showGlobalOptions: true,
      visibleOptions: (command) => [...create.options, ...new Help().visibleOptions(command)],
    })
    .addHelpText(
      'after',
      examples(
        'collections backup products --destination /mnt/backups/vectra --snapshot-id products_1000 --wait',
        'collections backup verify --source /mnt/backups/vectra',
        'collections backup list --source /mnt/backups/vectra',
        'collections backup products --destination /mnt/sealed --key-file ./backup.key --snapshot-id monday',
      ),
    )
}

async function createSnapshot(context: Context, name: string, flags: BackupFlags) {
  const { destination, snapshotId, mode, tag, goldenFile, goldenK } = flags
  checkName('snapshot id', snapshotId)
  const client = await servedBy(context)
  if (client !== undefined) return createServed(context, client, name, flags)
  return withOwnCollection(context, 'use', name, async (collection) => {
    const [{ createBackup }, { fileSource }, { readGoldenFile }] = await Promise.all([
      import('../backup/create.ts'),
      import('../transfer/byte-source.ts'),
      import('../transfer/golden-file.ts'),
    ])
    const { disk } = context.io
    const questions =
      goldenFile === undefined
        ? undefined
        : await readGoldenFile(await fileSource(disk, goldenFile), collection.config)
    const place = await located(context, destination, flags)
    const options = {
      destination: place,
      snapshotId,
      ...(mode && { mode }),
      ...(tag && { tags: tag }),
      golden: { ...(questions && { questions }), ...(goldenK !== undefined && { k: goldenK }) },
      disk,
      ...worldOf(context),
    }
    const result = await createBackup(collection, options)
    await context.confirm(tell(result))
    return result
  })
}

/** The same by the server that has the data. */
async function createServed(
  context: Context,
  client: VectraClient,
  name: string,
  flags: BackupFlags,
) {
  const { destination, snapshotId, mode, tag, goldenFile, goldenK } = flags
  checkName('collection name', name)
  const request: BackupRequest = {
    collection: name,
    destination: await wireLocated(context, client, destination, flags),
    snapshotId,
    ...(mode && { mode }),
    ...(tag && { tags: tag }),
    ...(goldenK !== undefined && { goldenK }),
    ...(goldenFile !== undefined && {
      questions: await readQuestions(context, client, name, goldenFile),
    }),
  }
  const job = { kind: 'backup', request, wait: flags.wait === true }
  const result = await runServedJob<BackupResult>(context, client, job)
  if (result !== undefined) await context.confirm(tell(result))
  return result ?? {}
}

async function readQuestions(context: Context, client: VectraClient, name: string, file: string) {
  const [{ RemoteCollection }, { fileSource }, { readGoldenFile }] = await Promise.all([
    import('../server/remote-directory.ts'),
    import('../transfer/byte-source.ts'),
    import('../transfer/golden-file.ts'),
  ])
  const { config } = await RemoteCollection.open(client, name)
  const questions = await readGoldenFile(await fileSource(context.io.disk, file), config)
  return questions.map(({ id, vector }) => ({ id, vector: Array.from(vector) }))
}

function tell(result: BackupResult): string {
  const { collection, snapshotId, destination, count, sizes } = result
  const what = `${collection.name} as ${snapshotId}, ${showCount(count, 'point')} at LSN ${result.lsn}`
  if (result.unchanged) return `${destination} already holds ${what}; nothing was written`
  const written = `${showBytes(sizes.addedBytes)} of ${showBytes(sizes.totalBytes)} written`
  const lock = result.objectLock
  const locked = lock ? `, locked (${lock.mode}) until ${lock.earliestUntil} or longer` : ''
  return `backed up ${what}: ${written} to ${destination}${locked} in ${showDuration(result.durationMs)}`
}
