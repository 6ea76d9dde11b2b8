/**
 * A message between two nodes: a JSON object and bytes, with a hash over both.
 *
 * | offset | size | field |
 * | --- | --- | --- |
 * | 0 | 8 | magic `VDRMSG\r\n` |
 * | 8 | 2 | u16 version, little-endian |
 * | 10 | 2 | zero |
 * | 12 | 4 | u32 length of the JSON text in bytes, little-endian |
 * | 16 | 32 | SHA-256 of everything after it, and of bytes 0–15 before it |
 * | 48 | n | JSON text, UTF-8 |
 * | 48 + n | rest | bytes |
 *
 * A message that was cut, or of which one bit flipped on its way, is refused before anything in it is read.
 */
import { isJsonObject, type JsonObject } from '../base/canonical-json.ts'
import { sha256 } from '../base/checksum.ts'
import { fail } from '../base/errors.ts'

export interface Message {
  readonly header: JsonObject
  readonly body: Buffer
}

export const MESSAGE_HEADER_BYTES = 48
const version = 1
const magic = Buffer.from('VDRMSG\r\n', 'latin1')

/** The bytes of a message. */
export function encodeMessage(header: object, body: Uint8Array = Buffer.alloc(0)): Buffer {
  const text = Buffer.from(JSON.stringify(header))
  const head = Buffer.alloc(MESSAGE_HEADER_BYTES)
  magic.copy(head)
  head.writeUInt16LE(version, 8)
  head.writeUInt32LE(text.length, 12)
  const bytes = Buffer.concat([head, text, body])
  hashOf(bytes).copy(bytes, 16)
  return bytes
}

/** @throws `damaged`, `newer-format` */
export function decodeMessage(bytes: Buffer, from: string): Message {
  const damaged = (reason: string): never =>
    fail('damaged', `a message from ${from} is damaged: ${reason}`, 'It is asked for again.')
  if (bytes.length < MESSAGE_HEADER_BYTES) damaged(`${bytes.length} bytes are no message`)
  if (!bytes.subarray(0, 8).equals(magic)) damaged('it is no message of a node')
  if (bytes.readUInt16LE(8) > version) {
    fail(
      'newer-format',
      `a message from ${from} has version ${bytes.readUInt16LE(8)}; this build reads up to ${version}`,
      'Upgrade this node.',
    )
  }
  if (!hashOf(bytes).equals(bytes.subarray(16, MESSAGE_HEADER_BYTES))) damaged('its SHA-256')
  const end = MESSAGE_HEADER_BYTES + bytes.readUInt32LE(12)
  if (end > bytes.length) damaged('its length')
  const header = parsed(bytes.toString('utf8', MESSAGE_HEADER_BYTES, end))
  if (!isJsonObject(header)) return damaged('its header is no object')
  return { header, body: bytes.subarray(end) }
}

/** The value of a text, or undefined: a hash that fits says nothing of who made it. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const hashOf = (bytes: Buffer): Buffer =>
  sha256(Buffer.concat([bytes.subarray(0, 16), bytes.subarray(MESSAGE_HEADER_BYTES)]))
