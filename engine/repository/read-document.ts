/**
 * Documents from a repository: anybody may have written them, so their size and number of values are
 * bounded by a linear scan before a parser builds anything of them.
 */
import type { JsonObject } from '../base/canonical-json.ts'
import { fail, isOperatingError, OperatingError } from '../base/errors.ts'
import { type Destination, getWhole } from '../destination/destination.ts'
import { type DocumentKind, decodeDocument } from '../format/document.ts'

export const repositoryHint =
  'Use another copy of the repository or another snapshot; "backup verify" lists all damage.'

export interface DocumentBounds {
  readonly bytes: number
  /** Values: objects, lists, members and elements. */
  readonly values: number
}

/**
 * Parses a document whose bytes are exactly what its writer made; the caller checks the fields.
 * @throws `damaged`, `newer-format`
 */
export function readDocument(
  kind: DocumentKind,
  bytes: Uint8Array,
  file: string,
  bounds: DocumentBounds,
): JsonObject {
  if (bytes.length > bounds.bytes) damaged(file, `it is ${bytes.length} bytes`)
  if (tooManyValues(bytes, bounds.values)) {
    damaged(file, `it has more than ${bounds.values} values`)
  }
  return decodeDocument(kind, bytes, file)
}

/** Does `decode`; what is damaged in a repository is not mended like a file of a collection. */
export function withRepositoryHint<T>(decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    if (!isOperatingError(error, 'damaged')) throw error
    throw new OperatingError('damaged', error.message, repositoryHint, { place: error.place })
  }
}

/** A whole value of the repository's own: one that is too large is damage, not a wrong use. @throws `damaged` */
export async function wholeOrDamaged(
  destination: Destination,
  key: string,
  maxBytes: number,
): Promise<Buffer | undefined> {
  try {
    return await getWhole(destination, key, maxBytes)
  } catch (error) {
    if (!isOperatingError(error, 'limit-exceeded')) throw error
    throw new OperatingError('damaged', error.message, repositoryHint, { place: error.place })
  }
}

/** @throws `damaged`, always */
export function damaged(file: string, problem: string): never {
  fail('damaged', `${file} is damaged: ${problem}`, repositoryHint, { place: { file } })
}

const quote = 0x22
const backslash = 0x5c
/** What begins another value: a comma, a list, an object. */
const begins = new Set([0x2c, 0x5b, 0x7b])

/** Counts the values in one pass over the bytes, without building anything. */
function tooManyValues(bytes: Uint8Array, maxValues: number): boolean {
  let values = 0
  let inText = false
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    if (inText) {
      if (byte === backslash) at++
      else if (byte === quote) inText = false
    } else if (byte === quote) {
      inText = true
    } else if (begins.has(byte) && ++values > maxValues) {
      return true
    }
  }
  return false
}
