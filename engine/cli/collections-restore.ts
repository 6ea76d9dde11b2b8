/** `collections restore NAME --source URL …` */
import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { parseMoment } from '../backup/moment.ts'
import type { RestoreResult } from '../backup/restore.ts'
import type { RepositoryLocation } from '../backup/sources.ts'
import { fail } from '../base/errors.ts'
import { checkName } from '../base/name.ts'
import { type IndexKind, indexKinds, makeConfig } from '../format/config.ts'
import type { VectraClient } from '../server/client.ts'
import type { RestoreRequest } from '../server/vectra-jobs.ts'
import type { WireLocation } from '../server/wire-location.ts'
import { worldOf } from './collections-import.ts'
import type { Context } from './context.ts'
import { withOwnDirectory } from './open-directory.ts'
import { listOption, requireOption } from './option.ts'
import { showBytes, showCount, showDuration } from './quantity.ts'
import { type AccessFlags, located, wireLocated } from './repository-access.ts'
import { examples, type Runner } from './runner.ts'
import { servedBy } from './served-by.ts'
import { runServedJob } from './served-job.ts'

interface RestoreFlags extends AccessFlags {
  readonly source: readonly string[]
  readonly snapshotId?: string
  readonly at?: string
  readonly epoch?: string
  readonly newCollectionName?: string
  readonly replace?: boolean
  readonly reindex?: boolean
  readonly index?: IndexKind
  readonly wait?: true
}

export function addRestore(collections: Command, run: Runner): void {
  collections
    .command('restore')
    .description('bring a collection back from a snapshot, proven before it gets its name')
    .argument('<name>', 'the name that the collection had')
    .addOption(
      requireOption(
        listOption(
          '--source <url>',
          'repository: a path, a file://, s3:// or rsync:// URL; given again, a further one to fall back to',
        ),
      ),
    )
    .option('--snapshot-id <id>', 'which snapshot (default: the newest)')
    .addOption(
      new Option(
        '--at <moment>',
        'go on through the archived log: an instant with its offset, lsn:N, or latest',
      ).conflicts('snapshotId'),
    )
    .option('--epoch <epoch>', 'with --at: which history, where several hold the moment')
    .option('--new-collection-name <name>', 'restore beside, under another name')
    .option(
      '--replace',
      'take the place of the collection of that name, once the restore is proven',
    )
    .option('--reindex', 'build the index anew instead of keeping the saved one')
    .addOption(
      new Option('--index <kind>', 'build an index of another kind, at its defaults').choices(
        indexKinds,
      ),
    )
    .option('--wait', 'wait until it is done, as it always is where no server has the data')
    .addHelpText(
      'after',
      examples(
        'collections restore products --source /mnt/backups/vectra --wait',
        'collections restore products --source /mnt/backups/vectra --new-collection-name products_test',
        'collections restore products --source /mnt/backups/vectra --at 2026-11-01T10:00:00+01:00 --replace',
        'collections restore products --source /mnt/backups/vectra --at latest',
        'collections restore products --source /mnt/a --source /mnt/b --snapshot-id products_1000 --replace',
      ),
    )
    .action(run(restore))
}

async function restore(context: Context, name: string, flags: RestoreFlags) {
  checkName('collection name', name)
  const { newCollectionName: newName, snapshotId, at: moment, index, wait: _, ...rest } = flags
  if (newName !== undefined) checkName('collection name', newName)
  if (snapshotId !== undefined) checkName('snapshot id', snapshotId)
  if (rest.epoch !== undefined && moment === undefined) {
    fail('usage', '--epoch goes with --at', 'Say to which moment: --at latest, for example.')
  }
  const at = moment === undefined ? undefined : parseMoment(moment)
  const client = await servedBy(context)
  if (client !== undefined) return restoreServed(context, client, name, flags)
  const { restoreSnapshot } = await import('../backup/restore.ts')
  const source: RepositoryLocation[] = []
  for (const url of flags.source) source.push(await located(context, url, flags))
  await refuseMissingSource(context, name, source, flags)
  return withOwnDirectory(context, 'create', async (directory) => {
    const result = await restoreSnapshot(directory, {
      ...rest,
      source,
      collection: name,
      ...(newName !== undefined && { newName }),
      ...(snapshotId !== undefined && { snapshotId }),
      ...(at && { at }),
      // the defaults of a kind are the same in every dimension
      ...(index && { index: makeConfig({ dimension: 1, index }).index }),
      // nobody searches here; indexes that the snapshot has were loaded when they were proven
      warm: rest.reindex === true || index !== undefined,
      disk: context.io.disk,
      ...worldOf(context),
    })
    await tell(context, result)
    return result
  })
}

