/**
 * The check between a graph file and native code.
 *
 * hnswlib follows whatever links it is given, so a file is believed only as far as it was checked, and
 * everything is: checksums against accidents, and the structure against whoever can recompute a
 * checksum. What passes may be a poor graph, never one that leads out of its memory.
 */
import { CRC32_ALGORITHM, crc32 } from '../base/checksum.ts'
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import {
  GRAPH_HEADER_BYTES,
  GRAPH_VERSION,
  type Graph,
  type GraphSettings,
  type GraphTop,
  graphMagic,
  graphViews,
  headerCrcOffset,
  level0Words,
  metricCodes,
  paddedBytes,
  sumOf,
  upperWords,
} from './graph-file.ts'

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
  const graph = graphViews(aligned, expected, top)
  checkLevels(graph, check)
  checkLevel0(graph, check)
  checkUpper(graph, check)
  return graph
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
      `${this.#file} is damaged at offset ${offset}: ${problem}`,
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
  check.that(header.subarray(0, graphMagic.length).equals(graphMagic), 0, 'it is not a graph file')
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
  const leastBytes = paddedBytes(expected.count) + expected.count * level0Words(expected.m) * 4
  const isWhole = bodyBytes >= leastBytes && bodyBytes % 4 === 0
  check.that(
    isWhole,
    bytes.length,
    `${bodyBytes} body bytes cannot hold ${expected.count} elements`,
  )
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
  check.that(
    bytes.length === expectedBytes,
    upperStart,
    `${bytes.length} bytes, not ${expectedBytes}`,
  )
}

function checkLevel0({ settings, level0, bytes }: Graph, check: Check): void {
  const words = level0Words(settings.m)
  for (let start = 0; start < level0.length; start += words) {
    const problem = blockProblem(level0, start, words, settings.count)
    if (problem !== undefined)
      check.damaged(offsetIn(bytes, level0, problem), 'a link out of range')
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
      if (problem !== undefined)
        check.damaged(offsetIn(bytes, upper, problem), 'a link out of range')
      const last = start + (upper[start] ?? 0)
      for (let slot = start + 1; slot <= last; slot++) {
        if ((levels[upper[slot] ?? 0] ?? 0) < level) {
          check.damaged(
            offsetIn(bytes, upper, slot),
            `a link on level ${level} to an element below it`,
          )
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
