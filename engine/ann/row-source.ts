/**
 * Where a thread finds the rows of a segment: in memory that threads share, or in the file itself.
 *
 * From the file they are read a megabyte at a time into memory that is used again and again. Hundreds of
 * megabytes of fresh memory cost more than the reads: every page of it is cleared by the kernel first.
 */
import assert from 'node:assert/strict'
import { type DiskFile, nodeDisk } from '../base/disk.ts'
import { fail } from '../base/errors.ts'
import { MiB } from '../base/limits.ts'
import { rowsOf, type VectorBlock } from './vector-block.ts'

/** count × dimension float32, row-major, little-endian, from `byteOffset` of the file on. */
export interface VectorFile {
  readonly path: string
  readonly byteOffset: number
  readonly count: number
  readonly dimension: number
}

export type RowSource = VectorBlock | VectorFile

/** What is read or put together at once: large enough that calls do not matter, small enough for caches. */
export const chunkBytes = 1 * MiB

/** How many rows of `rowBytes` make a chunk, at least one. */
export const chunkRows = (rowBytes: number): number =>
  Math.max(1, Math.floor(chunkBytes / rowBytes))

/** Some rows: valid until the next ones are asked for. */
export interface Rows {
  /** (to − from) × dimension values, row-major. */
  readonly values: Float32Array
  readonly from: number
  readonly to: number
}

/**
 * The rows `from`…`to` − 1 in chunks of `stride` rows, in order; the next chunk is read while one is used.
 * @throws `damaged` when the file ends before them
 */
export async function* readRows(
  source: RowSource,
  from: number,
  to: number,
  stride: number,
): AsyncGenerator<Rows> {
  assert(from >= 0 && from <= to && to <= source.count && stride > 0, 'rows of the source')
  if ('vectors' in source) {
    const { dimension } = source
    const all = rowsOf(source)
    for (let at = from; at < to; at += stride) {
      const end = Math.min(to, at + stride)
      yield { values: all.subarray(at * dimension, end * dimension), from: at, to: end }
    }
    return
  }
  const file = await nodeDisk.open(source.path, 'read')
  try {
    yield* readFileRows(file, source, from, to, stride)
  } finally {
    await file.close()
  }
}

async function* readFileRows(
  file: DiskFile,
  source: VectorFile,
  from: number,
  to: number,
  stride: number,
): AsyncGenerator<Rows> {
  const rowValues = source.dimension
  const capacity = Math.min(stride, to - from) * rowValues
  let [using, filling] = [new Float32Array(capacity), new Float32Array(capacity)]
  const read = async (target: Float32Array, at: number): Promise<Rows> => {
    const end = Math.min(to, at + stride)
    const values = target.subarray(0, (end - at) * rowValues)
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    const offset = source.byteOffset + 4 * rowValues * at
    if ((await file.read(bytes, offset)) !== bytes.length) endsEarly(source, offset)
    return { values, from: at, to: end }
  }
  let next = from < to ? read(filling, from) : undefined
  try {
    while (next !== undefined) {
      const rows: Rows = await next
      ;[using, filling] = [filling, using]
      next = rows.to < to ? read(filling, rows.to) : undefined
      next?.catch(() => {}) // told when it is asked for
      yield rows
    }
  } finally {
    await next?.catch(() => {}) // the file is not closed under a read
  }
}

function endsEarly({ path }: VectorFile, offset: number): never {
  fail(
    'damaged',
    `${path} is damaged at offset ${offset}: it ends before its last vector`,
    'Restore the collection from a backup; nothing was changed.',
    { place: { file: path, offset } },
  )
}
