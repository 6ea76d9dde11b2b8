/** Whether an interrupted restore is done: what it chose is there under a history of its own, byte for byte. */
import type { JsonObject } from '../../engine/index.ts'
import { isSameHistory, lookAt, type ReadFound, readFound } from './found-note.ts'
import type { Examination, Interrupted, StepContext } from './step.ts'

export interface RestorePlace {
  readonly target: string
  readonly collection: string
}

/**
 * A restore puts its collection in place last and under a new history, so another history than the one
 * it found is its own work or somebody else's; its digest, recomputed from every stored byte, tells which.
 * @param toOutputs what the step returns for what it chose
 */
export async function examineRestore(
  { target, collection }: RestorePlace,
  { note }: Interrupted,
  context: StepContext,
  toOutputs: (chosen: JsonObject) => JsonObject,
): Promise<Examination> {
  const found = readFound(note)
  if (found?.chosen === undefined) return { state: 'repeat', found: 'nothing was restored' }
  const now = await lookAt(target, collection, context)
  if (now === 'none') {
    return { state: 'repeat', found: `${collection} is not on ${target}; the restore goes on` }
  }
  const isAsBefore = now === 'unreadable' ? found.before === now : isSameHistory(found, now)
  if (isAsBefore) {
    return { state: 'repeat', found: `${collection} on ${target} is not replaced yet` }
  }
  const { digest, snapshotId } = found.chosen
  const measured = await digestNow(target, collection, context)
  if (typeof digest === 'string' && measured === digest) {
    const result = { outputs: toOutputs(found.chosen) }
    return {
      state: 'done',
      found: `${collection} is there with the digest of the snapshot`,
      result,
    }
  }
  const what = typeof digest === 'string' ? `not as snapshot ${String(snapshotId)} has it` : 'there'
  return {
    state: 'unknown',
    found: `${collection} on ${target} is ${what}: ${whose(found)}`,
  }
}

const whose = ({ chosen }: ReadFound): string =>
  chosen?.['digest'] === undefined
    ? 'the digest of a moment is not known beforehand'
    : 'it was restored and written to since, or somebody else made it'

async function digestNow(
  target: string,
  collection: string,
  context: StepContext,
): Promise<string | undefined> {
  const request = { collection, digest: true, search: false, golden: { sample: 0, k: 1 } }
  return (await context.target(target).measure(request, context)).digest
}
