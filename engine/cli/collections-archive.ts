/** `collections archive NAME --destination URL`: once, or at an interval until interrupted. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import type { ArchiveResult } from '../backup/archive.ts'
import { type ErrorCode, isOperatingError } from '../base/errors.ts'
import { checkName } from '../base/name.ts'
import type { ArchiveJobRequest } from '../server/orchestration.ts'
import { worldOf } from './collections-import.ts'
import type { Context } from './context.ts'
import { withOwnCollection } from './open-directory.ts'
import { duration, requireOption } from './option.ts'
import { showBytes, showCount } from './quantity.ts'
import { type AccessFlags, located, wireLocated } from './repository-access.ts'
import { examples, type Runner } from './runner.ts'
import { servedBy } from './served-by.ts'
import { watcherOf } from './served-job.ts'

interface ArchiveFlags extends AccessFlags {
  readonly destination: string
  readonly interval?: number
  readonly once?: boolean
}

const dayMs = 86_400_000

export function addArchive(collections: Command, run: Runner): void {
  collections
    .command('archive')
    .description(
      'ship the log to a repository, so that a restore can go to any moment after a snapshot there',
    )
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
      new Option('--interval <duration>', 'again and again, such as 5s, until interrupted')
        .argParser(duration(1, dayMs))
        .conflicts('once'),
    )
    .option('--once', 'one run, for a scheduler (default)')
    .addHelpText(
      'after',
      `
The collection keeps its log until it is archived, up to a bound. Where a server has the data,
--interval asks it again and again, beside the writers. Embedded it keeps the directory for itself
all the while: use --once from a scheduler between the writers.
${examples(
  'collections archive products --destination /mnt/backups/vectra --once',
  'collections archive products --destination /mnt/backups/vectra --interval 5s',
)}`,
    )
    .action(run(archive))
}

/** One run. */
type Ship = () => Promise<ArchiveResult>

async function archive(context: Context, name: string, flags: ArchiveFlags) {
  checkName('collection name', name)
  const client = await servedBy(context)
  if (client !== undefined) {
    const request: ArchiveJobRequest = {
      collection: name,
      destination: await wireLocated(context, client, flags.destination, flags),
    }
    const { runJob } = await import('../server/remote-jobs.ts')
    const watcher = watcherOf(context)
    return ship(context, flags, () => runJob(client, '/vectra/v1/archive', request, watcher))
  }
  return withOwnCollection(context, 'use', name, async (collection) => {
    const { Archiver } = await import('../backup/archive.ts')
    const { disk } = context.io
    const destination = await located(context, flags.destination, flags)
    const archiver = new Archiver(collection, { destination, disk, ...worldOf(context) })
    return ship(context, flags, () => archiver.run())
  })
}

async function ship(context: Context, { interval }: ArchiveFlags, run: Ship) {
  if (interval !== undefined) return repeat(context, run, interval)
  const { gapError } = await import('../backup/archive.ts')
  const result = await run()
  await tell(context, result)
  if (result.gap === null) return result
  await context.emit(result)
  throw gapError(result)
}

/** What may pass: the next run tries again. */
const passing: readonly ErrorCode[] = ['unreachable', 'disk-full', 'disk-refused', 'terminated']

/** Runs until the user stops it, or until an error that will not pass. */
async function repeat(context: Context, run: Ship, intervalMs: number): Promise<never> {
  const { gapError } = await import('../backup/archive.ts')
  const { signal } = context.io
  const told = new Set<string>()
  for (;;) {
    try {
      const result = await run()
      if (result.files > 0) await context.emit(result)
      const fresh = result.remarks.filter((each) => !told.has(each))
      for (const each of fresh) told.add(each)
      await tell(context, { ...result, remarks: fresh })
      if (result.gap !== null) await context.warn(gapError(result).message)
    } catch (error) {
      signal.throwIfAborted()
      if (!isOperatingError(error, ...passing)) throw error
      await context.warn(`${error.message}; trying again`)
    }
    await pause(intervalMs, undefined, { signal }).catch(() => {})
    signal.throwIfAborted()
  }
}

async function tell(context: Context, result: ArchiveResult): Promise<void> {
  for (const each of result.remarks) await context.warn(each)
  const { collection, destination, archivedLsn, records, bytes, asOfAt } = result
  const reach = `${collection.name} is archived at ${destination} up to LSN ${archivedLsn}, as of ${asOfAt}`
  const what = `${showCount(records, 'record')} (${showBytes(bytes)}) shipped`
  await context.confirm(`${records === 0 ? 'nothing new' : what}; ${reach}`)
}
