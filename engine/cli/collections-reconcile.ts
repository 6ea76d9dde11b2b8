/** `collections reconcile NAME FILE`: what a failover lost, and whether it can be had back. */
import type { Command } from 'commander'
import { isOperatingError } from '../base/errors.ts'
import type { Context } from './context.ts'
import { withCollection } from './open-directory.ts'
import { showId } from './option.ts'
import { showCount } from './quantity.ts'
import { examples, type Runner } from './runner.ts'

interface ReconcileFlags {
  readonly replay?: true
  readonly overwrite?: true
}

const shown = 10

export function addReconcile(collections: Command, run: Runner): void {
  collections
    .command('reconcile')
    .description(
      'compare the records that "cluster rejoin" exported with the collection as it is; write back what is absent',
    )
    .argument('<name>', 'collection, at its primary')
    .argument('<file>', 'the file that "cluster rejoin" wrote')
    .option('--replay', 'write the points that are not there')
    .option('--overwrite', 'with --replay: also what was written or deleted and is otherwise now')
    .addHelpText(
      'after',
      examples(
        'collections reconcile products lost/products-000001-6d1f….jsonl',
        'collections reconcile products lost/products-000001-6d1f….jsonl --replay',
      ),
    )
    .action(run(reconcileFile))
}

const reconcileFile = (context: Context, name: string, file: string, flags: ReconcileFlags) =>
  withCollection(context, 'use', name, async (collection) => {
    const { reconcile } = await import('../replica/reconcile.ts')
    const { lostFileBytes, markFileReplayed } = await import('../replica/lost-files.ts')
    const bytes = await context.io.disk.readFile(file, lostFileBytes)
    const options = { replay: flags.replay === true, overwrite: flags.overwrite === true }
    const result = await reconcile(collection, bytes, file, options)
    const { records, firstLsn, lastLsn, same, absent, different, undeleted } = result
    await context.confirm(
      `${showCount(records, 'record')} of ${name}, LSN ${firstLsn} to ${lastLsn}, on ${showCount(result.ids, 'id')}: ${same} as they were, ${absent.length} absent, ${different.length} different, ${undeleted.length} deleted then and there now`,
    )
    for (const [what, ids] of Object.entries({ absent, different, 'there again': undeleted })) {
      if (ids.length === 0) continue
      const more = ids.length > shown ? ` and ${ids.length - shown} more (--json has all)` : ''
      await context.remark(`${what}: ${ids.slice(0, shown).map(showId).join(', ')}${more}`)
    }
    if (result.missing !== null) {
      await context.warn(
        `LSN ${result.missing.firstLsn} to ${result.missing.lastLsn} had left the log before the export: what they held is not known`,
      )
    }
    if (options.replay) {
      await context.confirm(`${result.written} written, ${result.deleted} deleted`)
      try {
        await markFileReplayed(context.io.disk, file) // a step of a plan does not do it again
      } catch (error) {
        if (!isOperatingError(error)) throw error
        await context.remark(
          `it is not noted beside the file that it was replayed: ${error.message}`,
        )
      }
    }
    return result
  })
