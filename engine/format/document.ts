/**
 * Self-checking JSON documents: manifests, configs, catalogues, locks, snapshot manifests.
 *
 * One JSON object in canonical form (RFC 8785) and a newline. `format` names the kind of document,
 * `version` its layout, `sha256` is the hash of the canonical object without that field. A reader
 * re-serialises what it parsed and demands the same bytes, so that a flipped bit, a duplicate key,
 * trailing bytes or a truncation cannot pass: either the hash or the form differs. The version is
 * looked at first, because a newer one may be sealed in another way.
 */
import { canonicalJson, isJsonObject, type JsonObject } from '../base/canonical-json.ts'
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
  const plain = { ...body, format: kind.format, version }
  const sealed = { ...plain, sha256: sha256Hex(canonicalJson(plain)) }
  return Buffer.from(`${canonicalJson(sealed)}\n`)
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
  const canonical = (part: JsonObject): string => {
    try {
      return canonicalJson(part)
    } catch {
      return damaged('it holds what no document holds: endless nesting or numbers') // overflows
    }
  }
  if (sha256 !== sha256Hex(canonical(plain))) return damaged('its SHA-256 does not match')
  // bytes, not text: text that is not UTF-8 may decode to the same characters
  if (!Buffer.from(`${canonical(value)}\n`).equals(bytes)) damaged('bytes beyond the document')
  return value
}
