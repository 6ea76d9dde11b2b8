/** `collections list` */
import type { Command } from 'commander'
import { isOperatingError } from '../base/errors.ts'
import type { CollectionConfig } from '../format/config.ts'
import type { Context } from './context.ts'
import { type OpenDirectory, withDirectory } from './open-directory.ts'
import { examples, type Runner } from './runner.ts'
import { renderTable } from './table.ts'

interface Entry {
  readonly name: string
  readonly aliases: readonly string[]
  readonly count: number
  readonly config: CollectionConfig
}

export function addList(collections: Command, run: Runner): void {
  collections
    .command('list')
    .description('collections of the data directory, with their size and settings')
    .addHelpText('after', examples('collections list', 'collections list --json'))
    .action(run(list))
}

/** A collection that cannot be opened does not hide the others; its error is told at the end. */
const list = (context: Context) =>
  withDirectory(context, 'look', async (directory) => {
    const entries: Entry[] = []
    let failure: unknown
    for (const name of directory.names()) {
      try {
        entries.push(await entryOf(directory, name))
      } catch (error) {
        if (!isOperatingError(error)) throw error
        await context.warn(`collection ${name}: ${error.message}`)
        failure ??= error
      }
    }
    for (const { config, ...entry } of entries) await context.emit({ ...entry, ...config })
    if (entries.length > 0) await context.print(show(entries, context.io.stdout))
    else if (failure === undefined) await context.remark(`no collections in ${directory.path}`)
    if (failure !== undefined) throw failure
    return { collections: entries.length }
  })

async function entryOf(directory: OpenDirectory, name: string): Promise<Entry> {
  const { count, config } = await directory.open(name)
  return { name, aliases: directory.aliases.of(name), count, config }
}

function show(
  entries: readonly Entry[],
  terminal: { isTerminal: boolean; columns: number },
): string {
  // a column of its own only where there are some
  const named = entries.some(({ aliases }) => aliases.length > 0)
  return renderTable(
    [
      { title: 'name' },
      { title: 'points', align: 'right' },
      { title: 'dimension', align: 'right' },
      { title: 'metric' },
      { title: 'index' },
      ...(named ? [{ title: 'aliases' }] : []),
    ],
    entries.map(({ name, aliases, count, config }) => [
      name,
      String(count),
      String(config.dimension),
      config.metric,
      config.index.kind,
      ...(named ? [aliases.join(', ')] : []),
    ]),
    terminal.isTerminal ? terminal.columns : 0,
  )
}
