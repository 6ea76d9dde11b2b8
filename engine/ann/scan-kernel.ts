/**
 * The sums that a scan computes, in WebAssembly: the same float64 sums in the same order as metric.ts, to the
 * last bit, two at a time (SIMD). About four times as fast. Rows, query and results stand in one WebAssembly memory:
 *
 * | from | what |
 * | --- | --- |
 * | 0 | the results of a block: `scanBlockRows` float64 |
 * | 8 · `scanBlockRows` | the query: dimension float64 |
 * | `headBytes` | rows: float32, row-major |
 *
 * The module is assembled here, from names of instructions (WebAssembly core specification 2.0, chapter 5).
 */
import { type WasmModule, wasmPages, webAssembly } from '../base/web-assembly.ts'
import type { Metric } from '../format/config.ts'
import { type ScannedRows, scanBlockRows } from '../segment/row-memory.ts'

/** Scans some rows of a memory with one query after another. */
export interface ScanKernel {
  /** The query of the blocks that follow. */
  begin(query: Float64Array): void
  /**
   * Its scalar products with `count` rows from `row` on, at most {@link scanBlockRows}; for l2 the squared
   * distances. The array is used again for the next block.
   */
  block(row: number, count: number): Float64Array
}

type Scan = (query: number, rows: number, count: number, dimension: number, out: number) => void

/** A kernel over `rows`; also over those that come as their memory grows. */
export function scanKernel(rows: ScannedRows, metric: Metric): ScanKernel {
  const { memory, dimension, headBytes } = rows
  const { exports } = new webAssembly.Instance(compiled(), { rows: { memory } })
  const scan = exports[metric === 'l2' ? 'squares' : 'products'] as Scan // as it is assembled below
  const results = new Float64Array(memory.buffer, 0, scanBlockRows)
  const queryAt = 8 * scanBlockRows
  const values = new Float64Array(memory.buffer, queryAt, dimension)
  return {
    begin: (query) => values.set(query),
    block(row, count) {
      scan(queryAt, headBytes + 4 * dimension * row, count, dimension, 0)
      return results
    },
  }
}

let known: WasmModule | undefined
const compiled = (): WasmModule => {
  known ??= new webAssembly.Module(assembled())
  return known
}

const [i32, f64, v128] = [0x7f, 0x7c, 0x7b]
const op = {
  block: [0x02, 0x40],
  loop: [0x03, 0x40],
  end: [0x0b],
  again: [0x0c, 0x00],
  leaveIf: [0x0d, 0x01],
  get: (local: number) => [0x20, local],
  set: (local: number) => [0x21, local],
  i32: (value: number) => [0x41, ...signed(value)],
  float32At: [0x2a, 0x02, 0x00],
  float64At: [0x2b, 0x03, 0x00],
  storeFloat64: [0x39, 0x03, 0x00],
  isZero: [0x45],
  isSame: [0x46],
  plus: [0x6a],
  minus: [0x6b],
  and: [0x71],
  shiftLeft: [0x74],
  add: [0xa0],
  subtract: [0xa1],
  multiply: [0xa2],
  toFloat64: [0xbb],
  vectorAt: (offset: number) => [0xfd, 0x00, 0x02, offset],
  zeroVector: [0xfd, 0x0c, ...new Array<number>(16).fill(0)],
  /** The upper half of the second of two vectors, twice. */
  upperHalf: [0xfd, 0x0d, ...[24, 25, 26, 27, 28, 29, 30, 31, 24, 25, 26, 27, 28, 29, 30, 31]],
  lane: (index: number) => [0xfd, 0x21, index],
  /** The lower two float32 as float64. */
  lowerToFloat64: [0xfd, 0x5f],
  addVectors: [0xfd, 0xf0, 0x01],
  subtractVectors: [0xfd, 0xf1, 0x01],
  multiplyVectors: [0xfd, 0xf2, 0x01],
} as const

type Code = readonly (readonly number[])[]

/** What one value, or two of them side by side, add to a sum: their product, or the square of their difference. */
interface Term {
  readonly one: Code
  readonly two: Code
}

const local = { query: 0, row: 1, count: 2, dimension: 3, out: 4, at: 5, end: 6, sum: 7 }
const [difference, low, high, values, pair] = [8, 9, 10, 11, 12] as const

