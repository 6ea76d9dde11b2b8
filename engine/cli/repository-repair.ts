/** `repository repair URL --from URL2` */
import type { Command } from 'commander'
import type { Refill } from '../copies/refill.ts'
import type { RepairResult } from '../copies/repair.ts'
import { worldOf } from './collections-import.ts'
import type { Context } from './context.ts'
import { listOption, requireOption } from './option.ts'
import { showBytes, showCount, showDuration } from './quantity.ts'
import { type AccessFlags, located } from './repository-access.ts'
import { examples, type Runner } from './runner.ts'

interface RepairFlags extends AccessFlags {
  readonly from: readonly string[]
  readonly dryRun?: boolean
}

export function addRepositoryRepair(repository: Command, run: Runner): void {
  repository
    .command('repair')
    .description(
      'bring back from a copy what is damaged or missing; exit 13 when something is left',
    )
    .argument('<url>', 'the damaged repository')
    .addOption(
      requireOption(listOption('--from <url>', 'a copy of it; given again, a further one to ask')),
    )
    .option('--dry-run', 'say what would be done, and write nothing')
    .addHelpText(
      'after',
      `
Keys and trust are those of all the repositories that are named.
${examples(
  'repository repair /mnt/backups/vectra --from s3://my-dr-bucket-us-west-2/vectra --dry-run',
  'repository repair /mnt/backups/vectra --from /mnt/second --from /mnt/third',
)}`,
    )
    .action(run(repair))
}

async function repair(context: Context, url: string, flags: RepairFlags) {
  const { repairError, repairRepository } = await import('../copies/repair.ts')
  const from = await Promise.all(flags.from.map((each) => located(context, each, flags)))
  const result = await repairRepository({
    repository: await located(context, url, flags),
    from,
    dryRun: flags.dryRun === true,
    disk: context.io.disk,
    ...worldOf(context),
  })
  const { refills, ...rest } = result
  for (const remark of result.remarks) await context.warn(remark)
  for (const each of refills) {
    await context.emit(each)
    await context.print(`${describe(each)}\n`)
  }
  if (!result.ok) throw repairError(result)
  await context.confirm(tell(result))
  return { ...rest, refills: refills.length }
}

function describe({ outcome, problem, from, reason }: Refill): string {
  if (outcome === 'left') return `LEFT      ${problem} (${reason})`
  return outcome === 'found'
    ? `would refill from ${from}: ${problem}`
    : `refilled from ${from}: ${problem}`
}

function tell({ checked, refills, repository, durationMs }: RepairResult): string {
  const what = `${showCount(checked.objects, 'object')} (${showBytes(checked.bytes)}), ${showCount(checked.archived, 'archived file')}`
  const found = refills.length === 0 ? 'nothing is wrong' : `${refills.length} were wrong`
  return `${repository}: ${what} read and hashed in ${showDuration(durationMs)}, ${found}`
}
