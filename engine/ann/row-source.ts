/**
 * Where a thread finds the rows of a segment: in memory that threads share, or in the file itself.
 *
 * From the file they are read a part at a time into memory that is used again and again. Hundreds of
 * megabytes of fresh memory cost more than the reads: every page of it is cleared by the kernel first.
 */
import assert from 'node:assert/strict'
import { BlockingFile } from '../base/blocking-file.ts'
import { nodeDisk } from '../base/disk.ts'
import { fail } from '../base/errors.ts'
import { KiB } from '../base/limits.ts'
import { rowsOf, type VectorBlock } from './vector-block.ts'

/** count × dimension float32, row-major, little-endian, from `byteOffset` of the file on. */
export interface VectorFile {
  readonly path: string
  readonly byteOffset: number
  readonly count: number
  readonly dimension: number
}

export type RowSource = VectorBlock | VectorFile

/** What is read or put together at once: large enough that calls do not matter, small enough for caches; see also hash-tasks.ts. */
export const chunkBytes = 128 * KiB

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
 * The rows `from`…`to` − 1 in chunks of `stride` rows, in order.
 * @throws `damaged` when the file ends before them
 */
export async function* readRows(
  source: RowSource,
  from: number,
  to: number,
  stride: number,
): AsyncGenerator<Rows> {
  if ('vectors' in source) {
    yield* heldRows(source, from, to, stride)
    return
  }
  const file = await nodeDisk.open(source.path, 'read')
  try {
    const target = new Float32Array(Math.min(stride, to - from) * source.dimension)
    for (const part of parts(source, from, to, stride)) {
      const rows = { ...part, values: target.subarray(0, part.values) }
      const bytes = floatBytes(rows.values)
      if ((await file.read(bytes, part.offset)) !== bytes.length) endsEarly(source, part.offset)
      yield rows
    }
  } finally {
    await file.close()
  }
}

/**
 * The same for a worker thread, which waits for the disk itself.
 * @throws `damaged` when the file ends before them
 */
export function* readRowsBlocking(
  source: RowSource,
  from: number,
  to: number,
  stride: number,
): Generator<Rows> {
  if ('vectors' in source) {
    yield* heldRows(source, from, to, stride)
    return
  }
  const file = BlockingFile.open(source.path, 'read')
  const target = takeSpare(Math.min(stride, to - from) * source.dimension)
  try {
    for (const part of parts(source, from, to, stride)) {
      const rows = { ...part, values: target.subarray(0, part.values) }
      const bytes = floatBytes(rows.values)
      if (file.read(bytes, part.offset) !== bytes.length) endsEarly(source, part.offset)
      yield rows
    }
  } finally {
    file.close()
    spare = target
  }
}

function* heldRows(block: VectorBlock, from: number, to: number, stride: number): Generator<Rows> {
  const { dimension } = block
  const all = rowsOf(block)
  for (const part of parts(block, from, to, stride)) {
    yield { ...part, values: all.subarray(part.from * dimension, part.to * dimension) }
  }
}

/** Where the chunks begin and end; `values`: how many each has, `offset`: where it stands in a file. */
function* parts(source: RowSource, from: number, to: number, stride: number) {
  assert(from >= 0 && from <= to && to <= source.count && stride > 0, 'rows of the source')
  const { dimension, byteOffset = 0 } = source
  for (let at = from; at < to; at += stride) {
    const end = Math.min(to, at + stride)
    const offset = byteOffset + 4 * dimension * at
    yield { from: at, to: end, values: (end - at) * dimension, offset }
  }
}

const floatBytes = (values: Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength)

/** A chunk of this thread that nobody uses now: fresh memory has to be cleared, page by page. */
let spare: Float32Array | undefined

function takeSpare(capacity: number): Float32Array {
  const taken = spare
  spare = undefined
  return taken !== undefined && taken.length >= capacity ? taken : new Float32Array(capacity)
}

function endsEarly({ path }: VectorFile, offset: number): never {
  fail(
    'damaged',
    `${path} is damaged at offset ${offset}: it ends before its last vector`,
    'Restore the collection from a backup; nothing was changed.',
    { place: { file: path, offset } },
  )
}
