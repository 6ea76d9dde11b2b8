/**
 * The graph file: the links of one segment's HNSW graph, without the vectors.
 *
 * | offset | size | field |
 * | --- | --- | --- |
 * | 0 | 8 | magic `VDRGRA\r\n` |
 * | 8 | 2 | u16 version, 1 |
 * | 10 | 2 | u16 checksum algorithm, 1 = CRC-32 |
 * | 12 | 4 | u32 metric: 0 cosine, 1 l2, 2 ip |
 * | 16 | 8 | u64 segment number |
 * | 24 | 4 | u32 count |
 * | 28 | 4 | u32 dimension |
 * | 32 | 4 | u32 M: links per element and upper level; level 0 has 2 M |
 * | 36 | 4 | u32 efConstruction |
 * | 40 | 4 | u32 max level |
 * | 44 | 4 | u32 entry point |
 * | 48 | 8 | f64 level multiplier, 1 / ln M |
 * | 56 | 8 | u64 bytes of the body |
 * | 64 | 4 | u32 CRC-32 of the body |
 * | 68 | 4 | u32 CRC-32 of bytes 0–67 |
 * | 72 | count | body: level of each element, u8 |
 * | … | 0–3 | zeros up to a multiple of 4 |
 * | … | count × 4 × (1 + 2 M) | level 0: link count, 2 M links, u32 each |
 * | … | levels × 4 × (1 + M) | upper levels 1, 2, … of each element in turn: link count, M links |
 *
 * All little-endian. Bytes 0–71 keep their places in every version, so that a flipped bit in the version
 * is damage and not a newer file. Links are element numbers; element i is row i of the segment's vectors,
 * so labels are not stored. Slots beyond a link count hold what hnswlib left there: kept, so that
 * the spliced file equals the saved one, and held to the same bound.
 *
 * Reading is in graph-check.ts, because a graph is never read without its full check.
 */
import { CRC32_ALGORITHM, crc32 } from '../base/checksum.ts'
import type { Metric } from './config.ts'

export const GRAPH_VERSION = 1
export const GRAPH_HEADER_BYTES = 72

export const graphMagic = Buffer.from('VDRGRA\r\n', 'latin1')
export const headerCrcOffset = 68
export const metricCodes = { cosine: 0, l2: 1, ip: 2 } as const satisfies Record<Metric, number>

/** What a graph belongs to and was built with. A file that says something else is refused. */
export interface GraphSettings {
  readonly segment: number
  readonly count: number
  readonly dimension: number
  readonly metric: Metric
  readonly m: number
  readonly efConstruction: number
}

/** Where a search enters the graph. */
export interface GraphTop {
  readonly maxLevel: number
  readonly entryPoint: number
  readonly levelMultiplier: number
}

export interface Graph {
  readonly settings: GraphSettings
  readonly top: GraphTop
  /** The graph file these views look into; its header is written by {@link sealGraph}. */
  readonly bytes: Uint8Array
  /** Level of each element. */
  readonly levels: Uint8Array
  /** count blocks of 1 + 2 M: link count, links. */
  readonly level0: Uint32Array
  /** For each element in turn, one block of 1 + M for each of its levels from 1 up. */
  readonly upper: Uint32Array
}

/** u32 words of a link block on level 0 and on the levels above it. */
export const level0Words = (m: number): number => 1 + 2 * m
export const upperWords = (m: number): number => 1 + m

/** Bytes of the levels with their padding. */
export const paddedBytes = (count: number): number => Math.ceil(count / 4) * 4

/** Sum of the levels: how many upper link blocks there are. */
export const sumOf = (levels: Uint8Array): number => {
  let sum = 0
  for (const level of levels) sum += level
  return sum
}

/**
 * A graph with room for its links, which are zero: the caller fills `level0` and `upper` and then
 * calls {@link sealGraph}.
 */
export function newGraph(settings: GraphSettings, top: GraphTop, levels: Uint8Array): Graph {
  const level0Bytes = settings.count * level0Words(settings.m) * 4
  const upperBytes = sumOf(levels) * upperWords(settings.m) * 4
  const bodyBytes = paddedBytes(settings.count) + level0Bytes + upperBytes
  const bytes = new Uint8Array(GRAPH_HEADER_BYTES + bodyBytes)
  bytes.set(levels, GRAPH_HEADER_BYTES)
  return graphViews(bytes, settings, top)
}

/** Writes the header and its checksums over the links as they are; returns the finished file. */
export function sealGraph(graph: Graph): Uint8Array {
  const { settings, top, bytes } = graph
  const body = bytes.subarray(GRAPH_HEADER_BYTES)
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, GRAPH_HEADER_BYTES)
  graphMagic.copy(header, 0)
  header.writeUInt16LE(GRAPH_VERSION, 8)
  header.writeUInt16LE(CRC32_ALGORITHM, 10)
  header.writeUInt32LE(metricCodes[settings.metric], 12)
  header.writeBigUInt64LE(BigInt(settings.segment), 16)
  header.writeUInt32LE(settings.count, 24)
  header.writeUInt32LE(settings.dimension, 28)
  header.writeUInt32LE(settings.m, 32)
  header.writeUInt32LE(settings.efConstruction, 36)
  header.writeUInt32LE(top.maxLevel, 40)
  header.writeUInt32LE(top.entryPoint, 44)
  header.writeDoubleLE(top.levelMultiplier, 48)
  header.writeBigUInt64LE(BigInt(body.length), 56)
  header.writeUInt32LE(crc32(body), 64)
  header.writeUInt32LE(crc32(header.subarray(0, headerCrcOffset)), headerCrcOffset)
  return bytes
}

/** Views of the parts of a graph file whose size is known to be right. */
export function graphViews(bytes: Uint8Array, settings: GraphSettings, top: GraphTop): Graph {
  const { count, m } = settings
  const start = bytes.byteOffset + GRAPH_HEADER_BYTES
  const level0Start = start + paddedBytes(count)
  const level0Length = count * level0Words(m)
  const upperStart = level0Start + level0Length * 4
  const upperBytes = bytes.byteOffset + bytes.length - upperStart
  return {
    settings,
    top,
    bytes,
    levels: new Uint8Array(bytes.buffer, start, count),
    level0: new Uint32Array(bytes.buffer, level0Start, level0Length),
    upper: new Uint32Array(bytes.buffer, upperStart, upperBytes / 4),
  }
}
