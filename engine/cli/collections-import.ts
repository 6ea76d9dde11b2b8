/** `collections import NAME FILE|-` */
import { type Command, Option } from 'commander'
import { limits } from '../base/limits.ts'
import { checkName } from '../base/name.ts'
import type { ByteSource } from '../transfer/byte-source.ts'
import type { ImportResult } from '../transfer/import-points.ts'
import { formatOf, type InputFormat, inputFormats } from '../transfer/input-format.ts'
import type { Context } from './context.ts'
import { withDirectory } from './open-directory.ts'
import { addConfigOptions, type ConfigOptions, integer, toConfigInput } from './option.ts'
import { showBytes, showCount, showDuration } from './quantity.ts'
import { examples, type Runner } from './runner.ts'
import { showConfig } from './show-config.ts'

interface ImportOptions extends ConfigOptions {
  readonly format?: InputFormat
  readonly metadata?: string
  readonly batch?: number
}

/** Adds `import` to the group. */
export function addImport(collections: Command, run: Runner): void {
  const command = collections
    .command('import')
    .description('load points from a file; makes the collection when it does not exist')
    .argument('<name>', 'collection')
    .argument('<file>', '.jsonl, .f32, .fvecs or .npy; - for standard input')
    .addOption(
      new Option(
        '--format <format>',
        'format of the file (default: by its extension; jsonl for -)',
      ).choices(inputFormats),
    )
    .option(
      '--metadata <file>',
      'JSONL with an "id" and metadata for each row of f32, fvecs or npy',
    )
    .option('--dimension <n>', 'values of a vector; f32 needs it', integer(1, limits.dimension))
    .option(
      '--batch <n>',
      'points written and made durable at once (default: 1000)',
      integer(1, limits.batchPoints),
    )
  addConfigOptions(command)
    .addHelpText(
      'after',
      examples(
        'collections import products products.jsonl',
        'collections import words words-10k.f32 --dimension 100 --metadata words-10k.jsonl',
        'collections import sift sift_base.fvecs --metric l2',
        'zcat products.jsonl.gz | vectra-cli collections import products -',
      ),
    )
    .action(run(importFile))
}

async function importFile(context: Context, name: string, file: string, options: ImportOptions) {
  checkName('collection name', name)
  const { openImport } = await import('../transfer/import-collection.ts')
  const { format = file === '-' ? 'jsonl' : formatOf(file), metadata, dimension, batch } = options
  const source = await openSource(context, file)
  const request = {
    name,
    source,
    format,
    metadata: metadata === undefined ? undefined : await openSource(context, metadata),
    dimension,
    batch,
    config: toConfigInput(options),
    ...worldOf(context),
  }
  // raw float32 without a dimension can only go into a collection that has one
  const access = format === 'f32' && dimension === undefined ? 'use' : 'create'
  const opened = await openImport(request)
  try {
    return await withDirectory(context, access, async (directory) => {
      const { collection, ...result } = await opened.into(directory)
      if (result.created) {
        await context.remark(`created collection ${name}: ${showConfig(collection.config)}`)
      }
      return tellImport(context, name, result)
    })
  } finally {
    await opened.close()
  }
}

/** What a long transfer needs of the world. */
export const worldOf = ({ io, progress }: Context) => ({
  clock: io.clock,
  signal: io.signal,
  progress,
})

/** A file, or standard input for `-`. */
async function openSource(context: Context, file: string): Promise<ByteSource> {
  const { fileSource, streamSource } = await import('../transfer/byte-source.ts')
  return file === '-'
    ? streamSource('standard input', context.io.stdin)
    : fileSource(context.io.disk, file)
}

/** Says what was imported; returns it for programs. */
export async function tellImport<Result extends ImportResult & { readonly checkpointMs?: number }>(
  context: Context,
  name: string,
  result: Result,
) {
  const { points, bytes, durationMs, checkpointMs, remarks } = result
  for (const remark of remarks) await context.remark(remark)
  const what = `imported ${showCount(points, 'point')} (${showBytes(bytes)}) into ${name}`
  const took = `in ${showDuration(durationMs)}`
  const flushed = checkpointMs === undefined ? '' : `, flushed in ${showDuration(checkpointMs)}`
  await context.confirm(`${what} ${took}${flushed}`)
  return { name, ...result }
}
