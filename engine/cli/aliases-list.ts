/** `aliases list` */
import type { Command } from 'commander'
import type { Context } from './context.ts'
import { withDirectory } from './open-directory.ts'
import { examples, type Runner } from './runner.ts'
import { renderTable } from './table.ts'

export function addAliasesList(aliases: Command, run: Runner): void {
  aliases
    .command('list')
    .description('aliases of the data directory, and what they mean')
    .addHelpText('after', examples('aliases list', 'aliases list --json'))
    .action(run(list))
}

const list = (context: Context) =>
  withDirectory(context, 'look', async (directory) => {
    const aliases = directory.aliases.list()
    for (const each of aliases) await context.emit(each)
    const { isTerminal, columns } = context.io.stdout
    const table = renderTable(
      [{ title: 'alias' }, { title: 'collection' }],
      aliases.map(({ alias, collection }) => [alias, collection]),
      isTerminal ? columns : 0,
    )
    if (aliases.length > 0) await context.print(table)
    else await context.remark(`no aliases in ${directory.path}`)
    return { aliases: aliases.length }
  })
