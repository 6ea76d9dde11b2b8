/**
 * The file of hnswlib 0.8 (`HierarchicalNSW::saveIndex`), which is ours only in passing: taken apart into
 * a graph file when a graph was built, put together again when it is loaded.
 *
 * | offset | size | field |
 * | --- | --- | --- |
 * | 0 | 8 | u64 offset of level 0 in an element, 0 |
 * | 8 | 8 | u64 capacity, here equal to count |
 * | 16 | 8 | u64 count |
 * | 24 | 8 | u64 bytes of an element |
 * | 32 | 8 | u64 offset of the label in an element |
 * | 40 | 8 | u64 offset of the vector in an element |
 * | 48 | 4 | i32 max level |
 * | 52 | 4 | u32 entry point |
 * | 56 | 8 | u64 links per upper level, M |
 * | 64 | 8 | u64 links on level 0, 2 M |
 * | 72 | 8 | u64 M |
 * | 80 | 8 | f64 level multiplier |
 * | 88 | 8 | u64 efConstruction, at least M |
 * | 96 | count elements | u16 link count and flags, 2 M × u32 links, dimension × f32, u64 label |
 * | … | for each element | u32 bytes of its upper levels, then for each level u32 link count, M × u32 |
 *
 * Little-endian. The label of element i is i: elements are added in order by one thread. No element
 * carries a delete mark: deletions are applied after loading and never saved. The header that native code
 * reads is always made from checked values, never copied from a file.
 */
import assert from 'node:assert/strict'
import {
  type Graph,
  type GraphSettings,
  type GraphTop,
  level0Words,
  newGraph,
  upperWords,
} from './graph-file.ts'

export const HNSWLIB_HEADER_BYTES = 96

/** Where things stand in an element, in u32 words. */
export interface ElementLayout {
  readonly words: number
  readonly vectorWord: number
  readonly labelWord: number
}

/** Where things stand in one element of the file, in 32-bit words. */
export function elementLayout({ m, dimension }: GraphSettings): ElementLayout {
  const vectorWord = level0Words(m)
  const labelWord = vectorWord + dimension
  return { words: labelWord + 2, vectorWord, labelWord }
}

/** Where the upper levels start: the end of the last element. */
export const upperOffset = (settings: GraphSettings): number =>
  HNSWLIB_HEADER_BYTES + settings.count * elementLayout(settings).words * 4

/** Size of the file that holds `graph` and its vectors. */
export const hnswlibFileBytes = (graph: Graph): number =>
  upperOffset(graph.settings) + 4 * graph.settings.count + graph.upper.byteLength

/** The 96-byte header, made from checked values only. */
export function encodeHnswlibHeader(settings: GraphSettings, top: GraphTop): Buffer {
  const { count, m, efConstruction } = settings
  const layout = elementLayout(settings)
  const header = Buffer.alloc(HNSWLIB_HEADER_BYTES)
  header.writeBigUInt64LE(BigInt(count), 8)
  header.writeBigUInt64LE(BigInt(count), 16)
  header.writeBigUInt64LE(BigInt(layout.words * 4), 24)
  header.writeBigUInt64LE(BigInt(layout.labelWord * 4), 32)
  header.writeBigUInt64LE(BigInt(layout.vectorWord * 4), 40)
  header.writeInt32LE(top.maxLevel, 48)
  header.writeUInt32LE(top.entryPoint, 52)
  header.writeBigUInt64LE(BigInt(m), 56)
  header.writeBigUInt64LE(BigInt(2 * m), 64)
  header.writeBigUInt64LE(BigInt(m), 72)
  header.writeDoubleLE(top.levelMultiplier, 80)
  header.writeBigUInt64LE(BigInt(Math.max(efConstruction, m)), 88)
  return header
}

/**
 * Reads where a search enters from the header of a file hnswlib just wrote. The rest of the header must
 * be what {@link encodeHnswlibHeader} makes of the settings.
 */
