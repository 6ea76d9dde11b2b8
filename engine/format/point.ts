/**
 * A point and its canonical bytes.
 *
 * | offset | size | field |
 * | --- | --- | --- |
 * | 0 | 1 | id tag: 0 unsigned integer, 1 UTF-8 text |
 * | 1 | 4 | u32 length of the id in bytes (8 for an integer) |
 * | 5 | n | the id; an integer is u64 |
 * | 5 + n | 4 | u32 dimension |
 * | 9 + n | 4 × dimension | float32 values as accepted, −0 stored as 0 |
 * | … | rest | metadata, canonical JSON (RFC 8785); absent is `{}` |
 *
 * All little-endian. The content digest sums the SHA-256 of these bytes, and the WAL carries them:
 * they are the one meaning of "the same point" in every engine and layout.
 */
import { isUtf8 } from 'node:buffer'
import { canonicalText, checkJson, isJsonObject, type JsonObject } from '../base/canonical-json.ts'
import { sha256 } from '../base/checksum.ts'
import { fail } from '../base/errors.ts'
import { KiB, limits } from '../base/limits.ts'
import type { CollectionConfig } from './config.ts'

/** A number is an unsigned safe integer. `5` and `'5'` are different ids. */
export type PointId = string | number

export interface Point {
  readonly id: PointId
  readonly vector: Float32Array
  readonly metadata: JsonObject
}

/** What a caller hands in; checked by {@link acceptPoint}. */
export interface PointInput {
  readonly id: unknown
  readonly vector: unknown
  readonly metadata?: unknown
}

/** A checked point in the form that is logged and stored. */
export interface StoredPoint {
  readonly id: PointId
  readonly vector: Float32Array
  /** Canonical JSON text. */
  readonly metadata: string
  /** The canonical bytes, as the table above. */
  readonly bytes: Buffer
}

export const INTEGER_ID = 0
export const TEXT_ID = 1
const integerIdBytes = 8
const pointHeaderBytes = 5
/** An integer id is two 32-bit words: a BigInt for each would be garbage for each. */
const wordSpace = 2 ** 32
/** Upper 32 bits of 2^53 − 1. */
const maxHighWord = 0x1fffff

/** How an id, or what stands in its place, is named in messages: text is quoted. Never throws. */
export const showId = (id: unknown): string => {
  if (typeof id === 'string') return JSON.stringify(id.length > 80 ? `${id.slice(0, 77)}…` : id)
  if (typeof id === 'object' && id !== null) return Array.isArray(id) ? 'a list' : 'an object'
  return typeof id === 'function' ? 'a function' : String(id)
}

/** Integers before text; by value. Equal distances then have one order in every layout. */
export function compareIds(a: PointId, b: PointId): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (typeof a === 'number') return -1
  if (typeof b === 'number') return 1
  return a < b ? -1 : a > b ? 1 : 0
}

/** @throws `invalid-point` */
export function acceptId(id: unknown): PointId {
  if (typeof id === 'number') {
    if (!Number.isSafeInteger(id) || id < 0) {
      fail(
        'invalid-point',
        `the id ${id} is not an unsigned integer below 2^53`,
        'Use an integer from 0 to 9007199254740991, or text.',
      )
    }
    return id === 0 ? 0 : id // −0 becomes 0
  }
  if (typeof id !== 'string') {
    return fail(
      'invalid-point',
      `an id is ${showId(id)}`,
      'Give every point an "id": text or an integer.',
    )
  }
  if (id === '' || Buffer.byteLength(id) > limits.idBytes || !id.isWellFormed()) {
    fail(
      'invalid-point',
      `the id ${showId(id)} is empty, not valid Unicode or longer than ${limits.idBytes} bytes`,
      `Use 1 to ${limits.idBytes} bytes of UTF-8.`,
    )
  }
  return id
}

/** No vector longer than this where distances are sums of float32 squares: they would overflow. */
const maxNorm = 9e18

export type VectorConfig = Pick<CollectionConfig, 'dimension' | 'metric'>

/**
 * A checked float32 copy of `values`.
 * @param where names the vector in messages, e.g. `point "laptop"`
 * @throws `invalid-vector`: wrong dimension, a component that is no finite float32, a norm that
 *   cannot be used with the metric
 */
export function acceptVector(values: unknown, config: VectorConfig, where: string): Float32Array {
  return copyVector(values, config, where, new Float32Array(config.dimension))
}

