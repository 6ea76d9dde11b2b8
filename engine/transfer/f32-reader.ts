/**
 * Raw float32: n × dimension little-endian values, row-major, nothing else. The file does not say its
 * dimension; a wrong one shows only when the size is not a multiple of a row.
 */
import { ByteReader } from './byte-reader.ts'
import type { ByteSource } from './byte-source.ts'
import { toFloat32 } from './float-row.ts'
import { refuse, rowPlace, type SourceRow } from './source-point.ts'

/** @throws `invalid-input-file` when the file does not end with a whole row */
export async function* readF32(source: ByteSource, dimension: number): AsyncGenerator<SourceRow> {
  const rowBytes = 4 * dimension
  if (source.sizeBytes !== undefined) checkSize(source.name, source.sizeBytes, rowBytes)
  const reader = new ByteReader(source)
  for (let row = 0; ; row++) {
    const at = rowPlace(source.name, row, reader.offset)
    const bytes = await reader.take(rowBytes)
    if (bytes.length === 0) return
    checkSize(source.name, reader.offset, rowBytes)
    yield { ...at, row, vector: toFloat32(bytes) }
  }
}

function checkSize(name: string, sizeBytes: number, rowBytes: number): void {
  const rest = sizeBytes % rowBytes
  if (rest === 0) return
  const row = Math.floor(sizeBytes / rowBytes)
  refuse(
    rowPlace(name, row, row * rowBytes),
    `the file ends after ${rest} of the row's ${rowBytes} bytes`,
    'Check the dimension, and that the file was copied whole.',
  )
}
