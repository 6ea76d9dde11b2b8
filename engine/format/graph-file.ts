/**
 * The graph file: the links of one segment's HNSW graph, without the vectors.
 *
 * | offset | size | field |
 * | --- | --- | --- |
 * | 0 | 8 | magic `VDRgraph` |
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
 * hnswlib trusts its input. {@link decodeGraph} is what makes that safe: a graph that passed it cannot
 * lead native code out of its memory, whoever wrote the file and recomputed its checksums.
 */
import { CRC32_ALGORITHM, crc32 } from '../base/checksum.ts'
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Metric } from './config.ts'

export const GRAPH_VERSION = 1
export const GRAPH_HEADER_BYTES = 72

const magic = Buffer.from('VDRgraph', 'latin1')
const headerCrcOffset = 68
const metricCodes = { cosine: 0, l2: 1, ip: 2 } as const satisfies Record<Metric, number>

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

const paddedBytes = (count: number): number => Math.ceil(count / 4) * 4

const sumOf = (levels: Uint8Array): number => {
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
  return viewsOf(bytes, settings, top)
}

/** Writes the header and its checksums over the links as they are; returns the finished file. */
export function sealGraph(graph: Graph): Uint8Array {
  const { settings, top, bytes } = graph
  const body = bytes.subarray(GRAPH_HEADER_BYTES)
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, GRAPH_HEADER_BYTES)
  magic.copy(header, 0)
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

/**
 * Checks a graph file in full and returns views into it: checksums, sizes, settings against what is
 * `expected`, levels, entry point, every link. `file` is named in errors. `bytes` is copied only when
 * it does not start at a multiple of 4.
 * @throws `damaged` with the offset of the first thing that is wrong, `newer-format`
 */
export function decodeGraph(bytes: Uint8Array, expected: GraphSettings, file: string): Graph {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : Uint8Array.from(bytes)
  const check = new Check(file)
  const top = checkHeader(aligned, expected, check)
  const graph = viewsOf(aligned, expected, top)
  checkLevels(graph, check)
  checkLevel0(graph, check)
  checkUpper(graph, check)
  return graph
}

