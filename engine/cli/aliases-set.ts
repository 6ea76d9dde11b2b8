/** `aliases set ALIAS COLLECTION`: makes an alias, or switches it, in one step. */
import type { Command } from 'commander'
import { checkName } from '../base/name.ts'
import type { Context } from './context.ts'
import { withDirectory } from './open-directory.ts'
import { examples, type Runner } from './runner.ts'

export function addAliasesSet(aliases: Command, run: Runner): void {
  aliases
    .command('set')
    .description('let an alias mean a collection, from one moment to the next')
    .argument('<alias>', 'the further name')
    .argument('<collection>', 'what it means from now on')
    .addHelpText('after', examples('aliases set catalogue products_v2'))
    .action(run(set))
}

function set(context: Context, alias: string, collection: string) {
  checkName('alias', alias)
  checkName('collection name', collection)
  return withDirectory(context, 'use', async (directory) => {
    const before = (await directory.aliases.set(alias, collection)) ?? null
    const instead = before === null || before === collection ? '' : `, no longer ${before}`
    await context.confirm(`${alias} means ${collection}${instead}`)
    return { alias, collection, before }
  })
}
