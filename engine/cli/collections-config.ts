/** `collections config export NAME [FILE]` and `collections config import NAME FILE` */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { writeNewFile } from '../base/disk.ts'
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { CollectionConfig } from '../format/config.ts'
import { parseConfigText, toConfigText } from '../format/config-text.ts'
import type { Context } from './context.ts'
import { withCollection } from './open-directory.ts'
import { examples, type Runner } from './runner.ts'
import { showConfig } from './show-config.ts'

/** The group `config` with its two commands. */
export function addConfig(collections: Command, run: Runner): void {
  const config = collections
    .command('config')
    .description('the settings of a collection apart from its data: the seed of a rebuild')
    .addHelpText('after', examples('collections config export products products.config.json'))
  config
    .command('export')
    .description('write dimension, metric, index and durability as JSON')
    .argument('<name>', 'collection')
    .argument('[file]', 'a file that does not exist yet, or - for standard output', '-')
    .addHelpText(
      'after',
      examples(
        'collections config export products',
        'collections config export products products.config.json',
      ),
    )
    .action(run(exportConfig))
  config
    .command('import')
    .description(
      'give a collection the index and durability of a file; reindexes where they differ',
    )
    .argument('<name>', 'collection')
    .argument('<file>', 'what config export wrote')
    .addHelpText('after', examples('collections config import products products.config.json'))
    .action(run(importConfig))
}

const exportConfig = (context: Context, name: string, file: string) =>
  withCollection(context, 'look', name, async ({ config }) => {
    const text = toConfigText(config)
    if (file === '-') {
      await context.print(text)
    } else {
      const { disk } = context.io
      const path = resolve(file)
      if ((await disk.stat(path)) !== undefined) {
        fail('file-exists', `${path} exists already`, 'Give the name of a file that does not.')
      }
      await writeNewFile(disk, path, Buffer.from(text))
      await context.confirm(`wrote the config of ${name} to ${file}`)
    }
    return { name, file, ...config }
  })

async function importConfig(context: Context, name: string, file: string) {
  const wanted = await readConfigText(context, file)
  return withCollection(context, 'use', name, async (collection) => {
    const { signal } = context.io
    const result = await collection.configure(() => wanted, { signal })
    const verb = result.changed ? 'now has' : 'already had'
    await context.confirm(`collection ${name} ${verb} ${showConfig(wanted)}`)
    return { name, ...wanted, ...result }
  })
}

/** @throws `file-not-found`, `invalid-config` */
export async function readConfigText(context: Context, file: string): Promise<CollectionConfig> {
  const { disk } = context.io
  const path = resolve(file)
  if ((await disk.stat(path)) === undefined) {
    fail('file-not-found', `there is no file ${path}`, 'Check the path.', { place: { file: path } })
  }
  return parseConfigText((await disk.readFile(path, limits.configTextBytes)).toString(), file)
}
