/** `aliases delete ALIAS` */
import type { Command } from 'commander'
import type { Context } from './context.ts'
import { withDirectory } from './open-directory.ts'
import { examples, type Runner } from './runner.ts'

export function addAliasesDelete(aliases: Command, run: Runner): void {
  aliases
    .command('delete')
    .description('remove an alias; the collection that it means stays')
    .argument('<alias>', 'the alias')
    .addHelpText('after', examples('aliases delete catalogue'))
    .action(run(remove))
}

const remove = (context: Context, alias: string) =>
  withDirectory(context, 'use', async (directory) => {
    const collection = await directory.aliases.delete(alias)
    await context.confirm(`deleted the alias ${alias} of ${collection}`)
    return { alias, collection }
  })
