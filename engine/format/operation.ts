/**
 * What a log record says: the operation, and the payload that stands for it.
 *
 * Payloads: upsert = u32 count, then per point u32 length and its canonical bytes; delete = u32 count,
 * then the ids (tag, length, bytes); digest = the 32-byte content digest after the record before, and
 * u64 live points. All little-endian.
 */
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import {
  decodeId,
  decodePoint,
  encodeId,
  idBytesOf,
  type PointId,
  type StoredPoint,
} from './point.ts'

const DIGEST_PAYLOAD_BYTES = 40

export type Operation =
  | { readonly kind: 'upsert'; readonly points: readonly StoredPoint[] }
  | { readonly kind: 'delete'; readonly ids: readonly PointId[] }
  | { readonly kind: 'digest'; readonly digest: string; readonly count: number }

/** Bytes of an operation's payload. @throws `limit-exceeded` above the record bound */
export function checkedPayloadBytes(operation: Operation): number {
  const sizeBytes = payloadBytes(operation)
  if (sizeBytes > limits.walPayloadBytes) {
    fail(
      'limit-exceeded',
      `one write of ${sizeBytes} bytes is above the ${limits.walPayloadBytes} a log record may have`,
      'Write fewer points at once (--batch).',
    )
  }
  return sizeBytes
}

/** @returns the payload of an operation. @throws `limit-exceeded` above the record bound */
export function encodeOperation(operation: Operation): Buffer {
  const payload = Buffer.allocUnsafe(checkedPayloadBytes(operation))
  writeOperation(payload, operation)
  return payload
}

/** Fills `payload`, which has the length of the operation's payload. */
export function writeOperation(payload: Buffer, operation: Operation): void {
  switch (operation.kind) {
    case 'upsert':
      writeUpsert(payload, operation.points)
      return
    case 'delete':
      writeDelete(payload, operation.ids)
      return
    case 'digest':
      payload.write(operation.digest, 0, 'hex')
      payload.writeBigUInt64LE(BigInt(operation.count), 32)
      return
    default:
      operation satisfies never
  }
}

/** By iterator: a hole in the list is an error here, not a count that does not fit. */
function payloadBytes(operation: Operation): number {
  let sizeBytes = 4
  switch (operation.kind) {
    case 'upsert':
      for (const { bytes } of operation.points) sizeBytes += 4 + bytes.length
      return sizeBytes
    case 'delete':
      for (const id of operation.ids) sizeBytes += idBytesOf(id)
      return sizeBytes
    case 'digest':
      return DIGEST_PAYLOAD_BYTES
    default:
      return operation satisfies never
  }
}

function writeUpsert(payload: Buffer, points: readonly StoredPoint[]): void {
  payload.writeUInt32LE(points.length)
  let offset = 4
  for (const { bytes } of points) {
    payload.writeUInt32LE(bytes.length, offset)
    payload.set(bytes, offset + 4)
    offset += 4 + bytes.length
  }
}

function writeDelete(payload: Buffer, ids: readonly PointId[]): void {
  payload.writeUInt32LE(ids.length)
  let offset = 4
  for (const id of ids) offset += encodeId(id).copy(payload, offset)
}

/** @throws RangeError when the payload is not what its checksum promised: a bug, not damage */
export function decodeOperation(
  record: { readonly kind: Operation['kind']; readonly payload: Buffer },
  dimension: number,
): Operation {
  const { payload } = record
  if (record.kind === 'digest') {
    if (payload.length !== DIGEST_PAYLOAD_BYTES) throw new RangeError('bad digest record')
    return {
      kind: 'digest',
      digest: payload.toString('hex', 0, 32),
      count: Number(payload.readBigUInt64LE(32)),
    }
  }
  const count = payload.readUInt32LE(0)
  let offset = 4
  if (record.kind === 'delete') {
    const ids: PointId[] = []
    for (let i = 0; i < count; i++) {
      const { id, end } = decodeId(payload, offset)
      ids.push(id)
      offset = end
    }
    if (offset !== payload.length) throw new RangeError('bytes after the last id')
    return { kind: 'delete', ids }
  }
  const points: StoredPoint[] = []
  for (let i = 0; i < count; i++) {
    const length = payload.readUInt32LE(offset)
    offset += 4
    points.push(decodePoint(payload.subarray(offset, offset + length), dimension))
    offset += length
  }
  if (offset !== payload.length) throw new RangeError('bytes after the last point')
  return { kind: 'upsert', points }
}