/** Checks `values` and writes them to `vector`, which has the dimension and is returned. @throws `invalid-vector` */
function copyVector(
  values: unknown,
  { dimension, metric }: VectorConfig,
  where: string,
  vector: Float32Array,
): Float32Array {
  if (
    !Array.isArray(values) &&
    !(values instanceof Float32Array) &&
    !(values instanceof Float64Array)
  ) {
    return fail('invalid-vector', `${where} has no vector`, 'Give "vector" as a list of numbers.')
  }
  if (values.length !== dimension) {
    fail(
      'invalid-vector',
      `${where} has ${values.length} values, the collection has dimension ${dimension}`,
      'Embed with the model that the collection was made for, or create one of that dimension.',
    )
  }
  let squares = 0
  for (let i = 0; i < dimension; i++) {
    const value: unknown = values[i]
    const rounded = typeof value === 'number' ? Math.fround(value) + 0 : Number.NaN
    if (!Number.isFinite(rounded)) {
      fail(
        'invalid-vector',
        `${where} has ${showComponent(value)} at position ${i}, which is not a finite float32`,
        'Every component must be a number within ±3.4e38; look for a failed embedding.',
      )
    }
    vector[i] = rounded
    squares += rounded * rounded
  }
  if (metric === 'cosine' && squares === 0) {
    fail(
      'invalid-vector',
      `${where} is all zeros, which has no direction for the cosine metric`,
      'Leave the point out, or use the metric l2 or ip.',
    )
  }
  if (metric !== 'cosine' && Math.sqrt(squares) > maxNorm) {
    fail(
      'invalid-vector',
      `${where} has a norm above ${maxNorm}; its distances would overflow float32`,
      'Scale the vectors down.',
    )
  }
  return vector
}

const showComponent = (value: unknown): string =>
  typeof value === 'number' ? String(value) : showId(value)

/**
 * Checks one point as a whole: nothing of a batch may be kept when one of its points is refused.
 * @throws `invalid-point`, `invalid-vector`
 */
export function acceptPoint(input: PointInput, config: CollectionConfig): StoredPoint {
  if (typeof input !== 'object' || input === null) {
    return fail(
      'invalid-point',
      `a point is ${showId(input)}`,
      'Give every point as an object with "id", "vector" and, if wanted, "metadata".',
    )
  }
  const id = acceptId(input.id)
  const where = `point ${showId(id)}`
  const checked = copyVector(input.vector, config, where, scratchOf(config.dimension))
  const metadata = input.metadata ?? {}
  if (!isJsonObject(metadata)) {
    return fail(
      'invalid-point',
      `${where} has metadata that is not an object`,
      'Use a JSON object.',
    )
  }
  checkJson(metadata, `the metadata of ${where}`)
  const text = canonicalText(metadata)
  if (Buffer.byteLength(text) > limits.metadataBytes) {
    fail(
      'invalid-point',
      `${where} has more than ${limits.metadataBytes} bytes of metadata`,
      'Keep large payloads elsewhere and store a reference.',
    )
  }
  // one piece of memory a point: the vector is seen in the canonical bytes, aligned for that
  const vectorAt = vectorStart(id)
  const bytes = takeSlice(vectorAt + checked.byteLength + Buffer.byteLength(text), vectorAt)
  writePoint(bytes, id, checked, text)
  const vector = new Float32Array(bytes.buffer, bytes.byteOffset + vectorAt, config.dimension)
  return { id, vector, metadata: text, bytes }
}

/** All of a batch. @throws as {@link acceptPoint}: a hole in the list is a point that is not there */
export function acceptPoints(
  points: readonly PointInput[],
  config: CollectionConfig,
): StoredPoint[] {
  const accepted: StoredPoint[] = []
  // by index: forEach and map would pass over holes
  for (let at = 0; at < points.length; at++) {
    accepted.push(acceptPoint(points[at] as PointInput, config))
  }
  return accepted
}

/** Where vectors are checked before they have a place of their own: nothing keeps it. */
let scratch = new Float32Array(0)

function scratchOf(dimension: number): Float32Array {
  if (scratch.length !== dimension) scratch = new Float32Array(dimension)
  return scratch
}

/**
 * Memory that accepted points share. A point is let go as soon as it is logged and applied, and one
 * allocation a point is what collecting garbage spends its time on.
 */
const slabBytes = 256 * KiB
let slab = Buffer.alloc(0)
let slabUsed = 0

/** Memory that nobody else has, not cleared; its byte `aligned` lies at a multiple of 4. */
function takeSlice(sizeBytes: number, aligned: number): Buffer {
  if (sizeBytes > slabBytes / 4) {
    const own = Buffer.allocUnsafeSlow(sizeBytes + 3)
    const start = -(own.byteOffset + aligned) & 3
    return own.subarray(start, start + sizeBytes)
  }
  if (slabUsed + sizeBytes + 3 > slab.length) {
    slab = Buffer.allocUnsafeSlow(slabBytes)
    slabUsed = 0
  }
  const start = slabUsed + (-(slab.byteOffset + slabUsed + aligned) & 3)
  slabUsed = start + sizeBytes
  return slab.subarray(start, slabUsed)
}

/** Bytes that an id takes: tag, length, id. */
export const idBytesOf = (id: PointId): number =>
  pointHeaderBytes + (typeof id === 'number' ? integerIdBytes : Buffer.byteLength(id))

