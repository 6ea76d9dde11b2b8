/**
 * The worker's side of joining two halves to one graph.
 *
 * On level 0 a point may be linked to whom it was linked to in its half, to the nearest that were found in
 * the other one, and to those that found it: to all of them where it has the room, else to a choice. The
 * levels above are those of half 0, whose points are everywhere; those of half 1 are on level 0.
 */
import assert from 'node:assert/strict'
import { decodeGraph } from '../format/graph-check.ts'
import { type Graph, level0Words, newGraph, sealGraph, upperWords } from '../format/graph-file.ts'
import { LinkChooser } from './choose-links.ts'
import {
  type FinishTask,
  type Halves,
  type JoinTask,
  linksAcross,
  notFound,
} from './graph-build.ts'
import { type Half, halfOf, indexOf, ordinalOf, otherHalf } from './halves.ts'
import { rowDistances } from './metric.ts'
import { goOnUnless } from './stop-flag.ts'
import { rowsOf } from './vector-block.ts'

const nameOf = (half: Half): string => `the graph of half ${half}, which was just built,`

const decodeHalf = ({ built, settings }: Halves, half: Half): Graph =>
  decodeGraph(built[half].graph, settings[half], nameOf(half))

/** Level 0 of the points from…to − 1: a link block for each. */
export function joinLinks(task: JoinTask): Uint32Array {
  const { halves, block, from, to, stop } = task
  const { m, metric } = halves.settings[0]
  const graphs = [decodeHalf(halves, 0), decodeHalf(halves, 1)] as const
  const width = linksAcross(m)
  const room = 2 * m
  const words = level0Words(m)
  const finders = new Finders(halves, block.count, from, to)
  const chooser = new LinkChooser(rowDistances(metric, rowsOf(block), block.dimension), room)
  const level0 = new Uint32Array(new SharedArrayBuffer(4 * words * (to - from)))
  const candidates = new Candidates(block.count)
  const goOn = goOnUnless(stop)
  for (let ordinal = from; ordinal < to; ordinal++) {
    if (ordinal % 1_000 === 0) goOn()
    const half = halfOf(ordinal)
    const index = indexOf(ordinal)
    candidates.clear(ordinal)
    // across first: among equally near candidates those that join the halves are taken
    const { across } = halves.built[otherHalf(half)]
    for (let i = index * width; i < (index + 1) * width; i++) {
      const found = across[i] ?? notFound
      if (found !== notFound) candidates.add(found)
    }
    const own = graphs[half].level0
    const block0 = index * words
    const last = block0 + (own[block0] ?? 0)
    for (let i = block0 + 1; i <= last; i++) candidates.add(ordinalOf(half, own[i] ?? 0))
    finders.of(ordinal, (finder) => candidates.add(finder))
    const at = (ordinal - from) * words
    level0[at] = candidates.choose(chooser, room, level0, at + 1)
  }
  return level0
}

/** The different candidates of one point after the other, in the order in which they were added. */
class Candidates {
  readonly #ordinals: Uint32Array
  /** By ordinal: the point that it was last a candidate of, plus one. */
  readonly #candidateOf: Uint32Array
  #point = 0
  #count = 0

  constructor(count: number) {
    this.#ordinals = new Uint32Array(count)
    this.#candidateOf = new Uint32Array(count)
  }

  clear(point: number): void {
    this.#point = point
    this.#count = 0
  }

  add(ordinal: number): void {
    const mark = this.#point + 1
    if (this.#candidateOf[ordinal] === mark || ordinal === this.#point) return
    this.#candidateOf[ordinal] = mark
    this.#ordinals[this.#count++] = ordinal
  }

  /** Writes the links of the point to `target[at…]`. @returns how many */
  choose(chooser: LinkChooser, room: number, target: Uint32Array, at: number): number {
    const count = this.#count
    if (count > room) return chooser.choose(this.#point, this.#ordinals, count, target, at)
    for (let i = 0; i < count; i++) target[at + i] = this.#ordinals[i] ?? 0
    return count
  }
}

/** For the points from…to − 1: which points of the other half found them, rising. */
class Finders {
  readonly #from: number
  /** Where the finders of each point begin, and the end. */
  readonly #starts: Uint32Array
  readonly #finders: Uint32Array

  constructor(halves: Halves, count: number, from: number, to: number) {
    this.#from = from
    this.#starts = new Uint32Array(to - from + 1)
    const starts = this.#starts
    eachFound(halves, count, (_, found) => {
      if (found >= from && found < to)
        starts[found - from + 1] = (starts[found - from + 1] ?? 0) + 1
    })
    for (let i = 1; i < starts.length; i++) starts[i] = (starts[i] ?? 0) + (starts[i - 1] ?? 0)
    this.#finders = new Uint32Array(starts[to - from] ?? 0)
    const next = starts.slice()
    eachFound(halves, count, (finder, found) => {
      if (found < from || found >= to) return
      const at = next[found - from] ?? 0
      this.#finders[at] = finder
      next[found - from] = at + 1
    })
  }

  of(ordinal: number, each: (finder: number) => void): void {
    const at = ordinal - this.#from
    const end = this.#starts[at + 1] ?? 0
    for (let i = this.#starts[at] ?? 0; i < end; i++) each(this.#finders[i] ?? 0)
  }
}

/** Calls `each` with every point, in order, and each point that was found near it in the other half. */
function eachFound(
  { built, settings }: Halves,
  count: number,
  each: (finder: number, found: number) => void,
): void {
  const width = linksAcross(settings[0].m)
  for (let finder = 0; finder < count; finder++) {
    const { across } = built[otherHalf(halfOf(finder))]
    const start = indexOf(finder) * width
    for (let i = start; i < start + width; i++) {
      const found = across[i] ?? notFound
      if (found !== notFound) each(finder, found)
    }
  }
}

/** Puts the joined graph together and checks it in full; returns its file. */
export function finishJoin({ halves, settings, level0 }: FinishTask): Uint8Array {
  const above = decodeHalf(halves, 0)
  const levels = new Uint8Array(settings.count)
  for (const [index, level] of above.levels.entries()) levels[ordinalOf(0, index)] = level
  const top = { ...above.top, entryPoint: ordinalOf(0, above.top.entryPoint) }
  const graph = newGraph(settings, top, levels)
  let at = 0
  for (const part of level0) {
    graph.level0.set(part, at)
    at += part.length
  }
  assert.equal(at, graph.level0.length, 'every point has its links')
  // indices and ordinals rise together, so that the blocks stay in their order
  const words = upperWords(settings.m)
  for (let start = 0; start < above.upper.length; start += words) {
    const links = above.upper[start] ?? 0
    graph.upper[start] = links
    for (let i = start + 1; i <= start + links; i++) {
      graph.upper[i] = ordinalOf(0, above.upper[i] ?? 0)
    }
  }
  const bytes = sealGraph(graph)
  decodeGraph(bytes, settings, 'the graph that was just joined')
  return bytes
}
