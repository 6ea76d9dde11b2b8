/** `collections archive NAME --destination URL`: once, or at an interval until interrupted. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import type { ArchiveResult, Archiver } from '../backup/archive.ts'
import { type ErrorCode, isOperatingError } from '../base/errors.ts'
import { worldOf } from './collections-import.ts'
import type { Context } from './context.ts'
import { withOwnCollection } from './open-directory.ts'
import { duration, requireOption } from './option.ts'
import { showBytes, showCount } from './quantity.ts'
import { type AccessFlags, located } from './repository-access.ts'
import { examples, type Runner } from './runner.ts'

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
The collection keeps its log until it is archived, up to a bound. One process owns a data
directory, and --interval keeps it all the while: use it where nobody else writes; otherwise run
--once from a scheduler between the writers.
${examples(
  'collections archive products --destination /mnt/backups/vectra --once',
  'collections archive products --destination /mnt/backups/vectra --interval 5s',
)}`,
    )
    .action(run(archive))
}

function archive(context: Context, name: string, flags: ArchiveFlags) {
  return withOwnCollection(context, 'use', name, async (collection) => {
    const { Archiver, gapError } = await import('../backup/archive.ts')
    const { disk } = context.io
    const { interval } = flags
    const destination = await located(context, flags.destination, flags)
    const archiver = new Archiver(collection, { destination, disk, ...worldOf(context) })
    if (interval !== undefined) return repeat(context, archiver, interval)
    const result = await archiver.run()
    await tell(context, result)
    if (result.gap === null) return result
    await context.emit(result)
    throw gapError(result)
  })
}

/** What may pass: the next run tries again. */
const passing: readonly ErrorCode[] = ['unreachable', 'disk-full', 'disk-refused']

/** Runs until the user stops it, or until an error that will not pass. */
async function repeat(context: Context, archiver: Archiver, intervalMs: number): Promise<never> {
  const { gapError } = await import('../backup/archive.ts')
  const { signal } = context.io
  const told = new Set<string>()
  for (;;) {
    try {
      const result = await archiver.run()
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
