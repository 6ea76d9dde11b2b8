/** `collections replicate NAME --replica-node NODE`: a node follows a collection. */
import { type Command, Option } from 'commander'
import { fail } from '../base/errors.ts'
import { checkName } from '../base/name.ts'
import type { Joined } from '../replica/seed-from-repository.ts'
import type { VectraClient } from '../server/client.ts'
import type { Context } from './context.ts'
import { findNode, ownServer } from './node-names.ts'
import { type AccessFlags, wireLocated } from './repository-access.ts'
import { examples, type Runner } from './runner.ts'

interface ReplicateFlags extends AccessFlags {
  readonly replicaNode?: string
  readonly mode: 'async' | 'sync'
  readonly whenAlone?: 'block' | 'async'
  readonly stop?: true
  readonly base?: string
  readonly snapshotId?: string
}

export function addReplicate(collections: Command, run: Runner): void {
  collections
    .command('replicate')
    .description('let a node follow a collection: it takes a base, then the log')
    .argument('<name>', 'collection, at its primary')
    .option(
      '--replica-node <node>',
      'a node that "cluster replicate" made known, or NAME=URL, or its URL',
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
        'while a synchronous standby is away, writes wait (block) or go on without it, which status says (async); without --replica-node only this is changed, which asks no standby',
      ).choices(['block', 'async']),
    )
    .addOption(
      new Option(
        '--base <url>',
        'begin with a snapshot of this repository, as the node reaches it, instead of a base of the primary',
      ),
    )
    .addOption(
      new Option(
        '--snapshot-id <id>',
        "with --base: this snapshot (default: the newest of the primary's history)",
      ),
    )
    .option('--stop', 'keep no more log for that node and wait for it no more')
    .addHelpText(
      'after',
      examples(
        'collections replicate products --replica-node node-2 --mode async',
        'collections replicate products --replica-node node-2 --mode sync --when-alone block',
        'collections replicate products --replica-node node-2 --base s3://backups/products',
        'collections replicate products --when-alone async',
      ),
    )
    .action(run(replicate))
}

async function replicate(context: Context, name: string, flags: ReplicateFlags) {
  checkName('collection name', name)
  const client = await ownServer(context)
  const { replicaNode, mode, whenAlone, stop, base, snapshotId } = flags
  if (snapshotId !== undefined && base === undefined) {
    fail('usage', '--snapshot-id is given without --base', 'Name the repository that it is in.')
  }
  if (replicaNode === undefined) return changeChoice(context, client, name, flags)
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
  const source = base === undefined ? undefined : await wireLocated(context, client, base, flags)
  const result = await client.patient().ask<{ readonly joined: Joined }>('PUT', path, {
    mode,
    ...(whenAlone && { whenAlone }),
    ...(source && { base: { source, ...(snapshotId !== undefined && { snapshotId }) } }),
  })
  const { from, instead, how } = result.joined
  if (instead !== undefined) {
    await context.warn(`the base was taken from the primary, not from a snapshot: ${instead}`)
  }
  if (base !== undefined && how === 'kept')
    await context.warn(`${node} had a copy already and goes on with it`)
  for (const remark of from?.remarks ?? []) await context.warn(remark)
  const began = from
    ? `; it began with snapshot ${from.snapshotId} and goes on from LSN ${from.lsn}`
    : ''
  await context.confirm(`${node} follows ${name}, ${mode}${began}`)
  return result
}

/** Writes may be waiting for a standby that is gone: nothing is asked of it. */
async function changeChoice(
  context: Context,
  client: VectraClient,
  name: string,
  { whenAlone, ...others }: ReplicateFlags,
) {
  if (whenAlone === undefined || others.stop === true || others.base !== undefined) {
    fail(
      'usage',
      `no node is named that should follow ${name}`,
      'Give --replica-node, or --when-alone alone.',
    )
  }
  const path = `/vectra/v1/collections/${encodeURIComponent(name)}/replication`
  const changed = await client.ask('PUT', path, { whenAlone })
  await context.confirm(
    whenAlone === 'block'
      ? `synchronous writes to ${name} wait for a standby that is away`
      : `synchronous writes to ${name} go on without a standby that is away; what is acknowledged then is lost with this node`,
  )
  return changed as object
}
