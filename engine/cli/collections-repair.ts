/** `collections repair NAME --to-lsn N`: gives up the log after an LSN. */
import { type Command, Option } from 'commander'
import { checkName } from '../base/name.ts'
import type { Context } from './context.ts'
import { withDirectory } from './open-directory.ts'
import { integer, requireOption } from './option.ts'
import { showBytes, showCount } from './quantity.ts'
import { examples, type Runner } from './runner.ts'

export function addRepair(collections: Command, run: Runner): void {
  collections
    .command('repair')
    .description(
      'cut the log of a collection that does not open because its log is damaged; what is cut is lost',
    )
    .argument('<name>', 'collection')
    .addOption(
      requireOption(
        new Option(
          '--to-lsn <n>',
          'the last record to keep; the error of opening the collection names the first bad one',
        ).argParser(integer(0, Number.MAX_SAFE_INTEGER)),
      ),
    )
    .addHelpText(
      'after',
      examples('collections repair products --to-lsn 41', 'collections backup products --help'),
    )
    .action(run(repair))
}

function repair(context: Context, name: string, { toLsn }: { toLsn: number }) {
  checkName('collection name', name)
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
