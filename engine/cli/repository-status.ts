/** `repository status URL [URL2…]` */
import type { Command } from 'commander'
import { OperatingError } from '../base/errors.ts'
import type { CopyStatus, SnapshotPlace } from '../copies/status.ts'
import type { Context } from './context.ts'
import { type AccessFlags, located } from './repository-access.ts'
import { examples, type Runner } from './runner.ts'
import { renderTable } from './table.ts'

interface StatusFlags extends AccessFlags {
  readonly collection?: string
}

export function addStatus(repository: Command, run: Runner): void {
  repository
    .command('status')
    .description('where each snapshot lies, since when, and when and how it was last verified')
    .argument('<url...>', 'repositories')
    .option('--collection <name>', 'only snapshots of this collection (default: of all)')
    .addHelpText(
      'after',
      examples(
        'repository status /mnt/backups/vectra s3://my-dr-bucket-us-west-2/vectra',
        'repository status /mnt/backups/vectra /mnt/second --collection products --json',
      ),
    )
    .action(run(status))
}

async function status(context: Context, urls: readonly string[], flags: StatusFlags) {
  const { copyStatus } = await import('../copies/status.ts')
  const { disk, signal, stdout } = context.io
  const repositories = await Promise.all(urls.map((url) => located(context, url, flags)))
  const { collection } = flags
  const result = await copyStatus({
    repositories,
    ...(collection !== undefined && { collection }),
    disk,
    signal,
  })
  for (const snapshot of result.snapshots) await context.emit(snapshot)
  await context.print(show(result, stdout.isTerminal ? stdout.columns : 0))
  for (const { place, error } of result.unreadable) await context.warn(`${place}: ${error.message}`)
  const failed = result.repositories.flatMap(({ error }) => error ?? [])
  const [first] = failed
  if (first !== undefined) {
    const { code, message, hint, place } = first
    throw new OperatingError(code, message, hint, { ...(place && { place }), details: failed })
  }
  return { ...result, snapshots: result.snapshots.length }
}

function show({ snapshots }: CopyStatus, columns: number): string {
  const rows = snapshots.flatMap((each) => {
    const named = [each.collection, each.snapshotId]
    return [
      ...each.places.map((place) => [
        ...named,
        place.repository,
        place.since,
        place.copiedFrom === null ? 'backup' : `copy of ${place.copiedFrom}`,
        verifiedText(place),
      ]),
      ...each.missingAt.map((url) => [...named, url, 'not there', '', '']),
    ]
  })
  const titles = ['collection', 'snapshot', 'repository', 'since', 'by', 'last verified']
  return renderTable(
    titles.map((title) => ({ title })),
    rows,
    columns,
  )
}

function verifiedText({ verified }: SnapshotPlace): string {
  if (verified === null) return 'never'
  const { depth, ok, readShare, verifiedAt } = verified
  const part = ok && readShare < 1 ? `, ${Math.floor(100 * readShare)} % read` : ''
  return `${verifiedAt} ${ok ? 'ok' : 'DAMAGED'} (${depth}${part})`
}
