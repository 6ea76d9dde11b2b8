/**
 * Export: every live point as a line of JSONL that imports back to the same content digest.
 *
 * A component is printed as the number that the float32 is, with the fewest digits that read back to
 * it as a double; so it is exact for a reader of doubles and for one of floats.
 */
import type { Clock } from '../base/clock.ts'
import { limits } from '../base/limits.ts'
import { noProgress, type Progress } from '../base/progress.ts'
import type { Point } from '../format/point.ts'
import type { ByteSink } from './byte-sink.ts'

/** The part of a collection that an export needs. */
export interface ExportSource {
  readonly count: number
  points(): AsyncIterable<Point>
}

export interface ExportRequest {
  readonly clock: Clock
  readonly progress?: Progress | undefined
  /** Ends the export with the signal's reason; the sink is left to the caller. */
  readonly signal?: AbortSignal | undefined
}

export interface ExportResult {
  readonly points: number
  readonly bytes: number
  readonly durationMs: number
}

/** Writes all points to `sink` in the collection's order; commits nothing. */
export async function exportPoints(
  collection: ExportSource,
  sink: ByteSink,
  request: ExportRequest,
): Promise<ExportResult> {
  const { clock, signal, progress = noProgress } = request
  const startedMs = clock.monotonicMs()
  const total = collection.count
  let points = 0
  let bytes = 0
  let text = ''
  const flush = async () => {
    signal?.throwIfAborted()
    const chunk = Buffer.from(text)
    text = ''
    await sink.write(chunk)
    bytes += chunk.length
    progress({ phase: 'export', unit: 'points', done: points, total })
  }
  for await (const point of collection.points()) {
    text += toLine(point)
    points++
    if (text.length >= limits.exportChunkChars) await flush()
  }
  await flush()
  return { points, bytes, durationMs: clock.monotonicMs() - startedMs }
}

/** One line of JSONL, as the import reads it. */
export const toLine = ({ id, vector, metadata }: Point): string =>
  `{"id":${JSON.stringify(id)},"vector":[${vector.join(',')}],"metadata":${JSON.stringify(metadata)}}\n`
