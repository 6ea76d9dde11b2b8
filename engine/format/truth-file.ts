/**
 * What golden queries need of one segment, so that the next backup does not scan it again. Derived from
 * the segment's points and vectors; a later one is a file of its own.
 *
 * After the segment header (`extra` = number of queries, LSN = of the state whose dead rows it left out):
 * | size | field |
 * | --- | --- |
 * | 4 | u32 candidates |
 * | 4 | u32 1: the candidates are all live rows; 0: the first of them |
 * | 4 × candidates | u32 ordinals, by the SHA-256 of their ids, smallest first |
 * | … | for each query: |
 * | 32 | SHA-256 of the query point's canonical bytes (its id, vector and metadata) |
 * | 4 | u32 rows held |
 * | 4 | u32 1: all live rows are held; 0: the nearest of them |
 * | 4 × held | u32 ordinals, nearest first |
 * | 8 × held | f64 their distances |
 * | 4 | u32 checksum of everything between header and here |
 *
 * Both lists are prefixes of an order: rows that die later leave gaps, and what is not held comes after
 * the last one that is.
 */
import { crc32 } from '../base/checksum.ts'
import { HASH_BYTES } from './points-file.ts'
import {
  damagedSegment,
  decodeSegmentHeader,
  encodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentExpectation,
} from './segment-header.ts'

/** The first rows in the order of the SHA-256 of their ids. */
export interface Candidates {
  readonly ordinals: readonly number[]
  /** There were no others. */
  readonly complete: boolean
}

/** The nearest rows to one query, nearest first. */
export interface QueryTruth extends Candidates {
  readonly distances: readonly number[]
}

export interface SegmentTruth {
  readonly candidates: Candidates
  /** By the SHA-256 of the query point, hex. */
  readonly queries: ReadonlyMap<string, QueryTruth>
}

/** @returns the file's bytes; queries in the order of their keys */
export function encodeTruth(
  { candidates, queries }: SegmentTruth,
  segment: { number: number; count: number; dimension: number; lsn: number },
): Buffer {
  const parts = [encodeList(candidates)]
  for (const [key, truth] of [...queries].sort(([a], [b]) => (a < b ? -1 : 1))) {
    parts.push(Buffer.from(key, 'hex'), encodeList(truth), encodeDistances(truth.distances))
  }
  const body = Buffer.concat(parts)
  const bodyBytes = body.length + 4
  const header = encodeSegmentHeader('truth', { ...segment, bodyBytes, extra: queries.size })
  return Buffer.concat([header, body, u32([crc32(body)])])
}

/** @throws `damaged`, `newer-format` */
export function decodeTruth(
  bytes: Buffer,
  expected: SegmentExpectation,
  file: string,
): SegmentTruth {
  const header = decodeSegmentHeader('truth', bytes, bytes.length, expected, file)
  const end = bytes.length - 4
  if (end < SEGMENT_HEADER_BYTES) damagedSegment(file, 32, 'shorter than its checksum')
  if (bytes.readUInt32LE(end) !== crc32(bytes.subarray(SEGMENT_HEADER_BYTES, end))) {
    damagedSegment(file, end, 'checksum')
  }
  const reader = new TruthReader(bytes, end, header.count, file)
  const candidates = reader.list()
  const queries = new Map<string, QueryTruth>()
  for (let index = 0; index < header.extra; index++) {
    const key = reader.take(HASH_BYTES).toString('hex')
    const list = reader.list()
    queries.set(key, { ...list, distances: reader.distances(list.ordinals.length) })
  }
  if (!reader.ended || queries.size !== header.extra) {
    damagedSegment(file, 32, 'its lengths do not add up')
  }
  return { candidates, queries }
}

/** Reads on from field to field; a checksum that holds does not make a count one that fits. */
class TruthReader {
  readonly #bytes: Buffer
  readonly #end: number
  readonly #count: number
  readonly #file: string
  #at = SEGMENT_HEADER_BYTES

  constructor(bytes: Buffer, end: number, count: number, file: string) {
    this.#bytes = bytes
    this.#end = end
    this.#count = count
    this.#file = file
  }

  get ended(): boolean {
    return this.#at === this.#end
  }

  take(length: number): Buffer {
    if (this.#at + length > this.#end) this.#refuse('it ends before its last field')
    const taken = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    return taken
  }

  list(): Candidates {
    const head = this.take(8)
    const length = head.readUInt32LE(0)
    const complete = head.readUInt32LE(4)
    if (complete > 1 || length > this.#count) this.#refuse('a list is longer than the segment')
    const words = this.take(4 * length)
    const ordinals = Array.from({ length }, (_, index) => words.readUInt32LE(4 * index))
    const fits = ordinals.every((ordinal) => ordinal < this.#count)
    if (!fits || new Set(ordinals).size !== length) this.#refuse('ordinals')
    return { ordinals, complete: complete === 1 }
  }

  /** They never fall. */
  distances(length: number): number[] {
    const words = this.take(8 * length)
    const distances = Array.from({ length }, (_, index) => words.readDoubleLE(8 * index))
    const rising = distances.every((each, index) => each >= (distances[index - 1] ?? each))
    if (!rising) this.#refuse('distances') // one that is no number neither rises nor equals
    return distances
  }

  #refuse(reason: string): never {
    damagedSegment(this.#file, this.#at, reason)
  }
}

const encodeList = ({ ordinals, complete }: Candidates): Buffer =>
  u32([ordinals.length, complete ? 1 : 0, ...ordinals])

function encodeDistances(distances: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 * distances.length)
  for (const [index, distance] of distances.entries()) bytes.writeDoubleLE(distance, 8 * index)
  return bytes
}

function u32(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, 4 * index)
  return bytes
}
