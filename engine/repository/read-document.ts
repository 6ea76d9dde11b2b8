/**
 * Documents from a repository: anybody may have written them, so their size, depth and number of
 * values are bounded by a linear scan before a parser or anything recursive sees them.
 */
import type { JsonObject } from '../base/canonical-json.ts'
import { fail, isOperatingError, OperatingError } from '../base/errors.ts'
import { type DocumentKind, decodeDocument } from '../format/document.ts'

/** Our own documents nest 6 deep, plus the provenance that a user may add. */
const maxDepth = 48

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
  const problem =
    bytes.length > bounds.bytes
      ? `it is ${bytes.length} bytes, more than ${bounds.bytes}`
      : structureProblem(bytes, bounds.values)
  if (problem !== undefined) damaged(file, problem)
  try {
    return decodeDocument(kind, bytes, file)
  } catch (error) {
    if (!isOperatingError(error, 'damaged')) throw error
    throw new OperatingError('damaged', error.message, repositoryHint, { place: error.place })
  }
}

/** @throws `damaged`, always */
export function damaged(file: string, problem: string): never {
  fail('damaged', `${file} is damaged: ${problem}`, repositoryHint, { place: { file } })
}

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const openers = new Set([0x5b, 0x7b])
const closers = new Set([0x5d, 0x7d])

/** One pass over the bytes, without building anything. */
function structureProblem(bytes: Uint8Array, maxValues: number): string | undefined {
  let depth = 0
  let values = 0
  let inText = false
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    if (inText) {
      if (byte === backslash) at++
      else if (byte === quote) inText = false
    } else if (byte === quote) {
      inText = true
    } else if (byte === comma) {
      values++
    } else if (openers.has(byte)) {
      values++
      if (++depth > maxDepth) return `it is nested deeper than ${maxDepth}`
    } else if (closers.has(byte)) {
      depth--
    }
    if (values > maxValues) return `it has more than ${maxValues} values`
  }
  return undefined
}
