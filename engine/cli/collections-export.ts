/** `collections export NAME [FILE|-]` */
import { type Command, Option } from 'commander'
import { fail } from '../base/errors.ts'
import type { ExportResult } from '../transfer/export-points.ts'
import type { Context } from './context.ts'
import type { Output } from './io.ts'
import { type OpenCollection, withCollection } from './open-directory.ts'
import { showBytes, showCount, showDuration } from './quantity.ts'
import { examples, type Runner } from './runner.ts'

export function addExport(collections: Command, run: Runner): void {
  collections
    .command('export')
    .description('write every point as a line of JSONL that import reads back exactly')
    .argument('<name>', 'collection')
    .argument('[file]', 'a file that does not exist yet, or - for standard output', '-')
    .addOption(new Option('--format <format>', 'how points are written').choices(['jsonl']))
    .addHelpText(
      'after',
      examples(
        'collections export products products.jsonl',
        'collections export products | gzip > products.jsonl.gz',
      ),
    )
    .action(run(exportTo))
}

const exportTo = (context: Context, name: string, file: string) =>
  withCollection(context, 'use', name, async (collection) => {
    const result = await (file === '-'
      ? toOutput(context, collection, context.io.stdout)
      : toFile(context, collection, file))
    const took = showDuration(result.durationMs)
    const sentence = `exported ${showCount(result.points, 'point')}, ${showBytes(result.bytes)} in ${took}`
    await (file === '-' ? context.remark(sentence) : context.confirm(`${sentence} to ${file}`))
    return { name, file, ...result }
  })

async function toFile(
  context: Context,
  collection: OpenCollection,
  file: string,
): Promise<ExportResult> {
  const { openFileSink } = await import('../transfer/byte-sink.ts')
  const { exportPoints } = await import('../transfer/export-points.ts')
  const { disk, clock, signal } = context.io
  const sink = await openFileSink(disk, file)
  try {
    const { progress } = context
    const result = await exportPoints(collection, sink, { clock, progress, signal })
    await sink.commit()
    return result
  } finally {
    await sink.discard()
  }
}

async function toOutput(
  context: Context,
  collection: OpenCollection,
  output: Output,
): Promise<ExportResult> {
  const { exportPoints } = await import('../transfer/export-points.ts')
  const { clock, signal } = context.io
  const sink = {
    async write(bytes: Uint8Array) {
      await output.write(bytes)
      if (output.closed) fail('output-closed', 'the reader of the export has gone', '')
    },
  }
  return exportPoints(collection, sink, { clock, signal })
}
