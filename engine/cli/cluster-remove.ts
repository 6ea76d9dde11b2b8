/** `cluster remove NODE`: a node that is gone for good is forgotten by all others. */
import type { Command } from 'commander'
import { fail } from '../base/errors.ts'
import type { RemovedNode } from '../replica/removing.ts'
import type { NodeDescription } from '../server/served-node.ts'
import { type Asked, askAround } from './ask-around.ts'
import type { Context } from './context.ts'
import { clientOf, describeNode, ownServer } from './node-names.ts'
import { examples, type Runner } from './runner.ts'

export function addRemove(cluster: Command, run: Runner): void {
  cluster
    .command('remove')
    .description('forget a node that is gone for good, at every node that answers')
    .argument('<node>', 'its name')
    .addHelpText(
      'after',
      `
Refused while it is the primary of a collection or a synchronous standby. An asynchronous standby is
ended with it; what it has on its disk stays there. Removing a node again does no harm: do it when a
node that did not answer is back.
${examples('cluster remove node-3', 'cluster remove node-3 --endpoint http://10.0.0.1:7700')}`,
    )
    .action(run(remove))
}

type Answer = RemovedNode & { readonly wasKnown: boolean }

async function remove(context: Context, node: string) {
  const client = await ownServer(context)
  const own = await describeNode(client)
  const asked = await askAround(context, own)
  const self = asked.find((each) => each.node.name === node)?.found
  const others = asked.filter((each) => each.node.name !== node)
  refuseNeeded(node, own, asked)
  const path = `/vectra/v1/cluster/nodes/${encodeURIComponent(node)}`
  const forgotBy: string[] = []
  const notReached: string[] = []
  const ended: { readonly node: string; readonly collection: string }[] = []
  const forget = async (by: string, answer: Answer) => {
    if (answer.wasKnown) forgotBy.push(by)
    for (const collection of answer.ended) ended.push({ node: by, collection })
    for (const { name, problem } of answer.left) {
      await context.warn(`${name} at ${by} could not be looked at: ${problem}`)
    }
  }
  await forget(own.node.name, await client.ask<Answer>('DELETE', path))
  for (const { node: other, found } of others) {
    let problem = typeof found === 'string' ? found : undefined
    if (problem === undefined) {
      const answer = await clientOf(context, other.url)
        .ask<Answer>('DELETE', path)
        .catch((error: unknown) => String(error))
      if (typeof answer === 'string') problem = answer
      else await forget(other.name, answer)
    }
    context.io.signal.throwIfAborted()
    if (problem === undefined) continue
    notReached.push(other.name)
    await context.warn(
      `${other.name} at ${other.url} may know ${node} still (${problem}); when it answers: vectra-cli cluster remove ${node}`,
    )
  }
  for (const each of ended) {
    await context.confirm(
      `${each.collection} at ${each.node} is not replicated to ${node} any more`,
    )
  }
  await context.confirm(
    forgotBy.length === 0 && ended.length === 0
      ? `no node that answers knows ${node}`
      : `${node} is removed`,
  )
  if (self !== undefined && typeof self !== 'string') {
    await context.remark(`${node} answers still: its copies stay until it is stopped`)
  }
  return { node, forgotBy, ended, notReached }
}

/** @throws `usage` with all that keeps the node from going, before anything is changed anywhere */
function refuseNeeded(node: string, own: NodeDescription, asked: readonly Asked[]): void {
  const reasons: string[] = []
  const steps = new Set<string>()
  if (own.node.name === node) {
    fail('usage', `${node} is the node that was asked`, 'Ask another one: --endpoint URL.')
  }
  const all = [own, ...asked.flatMap(({ found }) => (typeof found === 'string' ? [] : [found]))]
  /** Another node that writes a collection now. */
  const writerOf = (name: string) =>
    all.find(
      (found) =>
        found.node.name !== node &&
        found.copies.some((each) => each.name === name && each.role === 'primary' && !each.fenced),
    )
  for (const found of all) {
    for (const { name, role, fenced, primary, members } of found.copies) {
      const writes = found.node.name === node && role === 'primary' && !fenced && members.length > 0
      const isFollowed = role === 'standby' && primary?.name === node
      if (writes || isFollowed) {
        const by = isFollowed ? found.node.name : (members[0]?.name ?? '')
        reasons.push(
          isFollowed
            ? `it is the primary of ${name}, which ${by} follows`
            : `it is the primary of ${name}`,
        )
        const writer = writerOf(name)
        const joins = isFollowed ? by : node
        steps.add(
          writer === undefined
            ? `vectra-cli cluster promote ${name} --node ${by}`
            : `vectra-cli cluster rejoin ${name} --node ${joins} --primary ${writer.node.name}`,
        )
      }
      const isSync = members.some((each) => each.name === node && each.mode === 'sync')
      if (role !== 'primary' || !isSync) continue
      reasons.push(`it is a synchronous standby of ${name} at ${found.node.name}`)
      steps.add(
        `vectra-cli collections replicate ${name} --replica-node ${node} --stop --endpoint ${found.node.url}`,
      )
    }
  }
  if (reasons.length === 0) return
  const hint = `First: ${[...steps].join('; ')}.`
  const told = reasons.filter((each) => !reasons.some((other) => other.startsWith(`${each}, `)))
  fail('usage', `${node} is not removed: ${[...new Set(told)].join('; ')}`, hint)
}
