/** `repository prune URL`: removes the data that no snapshot needs. */
import { type Command, Option } from 'commander'
import type { PruneResult, Room } from '../retention/prune.ts'
import { worldOf } from './collections-import.ts'
import type { Context } from './context.ts'
import { duration } from './option.ts'
import { showBytes, showCount, showDuration } from './quantity.ts'
import { type AccessFlags, located } from './repository-access.ts'
import { examples, type Runner } from './runner.ts'

interface PruneFlags extends AccessFlags {
  readonly dryRun?: true
  readonly force?: true
  readonly lockWait?: number
}

const longestWaitMs = 86_400_000

/** `repository prune`. */
export function addPrune(repository: Command, run: Runner): void {
  repository
    .command('prune')
    .description('remove the data that no snapshot needs; nobody else may use the repository then')
    .argument('<url>', 'repository: a path or URL')
    .option('--dry-run', 'only say what would be removed')
    .option('--force', 'remove although the newest backup looks wrong')
    .addOption(lockWaitOption())
    .addHelpText(
      'after',
      `
Archived log stays from the oldest snapshot of its history on, so that every moment since can be
restored. What the store has locked stays until its lock runs out. A manifest that cannot be read
ends a prune before anything is removed.
${examples(
  'repository prune /mnt/backups/vectra --dry-run',
  'repository prune /mnt/backups/vectra --lock-wait 10m',
)}`,
    )
    .action(run(prune))
}

/** How long a command waits for others to be done with a repository. */
export const lockWaitOption = (): Option =>
  new Option(
    '--lock-wait <duration>',
    'how long to wait for others that use the repository (default: 1m)',
  ).argParser(duration(0, longestWaitMs))

/** Does it, and tells it. @throws what the store refused, when the rest is done */
export async function prune(context: Context, url: string, flags: PruneFlags) {
  const { pruneRepository, refuseRefused } = await import('../retention/prune.ts')
  const { dryRun, force, lockWait } = flags
  const result = await pruneRepository({
    repository: await located(context, url, flags),
    ...(dryRun && { dryRun }),
    ...(force && { force }),
    ...(lockWait !== undefined && { lockWaitMs: lockWait }),
    disk: context.io.disk,
    onWait: (sentence) => void context.remark(sentence).catch(() => {}),
    ...worldOf(context),
  })
  await context.print(show(result))
  for (const each of result.suspicions) await context.warn(each)
  for (const each of result.remarks) await context.remark(each)
  refuseRefused(result)
  return result
}

function show(result: PruneResult): string {
  const { needed, unneeded, dryRun, removed, locked, unfinished } = result
  const room = ({ count, bytes }: Room, noun: string) =>
    `${showCount(count, noun)} (${showBytes(bytes)})`
  const whose = showCount(result.snapshots, 'snapshot')
  const lines = [
    `${whose} ${result.snapshots === 1 ? 'needs' : 'need'} ${room(needed.objects, 'object')} and ${room(needed.log, 'archived file')}`,
    `nobody needs ${room(unneeded.objects, 'object')}, ${room(unneeded.log, 'archived file')} and ${room(unneeded.records, 'old record')}`,
  ]
  if (unfinished > 0) {
    lines.push(`${showCount(unfinished, 'interrupted write')} ${dryRun ? 'found' : 'cleared away'}`)
  }
  if (locked.length > 0) lines.push(lockedLine(result))
  lines.push(
    dryRun
      ? 'this was a dry run: nothing was removed'
      : `removed ${showCount(removed.count, 'file')} (${showBytes(removed.bytes)}) in ${showDuration(result.durationMs)}`,
  )
  return `${lines.join('\n')}\n`
}

function lockedLine({ locked }: PruneResult): string {
  const untils = locked.flatMap(({ lockedUntil }) => lockedUntil ?? []).sort()
  const held = locked.length - untils.length
  const range =
    untils.length === 0
      ? ''
      : `, until ${untils[0]}${untils.length > 1 ? ` to ${untils.at(-1)}` : ''}`
  const holds = held === 0 ? '' : `, ${held} of them until further notice`
  return `${showCount(locked.length, 'file')} stayed, locked in the store${range}${holds}`
}