const product: Term = { one: [op.multiply], two: [op.multiplyVectors] }
const square: Term = {
  one: [op.subtract, op.set(difference), op.get(difference), op.get(difference), op.multiply],
  two: [op.subtractVectors, op.set(pair), op.get(pair), op.get(pair), op.multiplyVectors],
}

const advance = (which: number, bytes: number): Code => [
  op.get(which),
  op.i32(bytes),
  op.plus,
  op.set(which),
]

/** Adds the terms of two of the `values` to `sums`: `half` puts them below, the query has them from `at` + `offset` on. */
const addPair = (sums: number, half: Code, offset: number, { two }: Term): Code => [
  op.get(sums),
  op.get(values),
  ...half,
  op.lowerToFloat64,
  op.get(local.at),
  op.vectorAt(offset),
  ...two,
  op.addVectors,
  op.set(sums),
]

/** Sets `end` behind the query's first values, all of them or those that are whole fours. */
const endAfter = (mask: number): Code => [
  op.get(local.query),
  op.get(local.dimension),
  op.i32(mask),
  op.and,
  op.i32(3),
  op.shiftLeft,
  op.plus,
  op.set(local.end),
]

/** Repeats `body` until `at` is `end`. */
const untilEnd = (body: Code): Code => [
  op.block,
  op.loop,
  op.get(local.at),
  op.get(local.end),
  op.isSame,
  op.leaveIf,
  ...body,
  op.again,
  op.end,
  op.end,
]

/** One row after the other; see `dot` and `squaredDistance` in metric.ts. */
const scanCode = (term: Term): Code => [
  op.block,
  op.loop,
  op.get(local.count),
  op.isZero,
  op.leaveIf,
  ...[op.zeroVector, op.set(low), op.zeroVector, op.set(high)],
  ...[op.get(local.query), op.set(local.at)],
  ...endAfter(-4),
  ...untilEnd([
    ...[op.get(local.row), op.vectorAt(0), op.set(values)],
    ...addPair(low, [], 0, term),
    ...addPair(high, [op.get(values), op.upperHalf], 16, term),
    ...advance(local.at, 32),
    ...advance(local.row, 16),
  ]),
  ...[op.get(low), op.lane(0), op.set(local.sum)],
  ...endAfter(-1),
  ...untilEnd([
    ...[op.get(local.sum), op.get(local.row), op.float32At, op.toFloat64],
    ...[op.get(local.at), op.float64At, ...term.one, op.add, op.set(local.sum)],
    ...advance(local.at, 8),
    ...advance(local.row, 4),
  ]),
  ...[op.get(local.out), op.get(local.sum), op.get(low), op.lane(1), op.add],
  ...[op.get(high), op.lane(0), op.get(high), op.lane(1), op.add, op.add, op.storeFloat64],
  ...advance(local.out, 8),
  ...[op.get(local.count), op.i32(1), op.minus, op.set(local.count)],
  op.again,
  op.end,
  op.end,
]

function assembled(): Uint8Array {
  const functionOf = (term: Term): number[] => {
    // two i32, two f64, four v128 behind the five parameters
    const locals = [3, 2, i32, 2, f64, 4, v128]
    return sized([...locals, ...scanCode(term).flat(), ...op.end])
  }
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [[0x60, 5, i32, i32, i32, i32, i32, 0]]),
    // a memory with a bound, shared
    ...section(2, [[...named('rows'), ...named('memory'), 0x02, 0x03, 1, ...unsigned(wasmPages)]]),
    ...section(3, [[0], [0]]),
    ...section(7, [
      [...named('products'), 0x00, 0],
      [...named('squares'), 0x00, 1],
    ]),
    ...section(10, [functionOf(product), functionOf(square)]),
  ])
}

const section = (id: number, entries: readonly (readonly number[])[]): number[] => [
  id,
  ...sized([...unsigned(entries.length), ...entries.flat()]),
]

const named = (name: string): number[] => sized([...Buffer.from(name)])

const sized = (bytes: readonly number[]): number[] => [...unsigned(bytes.length), ...bytes]

/** LEB128. */
function unsigned(value: number): number[] {
  const byte = value & 0x7f
  return value < 0x80 ? [byte] : [byte | 0x80, ...unsigned(value >>> 7)]
}

/** Signed LEB128 of a value that one byte holds. */
const signed = (value: number): number[] => [value & 0x7f]
