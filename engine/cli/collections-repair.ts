/**
 * `collections repair NAME`: `--to-lsn N` gives up the log after an LSN; `--segments` fetches damaged data files
 * from other copies, by their hashes.
 */
import { type Command, Option } from 'commander'
import { fail } from '../base/errors.ts'
import { checkName } from '../base/name.ts'
import type { MendResult } from '../collection/mend.ts'
import type { Context } from './context.ts'
import { withDirectory, withOwnDirectory } from './open-directory.ts'
import { integer, listOption } from './option.ts'
import { showBytes, showCount } from './quantity.ts'
import { type AccessFlags, located, wireLocated } from './repository-access.ts'
import { examples, type Runner } from './runner.ts'
import { servedBy } from './served-by.ts'

export function addRepair(collections: Command, run: Runner): void {
  collections
    .command('repair')
    .description(
      'mend a damaged collection: fetch its segment files from other copies, or cut its log, which loses what is cut',
    )
    .argument('<name>', 'collection')
    .addOption(
      new Option(
        '--to-lsn <n>',
        'cut the log after this record; the error of opening the collection names the first bad one',
      ).argParser(integer(0, Number.MAX_SAFE_INTEGER)),
    )
    .option(
      '--segments',
      'fetch what is damaged or missing, by its hash, from the nodes that have a copy and from --source',
    )
    .addOption(listOption('--source <url>', 'with --segments: a repository; may be given again'))
    .addHelpText(
      'after',
      examples(
        'collections repair products --segments --source s3://backups/products',
        'collections repair products --to-lsn 41',
      ),
    )
    .action(run(repair))
}

interface RepairFlags extends AccessFlags {
  readonly toLsn?: number
  readonly segments?: true
  readonly source?: readonly string[]
}

function repair(context: Context, name: string, flags: RepairFlags) {
  checkName('collection name', name)
  const { toLsn, segments } = flags
  if ((toLsn === undefined) === (segments === undefined)) {
    fail('usage', 'repair what?', 'Give --segments, or --to-lsn with the last record to keep.')
  }
  return toLsn === undefined ? mendSegments(context, name, flags) : cut(context, name, toLsn)
}

async function mendSegments(context: Context, name: string, flags: RepairFlags) {
  const { source = [] } = flags
  const client = await servedBy(context)
  let result: MendResult
  if (client === undefined) {
    const { repositoryPieces } = await import('../backup/repository-pieces.ts')
    const locations = await Promise.all(source.map((each) => located(context, each, flags)))
    result = await withOwnDirectory(context, 'use', async (directory) => {
      const sources = await repositoryPieces(locations, context.io.disk)
      return directory.mend(name, () => sources)
    })
  } else {
    const { runJob } = await import('../server/remote-jobs.ts')
    const sources = await Promise.all(
      source.map((each) => wireLocated(context, client, each, flags)),
    )
    const path = `/vectra/v1/collections/${encodeURIComponent(name)}/mend`
    result = await runJob<MendResult>(client, path, { sources })
  }
  const { files, count, digest } = result
  for (const { path, pieces, from } of files) {
    await context.confirm(`${path}: ${showCount(pieces, 'piece')} fetched from ${from.join(', ')}`)
  }
  await context.confirm(
    `${files.length === 0 ? `no data file of ${name} is damaged` : `${name} is whole again`}: ${showCount(count, 'point')}, digest ${digest} computed from every stored byte`,
  )
  return { name, ...result }
}

function cut(context: Context, name: string, toLsn: number) {
  return withDirectory(context, 'use', async (directory) => {
    const result = await directory.repair(name, toLsn)
    const { lost, keptAside, lsn, count, digest } = result
    await context.confirm(
      lost === null
        ? `nothing was lost: the log of ${name} ends at LSN ${lsn}`
        : `lost: LSN ${lost.firstLsn} to at least ${lost.lastLsn} (${showBytes(lost.bytes)}, ${showCount(lost.readableRecords, 'record')} of them readable)`,
    )
    for (const file of keptAside) await context.confirm(`kept what was cut in ${file}`)
    await context.confirm(
      `${name} is at LSN ${lsn}: ${showCount(count, 'point')}, digest ${digest}`,
    )
    if (lost !== null) {
      await context.remark(
        'Take a full backup now; archives and snapshots made before may hold records beyond this LSN.',
      )
    }
    return { name, ...result }
  })
}
