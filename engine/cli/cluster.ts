/** `cluster replicate|status|fence|promote|rejoin|remove`: who writes, who follows, and who takes over. */
import type { Command } from 'commander'
import { Option } from 'commander'
import { fail } from '../base/errors.ts'
import { toWords } from '../replica/adopt-settings.ts'
import type { CopyStatus } from '../replica/copy-status.ts'
import type { LossWindow, Promotion } from '../replica/promote.ts'
import type { Rejoined } from '../replica/rejoin.ts'
import type { VectraClient } from '../server/client.ts'
import type { NodeDescription } from '../server/served-node.ts'
import { askAround } from './ask-around.ts'
import { addRemove } from './cluster-remove.ts'
import { brokenAt, otherSettings, showClusterStatus } from './cluster-status.ts'
import type { Context } from './context.ts'
import { clientOf, describeNode, findNode, nodeClient, ownServer } from './node-names.ts'
import { listOption, requireOption } from './option.ts'
import { examples, type Runner } from './runner.ts'

interface NodeFlags {
  readonly node?: string
}

const nodeFlag = [
  '--node <node>',
  'which node does it: a name, NAME=URL or a URL (default: the server that is asked)',
] as const

/** Adds the group. */
export function addCluster(program: Command, run: Runner): void {
  const cluster = program
    .command('cluster')
    .description('copies of collections on other nodes: who writes, who follows, who takes over')
    .addHelpText(
      'after',
      `
One node writes; the others follow it. Nobody is elected: a person or a plan promotes. There is no
second writer: two that write at once would have to agree on every write, or lose some.
${examples('cluster status', 'cluster promote products --node node-2 --planned')}`,
    )
  cluster
    .command('replicate')
    .description('make a node known to a cluster, so that collections can be replicated to it')
    .addOption(requireOption(new Option('--add-replica <node>', 'the node: a name or NAME=URL')))
    .addOption(
      requireOption(
        new Option(
          '--source-cluster <cluster>',
          'whose collections it will follow: a name or NAME=URL',
        ),
      ),
    )
    .addHelpText(
      'after',
      `
Names have addresses in VECTRA_NODES (node-2=http://10.0.0.2:7700,…), in the JSON file that
VECTRA_CLUSTER_FILE names, or at the server that is asked. Then, for each collection:
vectra-cli collections replicate NAME --replica-node node-2.
${examples('cluster replicate --add-replica node-2=http://10.0.0.2:7700 --source-cluster primary-cluster=http://10.0.0.1:7700')}`,
    )
    .action(run(replicate))
  cluster
    .command('status')
    .description('how each copy stands: role, epoch, position, lag')
    .addHelpText(
      'after',
      examples('cluster status', 'cluster status --endpoint http://10.0.0.1:7700 --json'),
    )
    .action(run(status))
  cluster
    .command('fence')
    .description('let a node write nothing any more until one is promoted')
    .argument('[collections...]', 'default: all that the node is the primary of')
    .option(...nodeFlag)
    .addHelpText('after', examples('cluster fence products --node node-1'))
    .action(run(fence))
  cluster
    .command('promote')
    .description('make the copies on a node the primary ones; says before what would be lost')
    .argument('[collections...]', 'default: all that the node is a standby of')
    .option(...nodeFlag)
    .option(
      '--planned',
      'the primary has to hand over everything: nothing is lost, or nothing is done',
    )
    .addOption(
      listOption('--without <nodes>', 'standbys that are gone for good and need not agree').default(
        [],
      ),
    )
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      examples(
        'cluster promote products --node node-2',
        'cluster promote --node node-2 --planned --yes',
      ),
    )
    .action(run(promote))
  cluster
    .command('rejoin')
    .description(
      'make the copies on a node standbys of a primary; what only they have is written to a file first',
    )
    .argument('[collections...]', 'default: all replicated ones')
    .option(...nodeFlag)
    .addOption(requireOption(new Option('--primary <node>', 'the primary: a name or NAME=URL')))
    .addOption(
      new Option('--mode <mode>', 'whether writes wait for it')
        .choices(['async', 'sync'])
        .default('async'),
    )
    .addHelpText('after', examples('cluster rejoin products --node node-1 --primary node-2'))
    .action(run(rejoin))
  addRemove(cluster, run)
}

