/**
 * Promises that nobody will use: a promotion that failed takes its promise back here before it asks the others to
 * forget theirs, and that word may have been lost. Who still holds such a promise asks the node it was given to.
 */
import { isOperatingError } from '../base/errors.ts'
import type { Collection } from '../collection/collection.ts'
import { areRelated, isSameEpoch, type NodeAddress, noHistory } from '../collection/replica-file.ts'
import { historiesOf, readCopyState } from './copy-state.ts'
import { ask, type Transport } from './transport.ts'

const askMs = 2_000

/**
 * Takes back a promise of `collection` when its node has neither begun that epoch nor means to.
 * @param mayWrite the copy would write again then: kept while that node is in an epoch as new, whoever began it
 * @returns whether it did; false when the node does not answer
 */
export async function voidPromise(
  collection: Collection,
  { self, transport }: { readonly self: NodeAddress; readonly transport: Transport },
  { mayWrite = false }: { readonly mayWrite?: boolean } = {},
): Promise<boolean> {
  const { replication, name, uuid } = collection
  const { promised } = replication.state
  if (promised === null || promised.history === noHistory) return false
  if (promised.node.name === self.name) return false
  try {
    const request = { collection: name }
    const { fields } = await ask(transport, promised.node, 'copy', request, { timeoutMs: askMs })
    const seen = readCopyState(fields)
    const holds =
      isSameEpoch(seen.epoch, promised) ||
      seen.lineage.some(({ epoch }) => isSameEpoch(epoch, promised)) ||
      (seen.promised !== null && isSameEpoch(seen.promised, promised))
    const isPassed = mayWrite && seen.epoch.number >= promised.number
    // what was restored there since says nothing of what its node did before
    const isOther = seen.uuid !== uuid || !areRelated(seen, historiesOf(collection))
    if (holds || isPassed || isOther) return false
    await replication.release(promised)
    return true
  } catch (error) {
    if (!isOperatingError(error)) throw error
    return false
  }
}
