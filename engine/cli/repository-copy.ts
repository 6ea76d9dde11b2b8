/** `repository copy FROM TO` */
import { type Command, Option } from 'commander'
import type { RepositoryLocation } from '../backup/sources.ts'
import { checkName } from '../base/name.ts'
import type { CopiedSnapshot, CopyResult } from '../copies/copy.ts'
import { worldOf } from './collections-import.ts'
import type { Context } from './context.ts'
import { lockOptions, lockPolicyOf } from './lock-options.ts'
import { listOption } from './option.ts'
import { showBytes, showCount, showDuration } from './quantity.ts'
import { type AccessFlags, keysOf, located, throttleOf } from './repository-access.ts'
import { examples, type Runner } from './runner.ts'
import { renderTable } from './table.ts'

interface CopyFlags extends AccessFlags {
  readonly collection?: string
  readonly snapshot?: readonly string[]
  readonly verify?: 'written' | 'all'
  readonly toKeyFile?: readonly string[]
  readonly toKeyCommand?: readonly string[]
  readonly toPlain?: true
}

export function addCopy(repository: Command, run: Runner): void {
  const command = repository
    .command('copy')
    .description('bring snapshots, with their archived log, to a second repository')
    .argument('<from>', 'repository that has them')
    .argument('<to>', 'where they go: a repository, or an empty place that becomes one')
    .option('--collection <name>', 'only snapshots of this collection (default: of all)')
    .addOption(listOption('--snapshot <id>', 'only this snapshot; may be given again'))
    .addOption(
      new Option(
        '--verify <what>',
        'what is read back and hashed at the target: written, what this copy wrote; all, also what was there before (default: written)',
      ).choices(['written', 'all']),
    )
    .addOption(
      listOption(
        '--to-key-file <file>',
        'the key of <to>, where it is not that of <from>; may be given again',
      ),
    )
    .addOption(listOption('--to-key-command <words>', 'a program that prints the key of <to>'))
    .addOption(
      new Option('--to-plain', '<to> is not encrypted').conflicts(['toKeyFile', 'toKeyCommand']),
    )
  for (const option of lockOptions()) command.addOption(option)
  command
    .addHelpText(
      'after',
      `
Only what <to> lacks is brought; run again after an interruption, it goes on.
${examples(
  'repository copy /mnt/backups/vectra s3://my-dr-bucket-us-west-2/vectra',
  'repository copy /mnt/backups/vectra /mnt/second --collection products --snapshot monday',
  'repository copy /mnt/backups/vectra /mnt/sealed --to-key-file ./backup.key',
)}`,
    )
    .action(run(copy))
}

async function copy(context: Context, from: string, to: string, flags: CopyFlags) {
  const { collection, snapshot, verify } = flags
  if (collection !== undefined) checkName('collection name', collection)
  for (const id of snapshot ?? []) checkName('snapshot id', id)
  const { copyError, copySnapshots } = await import('../copies/copy.ts')
  const result = await copySnapshots({
    from: await located(context, from, readingOnly(flags)),
    to: await targetOf(context, to, flags),
    ...(collection !== undefined && { collection }),
    ...(snapshot && { snapshotIds: snapshot }),
    ...(verify && { proof: verify }),
    disk: context.io.disk,
    ...worldOf(context),
  })
  const { snapshots, ...rest } = result
  for (const each of snapshots) await context.emit(each)
  await context.print(show(result, context.io.stdout))
  if (!result.ok) throw copyError(result)
  await context.confirm(tell(result))
  return { ...rest, snapshots: snapshots.length }
}

/** The source is not written to. */
const readingOnly = ({ objectLock: _, lockFor: __, ...rest }: CopyFlags): CopyFlags => rest

async function targetOf(
  context: Context,
  location: string,
  flags: CopyFlags,
): Promise<RepositoryLocation> {
  const lockPolicy = lockPolicyOf(flags)
  const throttled = throttleOf(context, flags)
  const place = { location, ...(lockPolicy && { lockPolicy }), ...throttled }
  if (flags.toPlain === true) return { ...place, keys: [] }
  const { toKeyFile: keyFile, toKeyCommand: keyCommand } = flags
  const own = { ...(keyFile && { keyFile }), ...(keyCommand && { keyCommand }) }
  const hasOwn = keyFile !== undefined || keyCommand !== undefined
  return { ...place, keys: await keysOf(context, hasOwn ? own : flags) }
}

function show(result: CopyResult, terminal: { isTerminal: boolean; columns: number }): string {
  return renderTable(
    [
      { title: 'collection' },
      { title: 'snapshot' },
      { title: 'size', align: 'right' },
      { title: 'brought', align: 'right' },
      { title: 'outcome' },
    ],
    result.snapshots.map((each) => [
      each.collection,
      each.snapshotId,
      showBytes(each.totalBytes),
      showBytes(each.copiedBytes),
      outcomeOf(each),
    ]),
    terminal.isTerminal ? terminal.columns : 0,
  )
}

function outcomeOf({ outcome, readShare }: CopiedSnapshot): string {
  if (outcome === 'failed') return 'FAILED'
  const share = readShare === 1 ? 'all' : `${Math.floor(100 * readShare)} %`
  return outcome === 'present' && readShare === 0 ? 'present' : `${outcome}, ${share} read back`
}

function tell({ objects, archive, to, durationMs }: CopyResult): string {
  const { copied, needed, verified } = objects
  const ways = copied.serverSide > 0 ? `, ${copied.serverSide} of them inside the store` : ''
  const log = archive.copied > 0 ? `, ${showCount(archive.copied, 'file')} of archived log` : ''
  return `${showCount(copied.objects, 'object')} of ${needed.objects} (${showBytes(copied.bytes)}) brought to ${to}${ways}${log}; ${showBytes(verified.bytes)} read back and hashed in ${showDuration(durationMs)}`
}
