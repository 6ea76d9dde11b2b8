/** `collections create NAME --dimension N …` */
import { type Command, Option } from 'commander'
import { limits } from '../base/limits.ts'
import { checkName } from '../base/name.ts'
import { makeConfig } from '../format/config.ts'
import type { Context } from './context.ts'
import { withDirectory } from './open-directory.ts'
import {
  addConfigOptions,
  type ConfigOptions,
  integer,
  requireOption,
  toConfigInput,
} from './option.ts'
import { examples, type Runner } from './runner.ts'
import { showConfig } from './show-config.ts'

export function addCreate(collections: Command, run: Runner): void {
  const command = collections
    .command('create')
    .description('make an empty collection')
    .argument('<name>', 'collection')
    .addOption(
      requireOption(
        new Option('--dimension <n>', 'values of a vector').argParser(integer(1, limits.dimension)),
      ),
    )
  addConfigOptions(command)
    .addHelpText(
      'after',
      examples(
        'collections create products --dimension 384',
        'collections create faces --dimension 128 --metric l2 --index hnsw --m 32',
        'collections create small --dimension 16 --index flat',
        'collections create events --dimension 16 --durability interval --sync-interval 200',
      ),
    )
    .action(run(create))
}

function create(context: Context, name: string, options: ConfigOptions & { dimension: number }) {
  checkName('collection name', name)
  const config = makeConfig({ dimension: options.dimension, ...toConfigInput(options) })
  return withDirectory(context, 'create', async (directory) => {
    const { uuid } = await directory.create(name, config)
    await context.confirm(`created collection ${name}: ${showConfig(config)}`)
    return { name, uuid, ...config }
  })
}