/** Writes an id's bytes, `idBytes` of them, at the start of `bytes`. */
function writeId(bytes: Buffer, id: PointId, idBytes: number): void {
  bytes[0] = typeof id === 'number' ? INTEGER_ID : TEXT_ID
  bytes.writeUInt32LE(idBytes - pointHeaderBytes, 1)
  if (typeof id === 'number') {
    bytes.writeUInt32LE(id % wordSpace, pointHeaderBytes)
    bytes.writeUInt32LE(Math.floor(id / wordSpace), pointHeaderBytes + 4)
  } else {
    bytes.write(id, pointHeaderBytes, 'utf8')
  }
}

/** Bytes of an id: tag, length, id. */
export function encodeId(id: PointId): Buffer {
  const bytes = Buffer.allocUnsafe(idBytesOf(id))
  writeId(bytes, id, bytes.length)
  return bytes
}

/**
 * Where the id at `offset` ends.
 * @throws RangeError when these are not the bytes of an id, or they reach beyond the buffer
 */
export function idEnd(bytes: Buffer, offset: number): number {
  const tag = bytes.readUInt8(offset)
  const length = bytes.readUInt32LE(offset + 1)
  const start = offset + pointHeaderBytes
  const end = start + length
  if (end > bytes.length) throw new RangeError('id beyond the buffer')
  const whole =
    tag === INTEGER_ID
      ? length === integerIdBytes && bytes.readUInt32LE(start + 4) <= maxHighWord
      : tag === TEXT_ID &&
        length > 0 &&
        length <= limits.idBytes &&
        isUtf8(bytes.subarray(start, end))
  if (!whole) throw new RangeError('not an id')
  return end
}

/** Reads an id at `offset`; returns it and where it ends. @throws RangeError as {@link idEnd} */
export function decodeId(bytes: Buffer, offset: number): { id: PointId; end: number } {
  const end = idEnd(bytes, offset)
  const start = offset + pointHeaderBytes
  const isInteger = bytes.readUInt8(offset) === INTEGER_ID
  const id = isInteger
    ? bytes.readUInt32LE(start) + wordSpace * bytes.readUInt32LE(start + 4)
    : bytes.toString('utf8', start, end)
  return { id, end }
}

/** Canonical bytes, as the table above. `metadata` is canonical JSON text. */
export function encodePoint(id: PointId, vector: Float32Array, metadata: string): Buffer {
  const metadataAt = vectorStart(id) + vector.byteLength
  const bytes = Buffer.allocUnsafe(metadataAt + Buffer.byteLength(metadata))
  writePoint(bytes, id, vector, metadata)
  return bytes
}

/** Where the vector starts in the canonical bytes of a point with this id. */
const vectorStart = (id: PointId): number => idBytesOf(id) + 4

/** Fills `bytes`, which has the length of the point. */
function writePoint(bytes: Buffer, id: PointId, vector: Float32Array, metadata: string): void {
  const idBytes = idBytesOf(id)
  writeId(bytes, id, idBytes)
  bytes.writeUInt32LE(vector.length, idBytes)
  bytes.set(floatBytes(vector), idBytes + 4)
  bytes.write(metadata, idBytes + 4 + vector.byteLength, 'utf8')
}

/** @throws RangeError when the bytes are not a point of this dimension */
export function decodePoint(bytes: Buffer, dimension: number): StoredPoint {
  const { id, end } = decodeId(bytes, 0)
  if (bytes.readUInt32LE(end) !== dimension) throw new RangeError('wrong dimension')
  const start = end + 4
  const metadataAt = start + 4 * dimension
  if (metadataAt > bytes.length) throw new RangeError('vector beyond the buffer')
  if (!isUtf8(bytes.subarray(metadataAt))) throw new RangeError('metadata is not UTF-8')
  const vector = new Float32Array(dimension)
  floatBytes(vector).set(bytes.subarray(start, metadataAt))
  return { id, vector, metadata: bytes.toString('utf8', metadataAt), bytes }
}

/** SHA-256 of the canonical bytes: the point's term in the content digest. */
export const hashPoint = (point: Pick<StoredPoint, 'bytes'>): Buffer => sha256(point.bytes)

/** The bytes of a float32 array, not copied. */
export const floatBytes = (vector: Float32Array): Buffer =>
  Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength)

/** The point as callers see it. @throws `damaged` as {@link readMetadata} */
export const toPoint = (stored: Omit<StoredPoint, 'bytes'>): Point => ({
  id: stored.id,
  vector: stored.vector,
  metadata: readMetadata(stored.metadata, stored.id),
})

/**
 * The object that stored metadata is the text of. Every checksum and digest can hold over text that is
 * none: a repository is data, and somebody else may have written it.
 * @throws `damaged` naming the point, and the segment where it is known
 */
export function readMetadata(text: string, id: PointId, segment?: number): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // told below: no JSON at all and JSON of something else are the same damage
  }
  if (isJsonObject(value)) return value
  const where = segment === undefined ? '' : ` in segment ${segment}`
  return fail(
    'damaged',
    `the metadata of point ${JSON.stringify(id)}${where} is not a JSON object`,
    'This engine did not write it: find out where the collection was restored from. Writing the point again replaces it.',
  )
}
