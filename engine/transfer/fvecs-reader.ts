/**
 * .fvecs, the format of the TEXMEX corpora (SIFT1M, GIST1M): for each vector an int32 dimension, then
 * that many float32 values, all little-endian. Every dimension is checked against the first.
 */
import { limits } from '../base/limits.ts'
import { ByteReader } from './byte-reader.ts'
import type { ByteSource } from './byte-source.ts'
import { toFloat32 } from './float-row.ts'
import { refuse, rowPlace, type SourceRow } from './source-point.ts'

const headBytes = 4
const truncatedHint = 'The file was cut off or is not .fvecs; copy it again.'

/** @throws `invalid-input-file` with the row */
export async function* readFvecs(source: ByteSource): AsyncGenerator<SourceRow> {
  const reader = new ByteReader(source)
  let expected: number | undefined
  for (let row = 0; ; row++) {
    const at = rowPlace(source.name, row, reader.offset)
    const head = await reader.take(headBytes)
    if (head.length === 0) return
    if (head.length < headBytes) refuse(at, 'the file ends inside a dimension', truncatedHint)
    const dimension = head.readInt32LE()
    if (dimension < 1 || dimension > limits.dimension) {
      refuse(at, `the dimension is ${dimension}`, 'This does not look like .fvecs; check --format.')
    }
    expected ??= dimension
    if (dimension !== expected) {
      refuse(
        at,
        `the dimension is ${dimension}, that of row 0 is ${expected}`,
        'All vectors of a collection have one dimension; check the file.',
      )
    }
    const bytes = await reader.take(4 * dimension)
    if (bytes.length < 4 * dimension) refuse(at, 'the file ends inside the vector', truncatedHint)
    yield { ...at, row, vector: toFloat32(bytes) }
  }
}