async function replicate(context: Context, flags: { addReplica: string; sourceCluster: string }) {
  const source = clientOf(context, (await findNode(context, flags.sourceCluster)).url)
  const added = await findNode(context, flags.addReplica)
  const replica = clientOf(context, added.url)
  const [primary, standby] = await Promise.all([describeNode(source), describeNode(replica)])
  if (standby.node.name !== added.name) {
    fail(
      'usage',
      `the node at ${added.url} calls itself ${standby.node.name}, not ${added.name}`,
      `Start it with: vectra-cli serve --name ${added.name}. Or add it as ${standby.node.name}.`,
    )
  }
  await source.ask('POST', '/vectra/v1/cluster/nodes', standby.node)
  await replica.ask('POST', '/vectra/v1/cluster/nodes', primary.node)
  await context.confirm(
    `${standby.node.name} (${standby.node.url}) is a node of ${primary.cluster ?? primary.node.name}; now: vectra-cli collections replicate NAME --replica-node ${standby.node.name}`,
  )
  return { node: standby.node, source: primary.node, cluster: primary.cluster }
}

async function status(context: Context) {
  const own = await describeNode(await ownServer(context))
  const asked = await askAround(context, own)
  const descriptions: NodeDescription[] = [own]
  const unreachable: string[] = []
  for (const { node, found } of asked) {
    if (typeof found === 'string') unreachable.push(node.name)
    else descriptions.push(found)
  }
  await showClusterStatus(context, descriptions)
  for (const { node, found } of asked) {
    if (typeof found === 'string') await context.warn(`${node.name} at ${node.url} does not answer`)
  }
  const broken = descriptions.flatMap(({ node, broken: some = [] }) =>
    some.map(({ name }) => ({ node: node.name, name })),
  )
  return { node: own.node, cluster: own.cluster, nodes: descriptions.length, unreachable, broken }
}

/** The collections that were named, or those of the node that `wanted` chooses. */
async function chosen(
  context: Context,
  client: VectraClient,
  names: readonly string[],
  wanted: (copy: CopyStatus) => boolean,
): Promise<{ names: readonly string[]; description: NodeDescription }> {
  const description = await describeNode(client)
  const found = description.copies.filter(wanted).map(({ name }) => name)
  if (names.length > 0) return { names, description }
  for (const { name, problem } of description.broken ?? []) {
    await context.warn(`left out: ${brokenAt(description.node.name, name, problem)}`)
  }
  if (found.length > 0) return { names: found, description }
  return fail(
    'name-not-found',
    `${description.node.name} has no copy that this could be done with`,
    'Look at: vectra-cli cluster status.',
  )
}

async function fence(context: Context, given: readonly string[], { node }: NodeFlags) {
  const client = await nodeClient(context, node)
  const { names, description } = await chosen(
    context,
    client,
    given,
    ({ role, fenced }) => role === 'primary' && !fenced,
  )
  for (const collection of names) {
    const copy = await client.ask<{ lsn: number }>('POST', '/vectra/v1/cluster/fence', {
      collection,
    })
    await context.emit({ event: 'fenced', collection, lsn: copy.lsn })
    await context.confirm(
      `${description.node.name} writes nothing to ${collection} any more; it ends at LSN ${copy.lsn}`,
    )
  }
  return { node: description.node, collections: names }
}

interface PromoteFlags extends NodeFlags {
  readonly planned?: true
  readonly without: readonly string[]
  readonly yes?: true
}

