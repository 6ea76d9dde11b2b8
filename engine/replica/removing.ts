/**
 * A node is gone for good and is forgotten: as an asynchronous standby, and among those that a promotion asks. What
 * the others rely on is not taken away by it: somebody promotes another node, or ends a synchronous standby, first.
 */
import { fail, isOperatingError } from '../base/errors.ts'
import type { Collection } from '../collection/collection.ts'
import type { DataDirectory } from '../collection/data-directory.ts'
import type { NodeAddress, PromisedEpoch, ReplicaState } from '../collection/replica-file.ts'
import type { Epoch } from '../format/identity.ts'

export interface RemovedNode {
  /** Collections of primaries here that it was a standby of. */
  readonly ended: readonly string[]
  /** Copies here that could not be looked at: they may name it still. */
  readonly left: readonly { readonly name: string; readonly problem: string }[]
}

/**
 * Forgets `node` in all copies of `data`, as the node `self`.
 * @throws `usage` when it is this node, a primary that is followed here, or a synchronous standby: nothing is changed
 */
export async function removeNode(
  node: string,
  self: NodeAddress,
  data: Pick<DataDirectory, 'replicated'>,
  open: (name: string) => Promise<Collection>,
): Promise<RemovedNode> {
  if (node === self.name) {
    fail('usage', `${node} is the node that was asked`, 'Ask another node to remove it.')
  }
  const copies: Collection[] = []
  const left: { name: string; problem: string }[] = []
  for (const name of await data.replicated()) {
    try {
      copies.push(await open(name))
    } catch (error) {
      if (!isOperatingError(error)) throw error
      left.push({ name, problem: error.message })
    }
  }
  for (const each of copies) refuseNeeded(each, node, self)
  const ended: string[] = []
  for (const { name, epoch, replication } of copies) {
    const { members } = replication.state
    if (!replication.isStandby && members.some((each) => each.name === node)) ended.push(name)
    await replication.change((now) => withoutNode(now, node, epoch))
  }
  return { ended, left }
}

function refuseNeeded({ name, replication }: Collection, node: string, self: NodeAddress): void {
  const { isStandby, isFenced, state } = replication
  const { primary, promised, members } = state
  const promote = `Promote another node first: vectra-cli cluster promote ${name} --node ${self.name}.`
  if (isFenced && promised?.node.name === node) {
    fail(
      'usage',
      `${node} was promised epoch ${promised.number} of ${name} by ${self.name}`,
      promote,
    )
  }
  if (isStandby && primary?.name === node) {
    fail('usage', `${node} is the primary of ${name}, which ${self.name} follows`, promote)
  }
  const isSync = members.some((each) => each.name === node && each.mode === 'sync')
  if (isStandby || !isSync) return
  fail(
    'usage',
    `${node} is a synchronous standby of ${name}: writes wait for it at ${self.name}`,
    `End that first: vectra-cli collections replicate ${name} --replica-node ${node} --stop --endpoint ${self.url}.`,
  )
}

/** A promise of an epoch that was entered or passed binds nobody any more. */
function withoutNode(now: ReplicaState, node: string, { number }: Epoch): ReplicaState {
  const isOther = ({ name }: NodeAddress) => name !== node
  const binds = (each: PromisedEpoch) => each.number > number || isOther(each.node)
  const { promised } = now
  const next = {
    ...now,
    promised: promised !== null && binds(promised) ? promised : null,
    earlier: now.earlier.filter(binds),
    members: now.members.filter(isOther),
    nodes: now.nodes.filter(isOther),
  }
  const count = ({ earlier, members, nodes }: ReplicaState) =>
    earlier.length + members.length + nodes.length
  return count(next) === count(now) && next.promised === promised ? now : next
}