function viewsOf(bytes: Uint8Array, settings: GraphSettings, top: GraphTop): Graph {
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

/** Names the file in every refusal. */
class Check {
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  that(holds: boolean, offset: number, problem: string): asserts holds {
    if (!holds) this.damaged(offset, problem)
  }

  damaged(offset: number, problem: string): never {
    fail(
      'damaged',
      `${this.#file} is damaged at byte ${offset}: ${problem}`,
      'A graph is rebuilt from its vectors: reopen the collection, or restore it with --reindex.',
      { place: { file: this.#file, offset } },
    )
  }

  newer(version: number): never {
    fail(
      'newer-format',
      `${this.#file} has graph file version ${version}; this build reads up to ${GRAPH_VERSION}`,
      'Upgrade Vectra DR and run the command again; nothing was changed.',
      { place: { file: this.#file, offset: 8 } },
    )
  }
}

function checkHeader(bytes: Uint8Array, expected: GraphSettings, check: Check): GraphTop {
  check.that(bytes.length >= GRAPH_HEADER_BYTES, bytes.length, 'it ends inside the header')
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, GRAPH_HEADER_BYTES)
  check.that(header.subarray(0, magic.length).equals(magic), 0, 'it is not a graph file')
  const headerCrc = crc32(header.subarray(0, headerCrcOffset))
  check.that(headerCrc === header.readUInt32LE(headerCrcOffset), 0, 'the header checksum differs')
  const version = header.readUInt16LE(8)
  if (version > GRAPH_VERSION) check.newer(version)
  check.that(version === GRAPH_VERSION, 8, `there is no version ${version}`)
  check.that(header.readUInt16LE(10) === CRC32_ALGORITHM, 10, 'the checksum algorithm is unknown')
  checkSettings(header, expected, check)
  const bodyBytes = bytes.length - GRAPH_HEADER_BYTES
  const declaredBytes = header.readBigUInt64LE(56)
  check.that(declaredBytes === BigInt(bodyBytes), 56, `${bodyBytes} of ${declaredBytes} body bytes`)
  const bodyCrc = crc32(bytes.subarray(GRAPH_HEADER_BYTES))
  check.that(bodyCrc === header.readUInt32LE(64), GRAPH_HEADER_BYTES, 'the body checksum differs')
  return checkTop(header, expected, check)
}

function checkSettings(header: Buffer, expected: GraphSettings, check: Check): void {
  const declared = {
    metric: [12, header.readUInt32LE(12), metricCodes[expected.metric]],
    segment: [16, Number(header.readBigUInt64LE(16)), expected.segment],
    count: [24, header.readUInt32LE(24), expected.count],
    dimension: [28, header.readUInt32LE(28), expected.dimension],
    M: [32, header.readUInt32LE(32), expected.m],
    efConstruction: [36, header.readUInt32LE(36), expected.efConstruction],
  } as const
  for (const [name, [offset, actual, wanted]] of Object.entries(declared)) {
    check.that(actual === wanted, offset, `its ${name} is ${actual}, not ${wanted}`)
  }
}

function checkTop(header: Buffer, { count, m }: GraphSettings, check: Check): GraphTop {
  const maxLevel = header.readUInt32LE(40)
  const entryPoint = header.readUInt32LE(44)
  const levelMultiplier = header.readDoubleLE(48)
  check.that(maxLevel <= limits.hnswMaxLevel, 40, `its max level is ${maxLevel}`)
  check.that(entryPoint < count, 44, `its entry point is ${entryPoint} of ${count} elements`)
  // The C library's logarithm may differ from ours in the last bit.
  const isInverseLog = Math.abs(levelMultiplier * Math.log(m) - 1) < 1e-12
  check.that(isInverseLog, 48, `its level multiplier is ${levelMultiplier}`)
  return { maxLevel, entryPoint, levelMultiplier }
}

/** Levels are within bounds and add up to the size of the file; the entry point is on the highest. */
function checkLevels({ settings, top, bytes, levels }: Graph, check: Check): void {
  const { count, m } = settings
  for (let element = 0; element < count; element++) {
    const level = levels[element] ?? 0
    if (level > top.maxLevel) {
      check.damaged(
        GRAPH_HEADER_BYTES + element,
        `element ${element} is on level ${level}, above the max level ${top.maxLevel}`,
      )
    }
  }
  const level0Start = GRAPH_HEADER_BYTES + paddedBytes(count)
  for (let offset = GRAPH_HEADER_BYTES + count; offset < level0Start; offset++) {
    check.that(bytes[offset] === 0, offset, 'the padding is not zero')
  }
  const entryLevel = levels[top.entryPoint]
  check.that(entryLevel === top.maxLevel, 44, `its entry point is on level ${entryLevel}`)
  const upperStart = level0Start + count * level0Words(m) * 4
  const expectedBytes = upperStart + sumOf(levels) * upperWords(m) * 4
  check.that(bytes.length === expectedBytes, upperStart, `${bytes.length} bytes, not ${expectedBytes}`)
}

function checkLevel0({ settings, level0, bytes }: Graph, check: Check): void {
  const words = level0Words(settings.m)
  for (let start = 0; start < level0.length; start += words) {
    const problem = blockProblem(level0, start, words, settings.count)
    if (problem !== undefined) check.damaged(offsetIn(bytes, level0, problem), 'a link out of range')
  }
}

/**
 * Every link of level n leads to an element that is on level n: hnswlib goes on from there on the
 * same level without looking whether the element has links on it.
 */
function checkUpper({ settings, levels, upper, bytes }: Graph, check: Check): void {
  const words = upperWords(settings.m)
  let start = 0
  for (let element = 0; element < settings.count; element++) {
    const top = levels[element] ?? 0
    for (let level = 1; level <= top; level++) {
      const problem = blockProblem(upper, start, words, settings.count)
      if (problem !== undefined) check.damaged(offsetIn(bytes, upper, problem), 'a link out of range')
      const last = start + (upper[start] ?? 0)
      for (let slot = start + 1; slot <= last; slot++) {
        if ((levels[upper[slot] ?? 0] ?? 0) < level) {
          check.damaged(offsetIn(bytes, upper, slot), `a link on level ${level} to an element below it`)
        }
      }
      start += words
    }
  }
}

/** Index of the first word of a link block that is out of bounds: the link count, or a link. */
function blockProblem(
  links: Uint32Array,
  start: number,
  words: number,
  count: number,
): number | undefined {
  if ((links[start] ?? 0) >= words) return start
  for (let slot = start + 1; slot < start + words; slot++) {
    if ((links[slot] ?? 0) >= count) return slot
  }
  return undefined
}

const offsetIn = (bytes: Uint8Array, words: Uint32Array, index: number): number =>
  words.byteOffset - bytes.byteOffset + index * 4
