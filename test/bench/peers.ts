/** The two sides that the index benchmarks compare: an engine collection and one raw index, same points. */
import { builtEngine } from '../support/built-engine.ts'
import { rowOf } from '../support/clustered-vectors.ts'
import { timed } from './report.ts'

type Engine = Awaited<ReturnType<typeof builtEngine>>
export type Items = Awaited<ReturnType<Awaited<ReturnType<Engine['openDataDirectory']>>['create']>>

export interface BuiltCollection {
  readonly items: Items
  /** Writing the points, each batch durable. */
  readonly upsertMs: number
  /** Sealing what is in memory and building the graphs that are not built yet. */
  readonly checkpointMs: number
  close(): Promise<void>
}

/** A collection of all rows, ids 0…n − 1, written in batches of 1,000 and checkpointed. */
export async function buildCollection(
  directory: string,
  vectors: Float32Array<ArrayBuffer>,
  dimension: number,
  efConstruction = 200,
): Promise<BuiltCollection> {
  const { makeConfig, nodeDisk, openDataDirectory, systemClock } = await builtEngine()
  const opened = await openDataDirectory(directory, {
    disk: nodeDisk,
    clock: systemClock,
    create: true,
  })
  const items = await opened.create(
    'items',
    makeConfig({ dimension, metric: 'cosine', efConstruction }),
  )
  const count = vectors.length / dimension
  const upsert = await timed(async () => {
    for (let from = 0; from < count; from += 1000) {
      const batch = Array.from({ length: Math.min(1000, count - from) }, (_, i) => ({
        id: from + i,
        vector: rowOf(vectors, dimension, from + i),
      }))
      await items.upsert(batch)
    }
  })
  const checkpoint = await timed(() => items.checkpoint())
  return {
    items,
    upsertMs: upsert.ms,
    checkpointMs: checkpoint.ms,
    close: () => opened.close(),
  }
}
