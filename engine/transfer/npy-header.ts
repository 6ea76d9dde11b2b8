/**
 * The header of a .npy file (NumPy Enhancement Proposal 1, versions 1.0 and 2.0).
 *
 * | offset | size | field |
 * | --- | --- | --- |
 * | 0 | 6 | 0x93 `NUMPY` |
 * | 6 | 2 | major and minor version: 1.0 or 2.0 |
 * | 8 | 2 or 4 | header length, u16 (1.0) or u32 (2.0), little-endian |
 * | … | length | a Python dictionary: `descr`, `fortran_order`, `shape`; spaces, then a line feed |
 *
 * The dictionary is read strictly: these three keys once each, in any order, and nothing else.
 */
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { ByteReader } from './byte-reader.ts'

export interface NpyHeader {
  /** Bytes of one value: 4 for `<f4`, 8 for `<f8`. */
  readonly valueBytes: 4 | 8
  readonly rows: number
  readonly dimension: number
}

const magic = Buffer.from('\x93NUMPY', 'latin1')
const versionBytes = 2

/** @throws `invalid-input-file`, with a hint how to convert what is not read */
export async function readNpyHeader(reader: ByteReader, name: string): Promise<NpyHeader> {
  const start = await reader.take(magic.length + versionBytes)
  if (
    start.length < magic.length + versionBytes ||
    !start.subarray(0, magic.length).equals(magic)
  ) {
    refuse(name, 'the file does not start as a .npy file does', 'Write it with numpy.save.')
  }
  const [major, minor] = start.subarray(magic.length)
  if ((major !== 1 && major !== 2) || minor !== 0) {
    refuse(name, `the .npy version is ${major}.${minor}`, 'Versions 1.0 and 2.0 are read.')
  }
  const sizeField = await reader.take(major === 1 ? 2 : 4)
  const length = sizeField.length < 2 ? 0 : sizeField.readUIntLE(0, sizeField.length)
  if (length === 0 || length > limits.npyHeaderBytes) {
    refuse(name, `the .npy header has ${length} bytes`, 'Write the file again with numpy.save.')
  }
  const header = await reader.take(length)
  if (header.length < length)
    refuse(name, 'the file ends inside its header', 'Copy the file again.')
  return parseDictionary(header.toString('latin1'), name)
}

/** One `key: value` of the dictionary, with the comma after it. */
const entry =
  /^'(descr|fortran_order|shape)': *('[^']*'|True|False|\((?:[0-9]+, *)*(?:[0-9]+)?\)) *(?:, *|$)/

function parseDictionary(text: string, name: string): NpyHeader {
  const values = new Map<string, string>()
  let rest = /^\{ *(.*?) *\} *\n$/.exec(text)?.[1] ?? text
  while (rest !== '') {
    const [whole, key, value] = entry.exec(rest) ?? []
    if (whole === undefined || key === undefined || value === undefined || values.has(key)) break
    values.set(key, value)
    rest = rest.slice(whole.length)
  }
  const descr = values.get('descr')
  const order = values.get('fortran_order')
  const shape = values.get('shape')
  if (rest !== '' || descr === undefined || order === undefined || shape === undefined) {
    return refuse(
      name,
      `the .npy header is not understood: ${JSON.stringify(text.slice(0, 120))}`,
      "Save a plain array: numpy.save(file, numpy.ascontiguousarray(array, '<f4')).",
    )
  }
  const valueBytes = valueBytesOf(descr, name)
  if (order !== 'False') {
    refuse(
      name,
      'the array is stored in Fortran order',
      'Save it row by row: numpy.save(file, numpy.ascontiguousarray(array)).',
    )
  }
  return { valueBytes, ...sidesOf(shape, name) }
}

function valueBytesOf(descr: string, name: string): 4 | 8 {
  if (descr === "'<f4'") return 4
  if (descr === "'<f8'") return 8
  return refuse(
    name,
    `the values are of type ${descr}`,
    "Save float32: numpy.save(file, array.astype('<f4')).",
  )
}

function sidesOf(shape: string, name: string): { rows: number; dimension: number } {
  const sides = [...shape.matchAll(/[0-9]+/g)].map(Number)
  const [rows, dimension] = sides
  if (rows === undefined || dimension === undefined || sides.length !== 2) {
    return refuse(
      name,
      `the array has the shape ${shape}, not two dimensions`,
      'Save one row for each vector: numpy.save(file, array.reshape(len(array), -1)).',
    )
  }
  if (
    dimension < 1 ||
    dimension > limits.dimension ||
    !Number.isSafeInteger(rows * dimension * 8)
  ) {
    refuse(
      name,
      `the array has the shape ${shape}`,
      `A vector has 1 to ${limits.dimension} values; one row is one vector.`,
    )
  }
  return { rows, dimension }
}

function refuse(name: string, problem: string, hint: string): never {
  return fail('invalid-input-file', `${name}: ${problem}`, hint, {
    place: { file: name, offset: 0 },
  })
}
