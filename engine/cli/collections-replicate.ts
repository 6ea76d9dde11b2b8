/** `collections replicate NAME --replica-node NODE`: a node follows a collection. */
import { type Command, Option } from 'commander'
import { checkName } from '../base/name.ts'
import type { Context } from './context.ts'
import { findNode, ownServer } from './node-names.ts'
import { requireOption } from './option.ts'
import { examples, type Runner } from './runner.ts'

interface ReplicateFlags {
  readonly replicaNode: string
  readonly mode: 'async' | 'sync'
  readonly whenAlone?: 'block' | 'async'
  readonly stop?: true
}

export function addReplicate(collections: Command, run: Runner): void {
  collections
    .command('replicate')
    .description('let a node follow a collection: it takes a base, then the log')
    .argument('<name>', 'collection, at its primary')
    .addOption(
      requireOption(
        new Option(
          '--replica-node <node>',
          'a node that "cluster replicate" made known, or NAME=URL, or its URL',
        ),
      ),
    )
    .addOption(
      new Option(
        '--mode <mode>',
        'async: writes are acknowledged at once; sync: when every synchronous standby has them on its disk',
      )
        .choices(['async', 'sync'])
        .default('async'),
    )
    .addOption(
      new Option(
        '--when-alone <choice>',
        'while a synchronous standby is away, writes wait (block) or go on without it, which status says (async)',
      ).choices(['block', 'async']),
    )
    .option('--stop', 'keep no more log for that node and wait for it no more')
    .addHelpText(
      'after',
      examples(
        'collections replicate products --replica-node node-2 --mode async',
        'collections replicate products --replica-node node-2 --mode sync --when-alone block',
      ),
    )
    .action(run(replicate))
}

async function replicate(context: Context, name: string, flags: ReplicateFlags) {
  checkName('collection name', name)
  const client = await ownServer(context)
  const { replicaNode, mode, whenAlone, stop } = flags
  const address = /(^|=)https?:/.test(replicaNode)
    ? await findNode(context, replicaNode)
    : undefined
  const node = address?.name ?? replicaNode
  const path = `/vectra/v1/collections/${encodeURIComponent(name)}/replicas/${encodeURIComponent(node)}`
  if (stop === true) {
    await client.ask('DELETE', path)
    await context.confirm(`${name} is not replicated to ${node} any more; its copy there stays`)
    return { collection: name, node, stopped: true }
  }
  if (address !== undefined) await client.ask('POST', '/vectra/v1/cluster/nodes', address)
  const result = await client.ask<object>('PUT', path, { mode, ...(whenAlone && { whenAlone }) })
  await context.confirm(`${node} follows ${name}, ${mode}`)
  return result
}
