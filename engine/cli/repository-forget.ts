/** `repository forget URL --keep-…`: removes snapshots by rules or by name. */
import type { Command } from 'commander'
import { OperatingError } from '../base/errors.ts'
import type { ForgetResult, ForgottenSnapshot } from '../retention/forget.ts'
import type { KeepRules } from '../retention/keep-rules.ts'
import { worldOf } from './collections-import.ts'
import type { Context } from './context.ts'
import { duration, integer, listOption } from './option.ts'
import { showCount } from './quantity.ts'
import { type AccessFlags, located } from './repository-access.ts'
import { lockWaitOption, prune } from './repository-prune.ts'
import { examples, type Runner } from './runner.ts'
import { renderTable } from './table.ts'

interface ForgetFlags extends AccessFlags {
  readonly collection?: string
  readonly keepLast?: number
  readonly keepHourly?: number
  readonly keepDaily?: number
  readonly keepWeekly?: number
  readonly keepMonthly?: number
  readonly keepYearly?: number
  readonly keepWithin?: number
  readonly keepTag?: readonly string[]
  readonly snapshotId?: readonly string[]
  readonly timezone?: string
  readonly dryRun?: true
  readonly force?: true
  readonly prune?: true
  readonly lockWait?: number
}

const mostKept = 1_000_000
const dayMs = 86_400_000
const longestMs = 36_525 * dayMs

export function addForget(repository: Command, run: Runner): void {
  const count = integer(1, mostKept)
  repository
    .command('forget')
    .description(
      'remove snapshots that no rule keeps, and say why of each; their data goes with prune',
    )
    .argument('<url>', 'repository: a path or URL')
    .option('--collection <name>', 'only snapshots of this collection (default: of all)')
    .option('--keep-last <n>', 'the newest', count)
    .option('--keep-hourly <n>', 'the newest of each of the last hours that have one', count)
    .option('--keep-daily <n>', 'of each of the last days that have one', count)
    .option('--keep-weekly <n>', 'of each of the last weeks, which begin on Monday', count)
    .option('--keep-monthly <n>', 'of each of the last months', count)
    .option('--keep-yearly <n>', 'of each of the last years', count)
    .option(
      '--keep-within <duration>',
      'all that were taken in so long a time before the newest, such as 14d or 36h',
      duration(1, longestMs),
    )
    .addOption(listOption('--keep-tag <tag>', 'all with this tag; given again, with any of them'))
    .addOption(
      listOption('--snapshot-id <id>', 'no rules: remove exactly this; given again, these'),
    )
    .option('--timezone <zone>', 'where days begin, such as Europe/Zurich (default: UTC)')
    .option('--dry-run', 'only say what would be done')
    .option('--force', 'remove although the newest backup looks wrong')
    .option('--prune', 'then remove the data that no snapshot needs any more')
    .addOption(lockWaitOption())
    .addHelpText(
      'after',
      `
A snapshot stays when any rule keeps it. Each collection, and of it each history, is looked at by
itself. Pinned snapshots stay, and so does the last good one of a collection.
${examples(
  'repository forget /mnt/backups/vectra --keep-last 3 --keep-daily 7 --keep-monthly 12 --dry-run',
  'repository forget /mnt/backups/vectra --keep-within 14d --keep-tag audit --timezone Europe/Zurich --prune',
  'repository forget /mnt/backups/vectra --collection products --snapshot-id products_1000',
)}`,
    )
    .action(run(forget))
}

async function forget(context: Context, url: string, flags: ForgetFlags) {
  const { forgetSnapshots } = await import('../retention/forget.ts')
  const { collection, snapshotId, timezone, dryRun, force, lockWait } = flags
  const { clock, signal } = worldOf(context)
  const result = await forgetSnapshots({
    repository: await located(context, url, flags),
    ...(collection !== undefined && { collection }),
    ...(snapshotId === undefined ? { rules: toRules(flags) } : { snapshotIds: snapshotId }),
    ...(timezone !== undefined && { timezone }),
    ...(dryRun && { dryRun }),
    ...(force && { force }),
    ...(lockWait !== undefined && { lockWaitMs: lockWait }),
    disk: context.io.disk,
    onWait: (sentence) => void context.remark(sentence).catch(() => {}),
    clock,
    signal,
  })
  const { snapshots, ...rest } = result
  for (const snapshot of snapshots) await context.emit(snapshot)
  await context.print(show(result, context.io.stdout))
  for (const each of [...result.suspicions, ...result.remarks]) await context.warn(each)
  const kept = snapshots.filter(({ outcome }) => outcome === 'kept').length
  const summary = { ...rest, snapshots: snapshots.length, kept }
  if (result.refused !== null) {
    const { code, message, hint, place } = result.refused
    throw new OperatingError(code, message, hint, { ...(place && { place }), details: [summary] })
  }
  if (flags.prune !== true) return summary
  await context.emit(summary)
  return prune(context, url, flags)
}

function toRules(flags: ForgetFlags): KeepRules {
  const rules = {
    last: flags.keepLast,
    hourly: flags.keepHourly,
    daily: flags.keepDaily,
    weekly: flags.keepWeekly,
    monthly: flags.keepMonthly,
    yearly: flags.keepYearly,
    withinMs: flags.keepWithin,
    tags: flags.keepTag,
  }
  return Object.fromEntries(Object.entries(rules).filter(([, value]) => value !== undefined))
}

function show(
  { snapshots, dryRun, removed }: ForgetResult,
  terminal: { isTerminal: boolean; columns: number },
): string {
  const table = renderTable(
    ['collection', 'snapshot', 'as of', 'outcome', 'why'].map((title) => ({ title })),
    snapshots.map((each) => [
      each.collection,
      each.snapshotId,
      each.asOfAt,
      each.outcome,
      each.reasons.join('; '),
    ]),
    terminal.isTerminal ? terminal.columns : 0,
  )
  const going = snapshots.filter((each: ForgottenSnapshot) => each.outcome === 'would be removed')
  const done = dryRun
    ? `${showCount(going.length, 'snapshot')} would be removed; this was a dry run`
    : `${showCount(removed, 'snapshot')} removed, ${snapshots.length - removed} left`
  return `${table}${done}\n`
}
