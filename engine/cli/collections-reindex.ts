/** `collections reindex NAME --index …` */
import type { Command } from 'commander'
import { indexInputOf, makeConfig } from '../format/config.ts'
import { showIndex } from '../format/show-index.ts'
import type { Context } from './context.ts'
import { withCollection } from './open-directory.ts'
import { addIndexOptions, type ConfigOptions, toConfigInput } from './option.ts'
import { showDuration } from './quantity.ts'
import { examples, type Runner } from './runner.ts'

export function addReindex(collections: Command, run: Runner): void {
  const command = collections
    .command('reindex')
    .description('change the kind or the parameters of the index in place; the points stay')
    .argument('<name>', 'collection')
  addIndexOptions(command, 'as it is')
    .addHelpText(
      'after',
      `\nOf the same kind, what is not given stays as it is; of another kind it has its default.\n${examples(
        'collections reindex products --index ivf --lists 512 --nprobe 32',
        'collections reindex products --index hnsw --m 32',
        'collections reindex products --ef 200',
      )}`,
    )
    .action(run(reindex))
}

const reindex = (context: Context, name: string, options: ConfigOptions) =>
  withCollection(context, 'use', name, async (collection) => {
    const { clock, signal } = context.io
    const begunAtMs = clock.monotonicMs()
    const { config } = collection
    const { index: kind = config.index.kind, ...given } = toConfigInput(options)
    const kept = kind === config.index.kind ? indexInputOf(config.index) : {}
    const { dimension } = config
    const { index } = makeConfig({ dimension, ...kept, ...defined(given), index: kind })
    const result = await collection.reindex(index, { signal })
    const durationMs = clock.monotonicMs() - begunAtMs
    const sentence = result.changed
      ? `collection ${name} is indexed as ${showIndex(index)}: ${result.built} built in ${showDuration(durationMs)}`
      : `collection ${name} was indexed as ${showIndex(index)} already`
    await context.confirm(sentence)
    return { name, index, ...result, durationMs }
  })

/** Only what was given: an option that was not said must not undo what is. */
const defined = <T extends object>(input: T): Partial<T> =>
  // the same keys, fewer of them
  Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as Partial<T>
