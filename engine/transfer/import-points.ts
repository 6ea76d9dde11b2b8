/**
 * Import: source → checked points → batches → collection.
 *
 * A batch is all or nothing: every point of it is checked before the first is written. An error names
 * the line or row, and says how many points were imported before the batch that failed.
 */
import type { Clock } from '../base/clock.ts'
import { type ErrorPlace, fail, OperatingError } from '../base/errors.ts'
import { defaults, limits } from '../base/limits.ts'
import { noProgress, type Progress } from '../base/progress.ts'
import type { CollectionConfig } from '../format/config.ts'
import { acceptPoint, type PointInput } from '../format/point.ts'
import { type ByteSource, watchSource } from './byte-source.ts'
import type { InputFormat } from './input-format.ts'
import { openPoints, type PointStream } from './open-points.ts'
import type { SourcePoint } from './source-point.ts'

/** The part of a collection that an import needs. */
export interface ImportTarget {
  readonly config: CollectionConfig
  readonly lsn: number
  upsert(points: readonly PointInput[]): Promise<{ readonly lsn: number }>
}

export interface ImportRequest {
  readonly source: ByteSource
  readonly format: InputFormat
  /** JSONL with the ids and the metadata of a binary format. */
  readonly metadata?: ByteSource | undefined
  /** Values of a vector where the file does not say; by default the collection's. */
  readonly dimension?: number | undefined
  /** Points written and made durable at once: 1 to 10,000, default 1,000. */
  readonly batch?: number | undefined
  readonly clock: Clock
  readonly progress?: Progress | undefined
  /** Ends the import between two batches, with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

export interface ImportResult {
  /** Points read and written; an id that came twice counts twice, its last point stays. */
  readonly points: number
  /** The collection's LSN after the last batch. */
  readonly lsn: number
  /** Bytes of the source. */
  readonly bytes: number
  readonly durationMs: number
  readonly remarks: readonly string[]
}

/**
 * Imports into a collection that exists. Batches before the failing one stay imported.
 * @throws `invalid-input-file`, `invalid-point`, `invalid-vector`, `usage`, and what upsert throws
 */
export async function importPoints(
  collection: ImportTarget,
  request: ImportRequest,
): Promise<ImportResult> {
  const run = startImport(request)
  try {
    const stream = await run.open(request.dimension ?? collection.config.dimension)
    return await run.into(collection, stream)
  } catch (error) {
    throw withRemark(error, importedRemark(run.imported()))
  } finally {
    await run.close()
  }
}

export interface ImportRun {
  /** Opens the source; its dimension, where it tells one, is known then. */
  open(dimension: number | undefined): Promise<PointStream>
  into(collection: ImportTarget, stream: PointStream): Promise<ImportResult>
  /** Points imported so far. */
  imported(): number
  close(): Promise<void>
}

/** The steps of an import, for callers that create the collection between them. */
export function startImport(request: ImportRequest): ImportRun {
  const { clock, signal, progress = noProgress } = request
  const startedMs = clock.monotonicMs()
  const batchPoints = checkBatch(request.batch ?? defaults.importBatch)
  let bytes = 0
  let imported = 0
  const source = watchSource(request.source, (read) => (bytes += read), signal)
  const metadata = request.metadata && watchSource(request.metadata, () => {}, signal)

  return {
    open: (dimension) => openPoints({ source, format: request.format, metadata, dimension }),
    async into(collection, stream) {
      let lsn = collection.lsn
      for await (const batch of batches(stream.points, collection.config, batchPoints)) {
        signal?.throwIfAborted()
        lsn = (await collection.upsert(batch)).lsn
        imported += batch.length
        progress(
          source.sizeBytes === undefined
            ? { phase: 'import', unit: 'points', done: imported }
            : { phase: 'import', unit: 'bytes', done: bytes, total: source.sizeBytes },
        )
      }
      const durationMs = clock.monotonicMs() - startedMs
      return { points: imported, lsn, bytes, durationMs, remarks: stream.remarks }
    },
    imported: () => imported,
    async close() {
      await source.close()
      await metadata?.close()
    },
  }
}

async function* batches(
  points: AsyncIterable<SourcePoint>,
  config: CollectionConfig,
  batchPoints: number,
): AsyncGenerator<PointInput[]> {
  let batch: PointInput[] = []
  let batchBytes = 0
  for await (const point of points) {
    batch.push(check(point, config))
    batchBytes += point.sizeBytes
    if (batch.length === batchPoints || batchBytes >= limits.importBatchBytes) {
      yield batch
      batch = []
      batchBytes = 0
    }
  }
  if (batch.length > 0) yield batch
}

/** Checks a point as the collection will; an error gets the place in the source. */
function check(point: SourcePoint, config: CollectionConfig): PointInput {
  try {
    const { id, vector } = acceptPoint(point, config)
    return { id, vector, metadata: point.metadata }
  } catch (error) {
    if (!(error instanceof OperatingError)) throw error
    return fail(error.code, `${point.where}: ${error.message}`, error.hint, { place: point.place })
  }
}

function checkBatch(points: number): number {
  if (Number.isInteger(points) && points >= 1 && points <= limits.batchPoints) return points
  return fail('usage', `a batch of ${points} points`, `Use 1 to ${limits.batchPoints}.`)
}

/** What is left of an import that failed in a collection that existed before. */
export const importedRemark = (points: number): string =>
  points === 0 ? 'nothing was imported' : `the ${points} points before this batch are imported`

/** The same error with what is left of the import behind its message; bugs stay as they are. */
export function withRemark(error: unknown, remark: string): unknown {
  if (!(error instanceof OperatingError)) return error
  const place: ErrorPlace = error.place
  return new OperatingError(error.code, `${error.message} (${remark})`, error.hint, {
    place,
    details: error.details,
    cause: error,
  })
}
