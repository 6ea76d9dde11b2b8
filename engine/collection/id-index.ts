/**
 * Which id lives where: a hash table over flat memory.
 *
 * A `Map` of a million ids costs a hundred bytes each, keeps every text id a second time, moves at each
 * garbage collection and ends at 16.7 million entries. Here an entry is twelve bytes that the collector
 * never looks at; the id itself stays in its segment and is asked for only when 32 bits of hash agree.
 *
 * Open addressing with linear probing; a removed entry is filled by the ones behind it (Knuth, The Art of
 * Computer Programming 3, 6.4, algorithm R), so that no amount of overwriting slows a look-up down.
 *
 * Invariants: at most three quarters of the slots are taken; every entry is found from its home slot
 * without crossing a free one; no two entries have the same id.
 */
import { randomInt } from 'node:crypto'
import type { PointId } from '../format/point.ts'

/** The id that stands at a location that was put in. */
export type IdAt = (segment: number, ordinal: number) => PointId

/** Words of a slot: segment + 1 (0: free), ordinal, hash. */
const slotWords = 3
const firstSlots = 64

/** Locations are one number for callers: segment number × 2^26 + ordinal, exact for all segments there can be. */
export const ordinalSpace = 2 ** 26

export class IdIndex {
  readonly #idAt: IdAt
  readonly #seed: number
  #slots = new Uint32Array(slotWords * firstSlots)
  /** Slots − 1: the number of slots is a power of two. */
  #mask = firstSlots - 1
  #size = 0

  /** @param seed of the hash; random by default, so that nobody chooses ids that collide */
  constructor(idAt: IdAt, seed: number = randomInt(2 ** 32)) {
    this.#idAt = idAt
    this.#seed = seed
  }

  get size(): number {
    return this.#size
  }

  /** Makes room for `count` entries at once. */
  reserve(count: number): void {
    let slots = this.#mask + 1
    while (4 * count > 3 * slots) slots *= 2
    if (slots > this.#mask + 1) this.#resize(slots)
  }

  /** Segment number × {@link ordinalSpace} + ordinal, or undefined. */
  get(id: PointId): number | undefined {
    const at = this.#find(id, hashId(id, this.#seed))
    const segment = this.#slots[at] ?? 0
    return segment === 0 ? undefined : (segment - 1) * ordinalSpace + (this.#slots[at + 1] ?? 0)
  }

  /** Puts `id` at a location, in place of the one it had. The location need not be readable yet. */
  set(id: PointId, location: number): void {
    const hash = hashId(id, this.#seed)
    let at = this.#find(id, hash)
    const slots = this.#slots
    if (slots[at] === 0) {
      this.#size++
      if (4 * this.#size > 3 * (this.#mask + 1)) {
        this.#resize(2 * (this.#mask + 1))
        at = this.#freeFrom(hash)
      }
    }
    this.#slots[at] = Math.floor(location / ordinalSpace) + 1
    this.#slots[at + 1] = location % ordinalSpace
    this.#slots[at + 2] = hash
  }

  /** @returns whether it was there */
  delete(id: PointId): boolean {
    const hole = this.#find(id, hashId(id, this.#seed))
    if (this.#slots[hole] === 0) return false
    this.#size--
    this.#fill(hole / slotWords)
    return true
  }

  /**
   * Gives every entry the location that `moved` returns for its segment and ordinal; undefined leaves it
   * where it is. No id is read: this costs some milliseconds for a million entries.
   */
  relocate(moved: (segment: number, ordinal: number) => number | undefined): void {
    const slots = this.#slots
    for (let at = 0; at < slots.length; at += slotWords) {
      const segment = slots[at] ?? 0
      if (segment === 0) continue
      const location = moved(segment - 1, slots[at + 1] ?? 0)
      if (location === undefined) continue
      slots[at] = Math.floor(location / ordinalSpace) + 1
      slots[at + 1] = location % ordinalSpace
    }
  }

  /** Where the words of `id` start, or of the free slot at which the search for it ends. */
  #find(id: PointId, hash: number): number {
    const slots = this.#slots
    const mask = this.#mask
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const at = slotWords * slot
      const segment = slots[at] ?? 0
      if (segment === 0) return at
      if (slots[at + 2] === hash && this.#idAt(segment - 1, slots[at + 1] ?? 0) === id) return at
    }
  }

  #freeFrom(hash: number): number {
    const mask = this.#mask
    let slot = hash & mask
    while (this.#slots[slotWords * slot] !== 0) slot = (slot + 1) & mask
    return slotWords * slot
  }

  /** Moves later entries of the run into the hole, each only when its home slot allows it. */
  #fill(first: number): void {
    const slots = this.#slots
    const mask = this.#mask
    let hole = first
    for (let slot = (hole + 1) & mask; slots[slotWords * slot] !== 0; slot = (slot + 1) & mask) {
      const home = (slots[slotWords * slot + 2] ?? 0) & mask
      // the way from home to here passes the hole
      if (((slot - home) & mask) >= ((slot - hole) & mask)) {
        slots.copyWithin(slotWords * hole, slotWords * slot, slotWords * (slot + 1))
        hole = slot
      }
    }
    slots[slotWords * hole] = 0
  }

  /** The stored hashes place every entry anew: no id is read. */
  #resize(count: number): void {
    const old = this.#slots
    this.#slots = new Uint32Array(slotWords * count)
    this.#mask = count - 1
    for (let from = 0; from < old.length; from += slotWords) {
      if (old[from] === 0) continue
      const at = this.#freeFrom(old[from + 2] ?? 0)
      for (let word = 0; word < slotWords; word++) this.#slots[at + word] = old[from + word] ?? 0
    }
  }
}

/** 32 bits over the number's two words or the text's UTF-16 units, mixed as in MurmurHash3 (Appleby). */
function hashId(id: PointId, seed: number): number {
  if (typeof id === 'number') return finish(mix(mix(seed, id | 0), (id / 2 ** 32) | 0))
  let hash = seed ^ 1 // the text '5' and the number 5 are different ids
  for (let i = 0; i < id.length; i++) hash = mix(hash, id.charCodeAt(i))
  return finish(hash ^ id.length)
}

function mix(hash: number, word: number): number {
  const scrambled = Math.imul(word, 0xcc9e2d51)
  const mixed = hash ^ Math.imul((scrambled << 15) | (scrambled >>> 17), 0x1b873593)
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

function finish(hash: number): number {
  let h = hash
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