/** The same by the server that has the data. */
async function restoreServed(
  context: Context,
  client: VectraClient,
  name: string,
  flags: RestoreFlags,
) {
  const { newCollectionName: newName, snapshotId, at, epoch, replace, reindex, index } = flags
  const sources: WireLocation[] = []
  for (const url of flags.source) sources.push(await wireLocated(context, client, url, flags))
  const request: RestoreRequest = {
    collection: name,
    sources,
    ...(newName !== undefined && { newName }),
    ...(snapshotId !== undefined && { snapshotId }),
    ...(at !== undefined && { at }),
    ...(epoch !== undefined && { epoch }),
    ...(replace !== undefined && { replace }),
    ...(reindex !== undefined && { reindex }),
    ...(index !== undefined && { index }),
  }
  const job = { kind: 'restore', request, wait: flags.wait === true }
  const result = await runServedJob<RestoreResult>(context, client, job)
  if (result !== undefined) await tell(context, result)
  return result ?? {}
}

/** A new data directory is not made for a snapshot that is not there. */
async function refuseMissingSource(
  context: Context,
  name: string,
  source: readonly RepositoryLocation[],
  { snapshotId, at, epoch }: RestoreFlags,
): Promise<void> {
  const { disk, signal } = context.io
  if ((await disk.stat(resolve(context.data))) !== undefined) return
  const { findNewest, findSnapshot, openSources } = await import('../backup/sources.ts')
  const { repositories } = await openSources(source, disk)
  if (at !== undefined) {
    const { chooseMoment } = await import('../backup/choose-moment.ts')
    const request = { collection: name, moment: parseMoment(at), ...(epoch && { epoch }) }
    await chooseMoment(repositories, request, signal)
    return
  }
  await (snapshotId === undefined
    ? findNewest(repositories, name, signal)
    : findSnapshot(repositories, name, snapshotId))
}

/** Fallbacks by the source that helped, with the first of what was wrong before it. */
function byCause(fallbacks: RestoreResult['fallbacks']) {
  const causes = new Map<string, { from: string; pieces: number; problem: string }>()
  for (const { from, key, problems } of fallbacks) {
    const first = problems.map(({ source, problem }) => `${key} at ${source} ${problem}`)[0] ?? ''
    const cause = causes.get(from) ?? { from, pieces: 0, problem: first }
    cause.pieces++
    causes.set(from, cause)
  }
  return causes.values()
}

async function tell(context: Context, result: RestoreResult): Promise<void> {
  for (const remark of result.remarks) await context.warn(remark)
  for (const { from, pieces, problem } of byCause(result.fallbacks)) {
    await context.warn(
      `${showCount(pieces, 'piece')} came from ${from}, having no sound copy before it: ${problem}`,
    )
  }
  if (result.sources.length > 1) {
    const shares = result.sources.map(
      ({ url, pieces, bytes }) => `${showCount(pieces, 'piece')} (${showBytes(bytes)}) from ${url}`,
    )
    await context.confirm(`read ${shares.join(', ')}`)
  }
  const { name, count, snapshotId, recoveryPoint, source, bytes, graphs } = result
  const index = { kept: 'index kept', rebuilt: 'index rebuilt', none: 'no index' }[graphs]
  const took = showDuration(result.durationMs)
  await context.confirm(
    `restored ${name}: ${showCount(count, 'point')} (${showBytes(bytes)}) in ${took}, digest proven, ${index}`,
  )
  const { moment } = result
  const replayed = moment ? ` and ${showCount(moment.replayed.records, 'archived record')}` : ''
  await context.confirm(
    `recovery point: snapshot ${snapshotId} of ${source}${replayed}, LSN ${recoveryPoint.lsn}, committed ${recoveryPoint.committedAt ?? 'never'}, as of ${recoveryPoint.asOfAt}`,
  )
  if (moment === null) return
  if (moment.lastProvenLsn < recoveryPoint.lsn) {
    await context.warn(
      `no digest was recorded at LSN ${recoveryPoint.lsn}; the last one proven is that of LSN ${moment.lastProvenLsn}`,
    )
  }
  const { beyond } = moment
  if (beyond !== null) {
    await context.confirm(
      `not restored: ${showCount(beyond.records, 'later record')}, LSN ${beyond.firstLsn} to ${beyond.lastLsn}, up to ${beyond.lastCommittedAt ?? 'an unknown time'}`,
    )
  }
}