async function promote(context: Context, given: readonly string[], flags: PromoteFlags) {
  const { planned = false, without } = flags
  const client = await nodeClient(context, flags.node)
  const { names, description } = await chosen(
    context,
    client,
    given,
    ({ role, fenced }) => role === 'standby' || fenced,
  )
  const windows = new Map<string, LossWindow>()
  for (const collection of names) {
    const request = { collection, planned, without }
    const { window } = await client.ask<{ window: LossWindow }>(
      'POST',
      '/vectra/v1/cluster/promote',
      request,
    )
    windows.set(collection, window)
    await context.warn(`${collection}: ${sentenceOf(window)}`)
    const copy = description.copies.find(({ name }) => name === collection)
    const settings = copy && otherSettings(copy)
    if (settings !== undefined) {
      await context.warn(`${collection} at ${description.node.name} ${settings}`)
    }
  }
  if (flags.yes !== true) await askToPromote(context, description.node.name)
  for (const [collection, accept] of windows) {
    const request = { collection, planned, without, accept }
    const promotion = await client.ask<Promotion>('POST', '/vectra/v1/cluster/promote', request)
    await context.emit({ event: 'promoted', ...promotion })
    const { lostRecords, epoch, members, lsn, settingsLeft } = promotion
    const lost =
      lostRecords === null
        ? 'what the old primary had more is not known yet'
        : `${lostRecords} records lost`
    await context.confirm(
      `${description.node.name} is the primary of ${collection}: epoch ${epoch.number} from LSN ${lsn} on; ${lost}`,
    )
    if (settingsLeft) {
      await context.warn(
        `${collection} keeps its settings; those that the old primary had last are left: ${toWords(settingsLeft)}. vectra-cli collections reindex ${collection} gives it another index`,
      )
    }
    if (members.length === 0)
      await context.warn(
        `${collection} has no standby now: writes are acknowledged by ${description.node.name} alone`,
      )
  }
  return { node: description.node, collections: names }
}

/** What a promotion would lose, in a sentence. */
function sentenceOf({ records, knownRecords, asOfAt, seconds, unreachable }: LossWindow): string {
  const away = unreachable.length === 0 ? '' : `; not reached: ${unreachable.join(', ')}`
  if (records !== null)
    return `the primary answers and has ${records} records more; they are taken over first${away}`
  const since =
    asOfAt === null
      ? 'nothing is known of what was acknowledged elsewhere'
      : `nothing acknowledged before ${asOfAt} (${seconds?.toFixed(1)} s ago) is lost; what the primary acknowledged since is`
  return `${since}; at least ${knownRecords} records${away}`
}

/** @throws `declined`; `usage` where there is nobody to ask */
async function askToPromote(context: Context, node: string): Promise<void> {
  if (!context.io.isAttended) {
    fail(
      'usage',
      `nobody is at a terminal to say whether ${node} is promoted`,
      'Nothing was changed. Look at what would be lost, then add --yes.',
    )
  }
  if (!(await agreed(context, `Promote ${node}? [y/N] `))) {
    fail('declined', 'the promotion was declined', 'Nothing was changed.')
  }
}

async function agreed(context: Context, question: string): Promise<boolean> {
  await context.io.stderr.write(question)
  const { signal } = context.io
  const stopped = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  const text = await Promise.race([firstLine(context.io.stdin), stopped])
  return /^\s*y(es)?\s*$/i.test(text.split('\n')[0] ?? '')
}

async function firstLine(input: AsyncIterable<Uint8Array | string>): Promise<string> {
  let text = ''
  for await (const part of input) {
    text += Buffer.from(part).toString('utf8')
    if (text.includes('\n')) break
  }
  return text
}

async function rejoin(
  context: Context,
  given: readonly string[],
  flags: NodeFlags & { readonly primary: string; readonly mode: string },
) {
  const primary = await findNode(context, flags.primary)
  const client = await nodeClient(context, flags.node)
  const { names, description } = await chosen(context, client, given, () => true)
  for (const collection of names) {
    const request = { collection, primary, mode: flags.mode }
    const rejoined = await client
      .patient()
      .ask<Rejoined>('POST', '/vectra/v1/cluster/rejoin', request)
    await context.emit({ event: 'rejoined', ...rejoined })
    const { lost, how, epoch } = rejoined
    await context.confirm(
      `${description.node.name} follows ${primary.name} in ${collection}, epoch ${epoch.number}${how === 'seeded' ? ', from a new base' : ''}`,
    )
    if (lost !== null) {
      await context.warn(
        `${lost.records} records, LSN ${lost.firstLsn} to ${lost.lastLsn}, are not in the new history; they stand in ${lost.file} on ${description.node.name}: vectra-cli collections reconcile ${collection} FILE`,
      )
      if (lost.missing !== null)
        await context.warn(
          `LSN ${lost.missing.firstLsn} to ${lost.missing.lastLsn} of ${collection} were in no log here any more; whether the new history has them is not known`,
        )
    }
  }
  return { node: description.node, primary, collections: names }
}
