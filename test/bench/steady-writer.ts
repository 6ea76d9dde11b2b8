/**
 * Points written one a request, for the replication benchmark: a process of its own, as other applications are,
 * so that it takes no time of the one that searches. Told by messages; ends with its parent.
 */
import { VectraClient } from '../../engine/server/client.ts'
import { clusteredVectors, rowOf } from '../support/clustered-vectors.ts'

export interface WriteOrder {
  readonly url: string
  readonly collection: string
  readonly dimension: number
  readonly writers: number
  /** Between an answer and the next request of a writer. */
  readonly pauseMs: number
}

export interface Written {
  readonly count: number
  readonly ms: number
}

let next = 0
let stop = () => {}

async function write({
  url,
  collection,
  dimension,
  writers,
  pauseMs,
}: WriteOrder): Promise<Written> {
  const client = new VectraClient({ endpoint: url })
  const vectors = clusteredVectors({ count: 4_000, dimension, seed: 11 })
  let isOver = false
  stop = () => {
    isOver = true
  }
  let count = 0
  const startedMs = performance.now()
  const writer = async () => {
    while (!isOver) {
      const id = next++
      const vector = Array.from(rowOf(vectors, dimension, id % 4_000))
      const points = [{ id, vector, metadata: {} }]
      await client.ask('POST', `/vectra/v1/collections/${collection}/points`, { points })
      count++
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
  await Promise.all(Array.from({ length: writers }, writer))
  return { count, ms: performance.now() - startedMs }
}

process.on('message', async (message: WriteOrder | 'stop') => {
  if (message === 'stop') return stop()
  process.send?.(await write(message))
})
process.on('disconnect', () => process.exit())
