/**
 * Self-checking JSON documents: manifests, configs, catalogues, locks, snapshot manifests.
 *
 * One JSON object in canonical form (RFC 8785) and a newline. `format` names the kind of document,
 * `version` its layout, `sha256` is the hash of the canonical object without that field. A reader
 * re-serialises what it parsed and demands the same bytes, so that a flipped bit, a duplicate key,
 * trailing bytes or a truncation cannot pass: either the hash or the form differs. The version is
 * looked at first, because a newer one may be sealed in another way.
 */
import {
  canonicalJson,
  canonicalText,
  isJsonObject,
  type JsonObject,
  type JsonValue,
} from '../base/canonical-json.ts'
import { sha256Hex } from '../base/checksum.ts'
import { fail } from '../base/errors.ts'

export interface DocumentKind {
  /** The value of `format`, e.g. `vectra-manifest`. */
  readonly format: string
  /** The version this build writes. It reads every version from 1 up to this one. */
  readonly version: number
}

/**
 * Bytes of `body` as a document of `kind`.
 * @param version an older one only to see whether given bytes are what its writer made
 */
export function encodeDocument(
  kind: DocumentKind,
  body: object,
  version: number = kind.version,
): Buffer {
  const members = canonicalMembers({ ...body, format: kind.format, version })
  return seal(members, sha256Hex(joinMembers(members)))
}

/** A member of a document: its key, and key and value as they stand in the canonical text. */
interface Member {
  readonly key: string
  readonly text: string
}

/**
 * The members of an object in canonical order. The text of each is made once: the hash is over all of
 * them, and the document is the same text with the hash at its place.
 */
const canonicalMembers = (
  object: object,
  textOf: (value: unknown) => string = canonicalJson,
): Member[] =>
  Object.entries(object)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ({ key, text: `${canonicalJson(key)}:${textOf(value)}` }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))

const joinMembers = (members: readonly Member[]): string =>
  `{${members.map(({ text }) => text).join(',')}}`

function seal(members: readonly Member[], sha256: string): Buffer {
  const hash = { key: 'sha256', text: `"sha256":"${sha256}"` }
  const index = members.findIndex(({ key }) => key > hash.key)
  const at = index < 0 ? members.length : index
  return Buffer.from(`${joinMembers([...members.slice(0, at), hash, ...members.slice(at)])}\n`)
}

/**
 * Parses and checks a document; its fields, `version` among them, are still to be read by the caller.
 * @throws `damaged` when the bytes are not exactly what {@link encodeDocument} writes,
 *   `newer-format` when the version is higher than known.
 */
export function decodeDocument(kind: DocumentKind, bytes: Uint8Array, file: string): JsonObject {
  const place = { file }
  const damaged = (reason: string): never =>
    fail(
      'damaged',
      `${file} is damaged: ${reason}`,
      'Restore the file or the collection from a backup.',
      {
        place,
      },
    )
  const text = Buffer.from(bytes).toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    damaged('not JSON')
  }
  if (!isJsonObject(value)) return damaged('not a JSON object')
  if (value['format'] !== kind.format) return damaged(`not a ${kind.format} document`)
  const version = value['version']
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1) {
    return damaged(`unknown version ${JSON.stringify(version)}`)
  }
  if (version > kind.version) {
    fail(
      'newer-format',
      `${file} has ${kind.format} version ${version}; this build reads up to ${kind.version}`,
      'Upgrade Vectra DR and run the command again; nothing was changed.',
      { place },
    )
  }
  const { sha256, ...plain } = value
  // plain JSON, as it was parsed; half a pair of surrogates is written in two ways
  const textOf = text.includes('\\ud')
    ? canonicalJson
    : (part: unknown) => canonicalText(part as JsonValue)
  const canonical = (part: JsonObject): Member[] => {
    try {
      return canonicalMembers(part, textOf)
    } catch {
      return damaged('it holds what no document holds: endless nesting or numbers') // overflows
    }
  }
  const members = canonical(plain)
  const expected = sha256Hex(joinMembers(members))
  if (sha256 !== expected) return damaged('its SHA-256 does not match')
  // bytes, not text: text that is not UTF-8 may decode to the same characters
  if (!seal(members, expected).equals(bytes)) damaged('bytes beyond the document')
  return value
}
