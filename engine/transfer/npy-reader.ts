/** .npy: a two-dimensional NumPy array of `<f4` or `<f8` in C order, one row a vector. */
import { ByteReader } from './byte-reader.ts'
import type { ByteSource } from './byte-source.ts'
import { toFloat32, toFloat64 } from './float-row.ts'
import { type NpyHeader, readNpyHeader } from './npy-header.ts'
import { refuse, rowPlace, type SourceRow } from './source-point.ts'

export interface NpyFile {
  readonly header: NpyHeader
  readonly rows: AsyncGenerator<SourceRow>
}

/**
 * Reads the header; the rows follow when they are iterated.
 * @throws `invalid-input-file`; while iterating also when the data is not exactly what the header says
 */
export async function openNpy(source: ByteSource): Promise<NpyFile> {
  const reader = new ByteReader(source)
  const header = await readNpyHeader(reader, source.name)
  const expectedBytes = header.rows * header.dimension * header.valueBytes
  const dataBytes = (source.sizeBytes ?? reader.offset + expectedBytes) - reader.offset
  if (dataBytes !== expectedBytes) {
    refuse(
      { where: source.name, place: { file: source.name, offset: reader.offset } },
      `the file has ${dataBytes} bytes of data, its header says ${expectedBytes}`,
      'The file was cut off or added to; write it again with numpy.save.',
    )
  }
  return { header, rows: readRows(source.name, reader, header) }
}

async function* readRows(
  name: string,
  reader: ByteReader,
  { rows, dimension, valueBytes }: NpyHeader,
): AsyncGenerator<SourceRow> {
  const rowBytes = dimension * valueBytes
  for (let row = 0; row < rows; row++) {
    const at = rowPlace(name, row, reader.offset)
    const bytes = await reader.take(rowBytes)
    if (bytes.length < rowBytes) {
      refuse(at, `the data ends here, the header says ${rows} rows`, 'Copy the file again.')
    }
    yield { ...at, row, vector: valueBytes === 4 ? toFloat32(bytes) : toFloat64(bytes) }
  }
  const end = rowPlace(name, rows, reader.offset)
  if ((await reader.take(1)).length > 0) {
    refuse(end, `data goes on after the header's ${rows} rows`, 'Write it again with numpy.save.')
  }
}
