/**
 * Ids and metadata for the rows of a binary file. With a JSONL file, its n-th object belongs to the
 * n-th row: `id` is the id, the other keys are the metadata, and both files have the same number of
 * entries. Without one, ids are the row numbers from 0 and there is no metadata.
 */
import type { ByteSource } from './byte-source.ts'
import { parseLine } from './jsonl-reader.ts'
import { type Line, readLines } from './line-reader.ts'
import { linePlace, refuse, type SourcePoint, type SourceRow } from './source-point.ts'

/** @throws `invalid-input-file` when the two files do not fit */
export async function* joinMetadata(
  rows: AsyncGenerator<SourceRow>,
  metadata: ByteSource | undefined,
): AsyncGenerator<SourcePoint> {
  if (metadata === undefined) {
    for await (const { row, vector, where, place } of rows) {
      yield { where, place, id: row, vector, metadata: {}, sizeBytes: 4 * vector.length }
    }
    return
  }
  const lines = readLines(metadata)
  let count = 0
  for await (const row of rows) {
    count++
    const line = await lines.next()
    if (line.done === true) {
      return refuse(row, `${metadata.name} ends before this row`, 'Write one line for each vector.')
    }
    yield join(row, metadata.name, line.value)
  }
  const line = await lines.next()
  if (line.done !== true) {
    refuse(
      linePlace(metadata.name, line.value.number),
      `there are only ${count} vectors`,
      'Write one line for each vector; check the dimension and that both files are whole.',
    )
  }
}

function join(row: SourceRow, name: string, line: Line): SourcePoint {
  const at = linePlace(name, line.number)
  const { id, ...metadata } = parseLine(name, line)
  if (id === undefined) refuse(at, 'the line has no "id"', 'Give every line an "id".')
  return {
    where: `${row.where}, ${at.where}`,
    place: at.place,
    id,
    vector: row.vector,
    metadata,
    sizeBytes: 4 * row.vector.length + line.sizeBytes,
  }
}
