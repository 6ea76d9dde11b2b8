/**
 * The lists file: the inverted lists of one segment's IVF index, without the vectors.
 *
 * After the segment header (`extra` = number of lists; its LSN is 0, lists are derived):
 * | offset | size | field |
 * | --- | --- | --- |
 * | 64 | 4 | u32 metric: 0 cosine, 1 l2, 2 ip |
 * | 68 | 4 | u32 lists that the config asked for |
 * | 72 | lists × dimension × 4 | centroids, row-major float32 |
 * | … | lists × 4 | u32 length of each list |
 * | … | count × 4 | u32 ordinals, list after list, rising within a list |
 * | … | 4 | u32 CRC-32 of all bytes from offset 64 on |
 *
 * All little-endian. Ordinal i is row i of the segment's vectors. Reading checks everything: every
 * ordinal stands in exactly one list, the lengths add up, the centroids are finite. What passes may be
 * a poor index, never one that misses a point.
 */
import assert from 'node:assert/strict'
import { crc32 } from '../base/checksum.ts'
import { limits } from '../base/limits.ts'
import type { Metric } from './config.ts'
import { metricCodes } from './graph-file.ts'
import {
  damagedSegment,
  decodeSegmentHeader,
  encodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
} from './segment-header.ts'

const parametersAt = SEGMENT_HEADER_BYTES
const centroidsAt = parametersAt + 8

/** What lists belong to and were trained for. A file that says something else is refused. */
export interface ListsSettings {
  readonly segment: number
  readonly count: number
  readonly dimension: number
  readonly metric: Metric
  /** Lists that the config asks for; a small segment has fewer. */
  readonly lists: number
}

export interface Lists {
  /** lists × dimension, row-major. */
  readonly centroids: Float32Array
  /** Where each list starts in `ordinals`, and at the end where the last one ends. */
  readonly starts: Uint32Array
  /** Every ordinal once, list after list. */
  readonly ordinals: Uint32Array
}

/** Bytes of the file; the same lists and settings give the same bytes. */
export function encodeLists(lists: Lists, settings: ListsSettings): Uint8Array<ArrayBuffer> {
  const { centroids, starts, ordinals } = lists
  const number = starts.length - 1
  assert.equal(centroids.length, number * settings.dimension, 'each list has a centroid')
  assert.equal(ordinals.length, settings.count, 'each row has a place')
  const bodyBytes = 8 + centroids.byteLength + 4 * number + ordinals.byteLength + 4
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES + bodyBytes)
  const buffer = Buffer.from(bytes.buffer)
  encodeSegmentHeader('lists', {
    number: settings.segment,
    count: settings.count,
    dimension: settings.dimension,
    lsn: 0,
    bodyBytes,
    extra: number,
  }).copy(buffer)
  buffer.writeUInt32LE(metricCodes[settings.metric], parametersAt)
  buffer.writeUInt32LE(settings.lists, parametersAt + 4)
  new Float32Array(bytes.buffer, centroidsAt, centroids.length).set(centroids)
  const lengthsAt = centroidsAt + centroids.byteLength
  for (let list = 0; list < number; list++) {
    const length = (starts[list + 1] ?? 0) - (starts[list] ?? 0)
    buffer.writeUInt32LE(length, lengthsAt + 4 * list)
  }
  new Uint32Array(bytes.buffer, lengthsAt + 4 * number, ordinals.length).set(ordinals)
  const end = bytes.length - 4
  buffer.writeUInt32LE(crc32(bytes.subarray(SEGMENT_HEADER_BYTES, end)), end)
  return bytes
}

/**
 * Checks a lists file in full and returns views into it. `file` is named in errors. `bytes` is copied
 * only when it does not start at a multiple of 4.
 * @throws `damaged` with the offset of the first thing that is wrong, `newer-format`
 */
export function decodeLists(bytes: Uint8Array, expected: ListsSettings, file: string): Lists {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : Uint8Array.from(bytes)
  const buffer = Buffer.from(aligned.buffer, aligned.byteOffset, aligned.length)
  const { segment: number, count, dimension } = expected
  const stamp = { number, count, dimension }
  const header = decodeSegmentHeader('lists', buffer, buffer.length, stamp, file)
  const lists = header.extra
  // before anything is multiplied or allocated: no more lists than points or than the bound
  if (lists < 1 || lists > Math.min(count, limits.ivfLists)) {
    damagedSegment(file, 40, `${lists} lists for ${count} points`)
  }
  const lengthsAt = centroidsAt + 4 * lists * dimension
  const ordinalsAt = lengthsAt + 4 * lists
  const end = ordinalsAt + 4 * count
  if (buffer.length !== end + 4) damagedSegment(file, 32, 'its lengths do not add up')
  if (buffer.readUInt32LE(end) !== crc32(buffer.subarray(SEGMENT_HEADER_BYTES, end))) {
    damagedSegment(file, end, 'checksum')
  }
  checkParameters(buffer, expected, file)
  const view = { buffer: aligned.buffer, at: aligned.byteOffset }
  const centroids = new Float32Array(view.buffer, view.at + centroidsAt, lists * dimension)
  const bad = centroids.findIndex((value) => !Number.isFinite(value))
  if (bad >= 0) damagedSegment(file, centroidsAt + 4 * bad, 'a centroid that is not finite')
  const ordinals = new Uint32Array(view.buffer, view.at + ordinalsAt, count)
  const starts = readStarts(buffer, { lengthsAt, lists, count }, file)
  checkOrdinals(ordinals, starts, ordinalsAt, file)
  return { centroids, starts, ordinals }
}

function checkParameters(buffer: Buffer, expected: ListsSettings, file: string): void {
  if (buffer.readUInt32LE(parametersAt) !== metricCodes[expected.metric]) {
    damagedSegment(file, parametersAt, `its metric is not ${expected.metric}`)
  }
  const asked = buffer.readUInt32LE(parametersAt + 4)
  if (asked !== expected.lists) {
    damagedSegment(file, parametersAt + 4, `it was made for ${asked} lists, not ${expected.lists}`)
  }
}

function readStarts(
  buffer: Buffer,
  { lengthsAt, lists, count }: { lengthsAt: number; lists: number; count: number },
  file: string,
): Uint32Array {
  const starts = new Uint32Array(lists + 1)
  let sum = 0
  for (let list = 0; list < lists; list++) {
    sum += buffer.readUInt32LE(lengthsAt + 4 * list)
    if (sum > count) damagedSegment(file, lengthsAt + 4 * list, 'more places than points')
    starts[list + 1] = sum
  }
  if (sum !== count) damagedSegment(file, lengthsAt, `${sum} places for ${count} points`)
  return starts
}

/** Rising within a list, below the count and each one once: then none is missing. */
function checkOrdinals(
  ordinals: Uint32Array,
  starts: Uint32Array,
  ordinalsAt: number,
  file: string,
): void {
  const seen = new Uint8Array(ordinals.length)
  for (let list = 0; list + 1 < starts.length; list++) {
    let previous = -1
    const to = starts[list + 1] ?? 0
    for (let place = starts[list] ?? 0; place < to; place++) {
      const ordinal = ordinals[place] ?? 0
      if (ordinal <= previous || ordinal >= ordinals.length || seen[ordinal] === 1) {
        damagedSegment(file, ordinalsAt + 4 * place, 'ordinal')
      }
      seen[ordinal] = 1
      previous = ordinal
    }
  }
}
