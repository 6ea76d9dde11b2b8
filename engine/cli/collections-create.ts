/** `collections create NAME --dimension N …` */
import type { Command } from 'commander'
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { checkName } from '../base/name.ts'
import { type CollectionConfig, makeConfig } from '../format/config.ts'
import { readConfigText } from './collections-config.ts'
import type { Context } from './context.ts'
import { withDirectory } from './open-directory.ts'
import { addConfigOptions, type ConfigOptions, integer, toConfigInput } from './option.ts'
import { examples, type Runner } from './runner.ts'
import { showConfig } from './show-config.ts'

export function addCreate(collections: Command, run: Runner): void {
  const command = collections
    .command('create')
    .description('make an empty collection')
    .argument('<name>', 'collection')
    .option('--dimension <n>', 'values of a vector', integer(1, limits.dimension))
    .option('--config <file>', 'all settings from what "collections config export" wrote')
  addConfigOptions(command)
    .addHelpText(
      'after',
      examples(
        'collections create products --dimension 384',
        'collections create faces --dimension 128 --metric l2 --index hnsw --m 32',
        'collections create small --dimension 16 --index flat',
        'collections create large --dimension 96 --index ivf --lists 512 --nprobe 48',
        'collections create again --config products.config.json',
        'collections create events --dimension 16 --durability interval --sync-interval 200',
      ),
    )
    .action(run(create))
}

interface CreateOptions extends ConfigOptions {
  readonly config?: string
}

async function create(context: Context, name: string, options: CreateOptions) {
  checkName('collection name', name)
  const config = await toConfig(context, options)
  return withDirectory(context, 'create', async (directory) => {
    const { uuid } = await directory.create(name, config)
    await context.confirm(`created collection ${name}: ${showConfig(config)}`)
    return { name, uuid, ...config }
  })
}

async function toConfig(context: Context, options: CreateOptions): Promise<CollectionConfig> {
  const { config: file, dimension } = options
  const given = { dimension, ...toConfigInput(options) }
  if (file === undefined) {
    if (dimension !== undefined) return makeConfig({ ...given, dimension })
    return fail(
      'usage',
      "required option '--dimension <n>' not specified",
      'Give it, or a --config. See vectra-cli collections create --help.',
    )
  }
  if (Object.values(given).some((value) => value !== undefined)) {
    fail('usage', '--config stands beside other settings', 'Write them into the file, or leave it.')
  }
  return readConfigText(context, file)
}
