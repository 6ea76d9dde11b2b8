/** `collections backup verify --source URL` */
import { type Command, Option } from 'commander'
import type { VerifiedSnapshot, VerifyDepth, VerifyResult } from '../backup/verify.ts'
import { fail } from '../base/errors.ts'
import type { VerifyRequest } from '../server/vectra-jobs.ts'
import { worldOf } from './collections-import.ts'
import type { Context } from './context.ts'
import { integer, percent, requireOption } from './option.ts'
import { showBytes, showCount, showDuration } from './quantity.ts'
import { type AccessFlags, located, wireLocated } from './repository-access.ts'
import { examples, type Runner } from './runner.ts'
import { servedBy } from './served-by.ts'
import { runServedJob } from './served-job.ts'
import { renderTable } from './table.ts'

interface VerifyFlags extends AccessFlags {
  readonly source: string
  readonly collection?: string
  readonly snapshotId?: string
  readonly depth?: VerifyDepth
  readonly sample?: number
  readonly seed?: number
  readonly record: boolean
}

const depths: readonly VerifyDepth[] = ['manifest', 'objects', 'content']

export function addBackupVerify(backup: Command, run: Runner): void {
  backup
    .command('verify')
    .description('prove that snapshots are whole; exit 13 when there is damage')
    .addOption(
      requireOption(
        new Option('--source <url>', 'repository: a path, a file://, s3:// or rsync:// URL'),
      ),
    )
    .option('--collection <name>', 'only snapshots of this collection (default: of all)')
    .option('--snapshot-id <id>', 'only this snapshot (default: all)')
    .addOption(
      new Option(
        '--depth <depth>',
        'manifest: all that is needed is there; objects: every byte is read and hashed; content: ' +
          'each snapshot is restored aside and answers its recorded queries (default: objects)',
      ).choices(depths),
    )
    .option(
      '--sample <percent>',
      'read only a random part, such as 5%, and restore such a part',
      percent,
    )
    .option(
      '--seed <n>',
      'with --sample: the part that was read before under this seed',
      integer(0, 2 ** 32),
    )
    .option('--no-record', 'leave no record of it at the source')
    .addHelpText(
      'after',
      examples(
        'collections backup verify --source /mnt/backups/vectra',
        'collections backup verify --source /mnt/backups/vectra --collection products --depth content',
        'collections backup verify --source /mnt/backups/vectra --sample 5%',
      ),
    )
    .action(run(verify))
}

async function verify(context: Context, flags: VerifyFlags) {
  const { damageError, verifyRepository } = await import('../backup/verify.ts')
  const { sample: share, seed, ...rest } = flags
  if (seed !== undefined && share === undefined) {
    fail('usage', '--seed is given without --sample', 'Add --sample, such as --sample 5%.')
  }
  const sample = share === undefined ? undefined : { share, ...(seed !== undefined && { seed }) }
  const result =
    context.endpoint === undefined
      ? await verifyRepository({
          ...rest,
          ...(sample && { sample }),
          source: await located(context, flags.source, flags),
          disk: context.io.disk,
          ...worldOf(context),
          onWarning: (text) => void context.warn(text).catch(() => {}),
        })
      : await verifyServed(context, flags, sample)
  const { snapshots, ...summary } = result
  for (const snapshot of snapshots) await context.emit(snapshot)
  await context.print(show(result, context.io.stdout))
  for (const each of summary.archive.remarks) await context.remark(each)
  for (const stranger of summary.strangers) {
    await context.remark(`${stranger} at ${summary.source} was not written by vectra`)
  }
  if (!result.ok) throw damageError(result)
  return { ...summary, snapshots: snapshots.length }
}

/** By the server that was named: it may reach what this machine does not. */
async function verifyServed(
  context: Context,
  flags: VerifyFlags,
  sample: VerifyRequest['sample'],
): Promise<VerifyResult> {
  const { collection, snapshotId, depth, record } = flags
  const client = await servedBy(context)
  if (client === undefined) throw new TypeError('an endpoint was named')
  const request: VerifyRequest = {
    source: await wireLocated(context, client, flags.source, flags),
    record,
    ...(collection !== undefined && { collection }),
    ...(snapshotId !== undefined && { snapshotId }),
    ...(depth !== undefined && { depth }),
    ...(sample && { sample }),
  }
  const job = { kind: 'verify', request, wait: true }
  const result = await runServedJob<VerifyResult>(context, client, job)
  if (result === undefined) throw new TypeError('it was waited for')
  return result
}

function show(result: VerifyResult, terminal: { isTerminal: boolean; columns: number }): string {
  const table = renderTable(
    [
      { title: 'collection' },
      { title: 'snapshot' },
      { title: 'points', align: 'right' },
      { title: 'size', align: 'right' },
      { title: 'verdict' },
    ],
    result.snapshots.map((snapshot) => [
      snapshot.collection,
      snapshot.snapshotId,
      String(snapshot.count),
      showBytes(snapshot.totalBytes),
      verdict(snapshot, result),
    ]),
    terminal.isTerminal ? terminal.columns : 0,
  )
  const { checked, checkedBytes } = result.objects
  const read = result.depth === 'manifest' ? 'found' : 'read and hashed'
  const { sample } = result
  const ofAll =
    sample === null
      ? ''
      : ` of ${sample.objects.all} (${showBytes(sample.bytes.all)}), seed ${sample.seed},`
  const objects = `${showCount(checked, 'object')} (${showBytes(checkedBytes)})${ofAll} ${read}`
  const { files, records } = result.archive
  const archived =
    files === 0 ? '' : `, ${showCount(files, 'archived file')} with ${showCount(records, 'record')}`
  return `${table}${objects}${archived} in ${showDuration(result.durationMs)}\n${showLocks(result)}`
}

function showLocks({ locks }: VerifyResult): string {
  if (locks === undefined) return ''
  const { locked, unlocked, earliestUntil } = locks
  if (locked === 0) return 'nothing is locked against deletion\n'
  const until = earliestUntil === null ? 'under a legal hold' : `until ${earliestUntil} or longer`
  const free = unlocked === 0 ? 'all' : `${locked} of ${locked + unlocked}`
  return `${free} objects and manifests are locked ${until}\n`
}

function verdict(snapshot: VerifiedSnapshot, { depth, sample, damage }: VerifyResult): string {
  const { ok, content, collection, snapshotId } = snapshot
  if (!ok) {
    const own = damage.filter(({ neededBy }) =>
      neededBy.some((each) => each.collection === collection && each.snapshotId === snapshotId),
    )
    // as a copy is that has not arrived as a whole
    return own.every(({ kind }) => kind === 'missing') ? 'INCOMPLETE' : 'DAMAGED'
  }
  const recall = content?.golden?.recall
  if (typeof recall === 'number') return `ok (content, recall ${recall.toFixed(4)})`
  if (sample === null) return `ok (${depth})`
  // of a sample, what was not restored was read in part
  return content === undefined ? 'ok (a sample of its objects)' : 'ok (content)'
}
