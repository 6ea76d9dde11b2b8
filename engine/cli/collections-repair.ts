/**
 * `collections repair NAME`: `--to-lsn N` gives up the log after an LSN; `--segments` fetches damaged data files
 * from other copies, by their hashes.
 */
import { type Command, Option } from 'commander'
import { fail } from '../base/errors.ts'
import { checkName } from '../base/name.ts'
import type { MendResult } from '../collection/mend.ts'
import type { CutResult, OtherCopy } from '../replica/cut-log.ts'
import type { Context } from './context.ts'
import { withOwnDirectory } from './open-directory.ts'
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
      '--despite-copies',
      'with --to-lsn: cut also when another node is known to have what is cut, and may be the better copy',
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
  readonly despiteCopies?: true
  readonly segments?: true
  readonly source?: readonly string[]
}

function repair(context: Context, name: string, flags: RepairFlags) {
  checkName('collection name', name)
  const { toLsn, segments } = flags
  if ((toLsn === undefined) === (segments === undefined)) {
    fail('usage', 'repair what?', 'Give --segments, or --to-lsn with the last record to keep.')
  }
  if (flags.despiteCopies === true && toLsn === undefined) {
    fail('usage', '--despite-copies is given without --to-lsn', 'With --segments nothing is cut.')
  }
  return toLsn === undefined ? mendSegments(context, name, flags) : cut(context, name, toLsn, flags)
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

async function cut(context: Context, name: string, toLsn: number, flags: RepairFlags) {
  const despiteCopies = flags.despiteCopies === true
  const client = await servedBy(context)
  let result: CutResult
  if (client === undefined) {
    const { cutReplicatedLog } = await import('../replica/cut-log.ts')
    const { NodeTransport } = await import('../server/node-transport.ts')
    const transport = new NodeTransport({ token: context.token })
    result = await withOwnDirectory(context, 'use', (directory) =>
      cutReplicatedLog(directory, name, toLsn, { transport, despiteCopies }),
    )
  } else {
    const { runJob } = await import('../server/remote-jobs.ts')
    const path = `/vectra/v1/collections/${encodeURIComponent(name)}/repair`
    result = await runJob<CutResult>(client, path, { toLsn, despiteCopies })
  }
  const { lost, keptAside, lsn, count, digest, copies } = result
  await context.confirm(
    lost === null
      ? `nothing was lost: the log of ${name} ends at LSN ${lsn}`
      : `lost: LSN ${lost.firstLsn} to at least ${lost.lastLsn} (${showBytes(lost.bytes)}, ${showCount(lost.readableRecords, 'record')} of them readable)`,
  )
  for (const file of keptAside) await context.confirm(`kept what was cut in ${file}`)
  await context.confirm(`${name} is at LSN ${lsn}: ${showCount(count, 'point')}, digest ${digest}`)
  if (lost !== null) {
    await context.remark(
      'Take a full backup now; archives and snapshots made before may hold records beyond this LSN.',
    )
    for (const copy of copies) await tellCopy(context, name, lsn, copy)
  }
  return { name, ...result }
}

/** What a cut means to another copy. */
async function tellCopy(context: Context, name: string, end: number, copy: OtherCopy) {
  const { name: node, lsn, problem } = copy
  if (problem !== null) {
    await context.warn(`${node} may have what was cut of ${name}: ${problem}`)
  } else if (lsn !== null && lsn > end) {
    await context.warn(
      `${node} has ${name} up to LSN ${lsn}, beyond the cut, and follows no more: keep what it has, or let it join again: vectra-cli cluster rejoin ${name} --node ${node} --primary THIS-NODE`,
    )
  }
}