export function readHnswlibTop(header: Buffer, settings: GraphSettings): GraphTop {
  const top = {
    maxLevel: header.readInt32LE(48),
    entryPoint: header.readUInt32LE(52),
    levelMultiplier: header.readDoubleLE(80),
  }
  assert(top.maxLevel >= 0, 'hnswlib saved a graph that has an entry point')
  assert(encodeHnswlibHeader(settings, top).equals(header), 'hnswlib saved the header we expect')
  return top
}

/** Writes the vector of `element`, in the form hnswlib keeps, at `target[at…]`. */
export type PutVector = (element: number, target: Float32Array, at: number) => void

/** Writes elements `from`…`to` − 1 as they stand in the file into `target`. */
export function spliceElements(
  graph: Graph,
  from: number,
  to: number,
  putVector: PutVector,
  target: ArrayBuffer,
): void {
  const { settings, level0 } = graph
  const { m } = settings
  const layout = elementLayout(settings)
  const blockWords = level0Words(m)
  const words = new Uint32Array(target)
  const floats = new Float32Array(target)
  for (let element = from; element < to; element++) {
    const start = (element - from) * layout.words
    const block = element * blockWords
    for (let word = 0; word < blockWords; word++) words[start + word] = level0[block + word] ?? 0
    putVector(element, floats, start + layout.vectorWord)
    words[start + layout.labelWord] = element
    words[start + layout.labelWord + 1] = 0
  }
}

/** Takes the links of elements `from`…`to` − 1 out of `source` and puts them into `graph`. */
export function extractElements(graph: Graph, from: number, to: number, source: ArrayBuffer): void {
  const layout = elementLayout(graph.settings)
  const blockWords = level0Words(graph.settings.m)
  const words = new Uint32Array(source)
  for (let element = from; element < to; element++) {
    const start = (element - from) * layout.words
    graph.level0.set(words.subarray(start, start + blockWords), element * blockWords)
  }
}

/** The part of the file from {@link upperOffset} to its end. */
export function spliceUpperLevels({ settings, levels, upper }: Graph): Uint8Array {
  const blockWords = upperWords(settings.m)
  const words = new Uint32Array(settings.count + upper.length)
  let next = 0
  let start = 0
  for (let element = 0; element < settings.count; element++) {
    const length = (levels[element] ?? 0) * blockWords
    words[next++] = length * 4
    if (length === 0) continue
    words.set(upper.subarray(start, start + length), next)
    next += length
    start += length
  }
  return new Uint8Array(words.buffer)
}

/**
 * Reads the part of the file from {@link upperOffset} on into a new graph; its level 0 is still empty.
 * @returns undefined when `bytes` end too early: hnswlib could not write them all
 */
export function extractUpperLevels(
  bytes: Uint8Array,
  settings: GraphSettings,
  top: GraphTop,
): Graph | undefined {
  const blockBytes = upperWords(settings.m) * 4
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const levels = new Uint8Array(settings.count)
  let next = 0
  for (let element = 0; element < settings.count; element++) {
    if (next + 4 > bytes.length) return undefined
    const lengthBytes = view.getUint32(next, true)
    assert(lengthBytes % blockBytes === 0, 'hnswlib saved whole link blocks')
    levels[element] = lengthBytes / blockBytes
    next += 4 + lengthBytes
  }
  if (next > bytes.length) return undefined
  assert.equal(next, bytes.length, 'hnswlib saved nothing after the upper levels')
  const graph = newGraph(settings, top, levels)
  copyUpperLinks(graph, bytes)
  return graph
}

function copyUpperLinks({ settings, levels, upper }: Graph, bytes: Uint8Array): void {
  const blockBytes = upperWords(settings.m) * 4
  const target = new Uint8Array(upper.buffer, upper.byteOffset, upper.byteLength)
  let next = 0
  let start = 0
  for (let element = 0; element < settings.count; element++) {
    const lengthBytes = (levels[element] ?? 0) * blockBytes
    next += 4
    target.set(bytes.subarray(next, next + lengthBytes), start)
    next += lengthBytes
    start += lengthBytes
  }
}
