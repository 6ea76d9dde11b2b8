/**
 * The state of an open collection: which points live where, their number and their digest.
 *
 * `apply` is synchronous and total: a durable record always applies. It is the one meaning of a log
 * record, for writes and for replays.
 */
import assert from 'node:assert/strict'
import { fail } from '../base/errors.ts'
import { ContentDigest } from '../format/content-digest.ts'
import { firstMergedSegment } from '../format/manifest.ts'
import type { Operation } from '../format/operation.ts'
import { hashPoint, type PointId, type StoredPoint } from '../format/point.ts'
import { MemorySegment } from '../segment/memory-segment.ts'
import { IdIndex, ordinalSpace } from './id-index.ts'
import { LiveSegment } from './live-segment.ts'
import { carryTombstones, type Merge } from './merge.ts'

export interface Location {
  readonly segment: LiveSegment
  readonly ordinal: number
}

export class LiveState {
  readonly dimension: number
  /** Oldest first; the last one takes writes. */
  readonly #segments = new Map<number, LiveSegment>()
  readonly #locations = new IdIndex((segment, ordinal) => this.#segment(segment).id(ordinal))
  readonly #digest: ContentDigest
  #active: LiveSegment
  #nextMerged: number

  /**
   * @param sealed segments to {@link admit}
   * @param nextSegment number of the segment that takes the next write
   */
  constructor(dimension: number, sealed: readonly LiveSegment[], nextSegment: number) {
    this.dimension = dimension
    this.#digest = new ContentDigest()
    this.#active = new LiveSegment(nextSegment, new MemorySegment(dimension))
    this.#segments.set(nextSegment, this.#active)
    this.#nextMerged = Math.max(firstMergedSegment, nextSegment + 1)
    for (const segment of sealed) this.admit(segment)
  }

  /** Makes room for `count` points at once. */
  reserve(count: number): void {
    this.#locations.reserve(count)
  }

  /** Takes in a segment of the manifest, oldest first and before anything is applied, tombstones loaded. */
  admit(segment: LiveSegment): void {
    const { number, table, tombstones } = segment
    this.#segments.set(number, segment)
    this.#segments.delete(this.#active.number) // it stays the last one
    this.#segments.set(this.#active.number, this.#active)
    this.#nextMerged = Math.max(this.#nextMerged, number + 1)
    this.#locations.reserve(this.#locations.size + segment.live)
    for (let ordinal = 0; ordinal < table.count; ordinal++) {
      if (tombstones.has(ordinal)) continue
      this.#locations.set(table.id(ordinal), number * ordinalSpace + ordinal)
      const { bytes, offset } = table.hash(ordinal)
      this.#digest.add(bytes, offset)
    }
  }

  get count(): number {
    return this.#locations.size
  }

  /** 64 hex digits. */
  get digest(): string {
    return this.#digest.toString()
  }

  get segments(): readonly LiveSegment[] {
    return [...this.#segments.values()]
  }

  get active(): LiveSegment {
    return this.#active
  }

  /** Points in the memory segment that takes writes. */
  get activeMemory(): MemorySegment {
    const memory = this.#active.memory
    if (memory === undefined) throw new Error('the active segment is in memory')
    return memory
  }

  locate(id: PointId): Location | undefined {
    const packed = this.#locations.get(id)
    if (packed === undefined) return undefined
    const segment = this.#segment(Math.floor(packed / ordinalSpace))
    return { segment, ordinal: packed % ordinalSpace }
  }

  /**
   * Applies a record.
   * @returns points written or deleted
   * @throws `digest-mismatch` for a digest record that does not fit: the replay went wrong
   */
  apply(operation: Operation, lsn: number): number {
    switch (operation.kind) {
      case 'upsert':
        for (const point of operation.points) this.#upsert(point)
        return operation.points.length
      case 'delete':
        return operation.ids.filter((id) => this.#remove(id)).length
      case 'digest':
        if (operation.digest !== this.digest || operation.count !== this.count) {
          fail(
            'digest-mismatch',
            `the state after LSN ${lsn - 1} does not have the digest that was logged there`,
            'Restore the collection from a backup, and keep this directory for analysis.',
            { place: { lsn } },
          )
        }
        return 0
      default:
        return operation satisfies never
    }
  }

  /**
   * Does ahead what {@link apply} will do with `operations`, as far as nobody sees it: points are hashed and
   * their vectors put where they will stand. Whatever was prepared before and not applied is dropped.
   */
  prepare(operations: readonly Operation[]): void {
    const memory = this.activeMemory
    memory.dropStaged()
    for (const operation of operations) {
      if (operation.kind !== 'upsert') continue
      for (const point of operation.points) memory.stage(point, hashPoint(point))
    }
  }

  /** The active segment takes no more writes; a new one does. @returns the frozen one */
  freeze(): LiveSegment {
    const frozen = this.#active
    const number = frozen.number + 1
    this.#active = new LiveSegment(number, new MemorySegment(this.dimension))
    this.#segments.set(number, this.#active)
    return frozen
  }

  /** A number for a merged segment: none is given twice while the collection is open. */
  takeMergedNumber(): number {
    return this.#nextMerged++
  }

  /** The segment `number`, which must be there. */
  segment(number: number): LiveSegment {
    return this.#segment(number)
  }

  /**
   * A merged segment takes over from its sources, in one step: searches, ids and deletes go to it from
   * now on. What died since the merge began is buried in it. Content, count and digest do not change.
   */
  replace({ sources, merged, moves }: Merge): void {
    const live = sources.reduce((sum, { segment }) => sum + segment.live, 0)
    const movesOf = new Map<number, Uint32Array>()
    for (const [index, { segment }] of sources.entries()) {
      movesOf.set(segment.number, moves[index] ?? new Uint32Array())
    }
    if (merged !== undefined) {
      const died = carryTombstones({ sources, moves }, (number) => this.#segment(number).tombstones)
      for (const ordinal of died.ordinals(merged.table.count)) merged.bury(ordinal)
      this.#segments.set(merged.number, merged)
    }
    assert.equal(merged?.live ?? 0, live, 'a merge changes no number of points')
    this.#locations.relocate((segment, ordinal) => {
      const moved = movesOf.get(segment)?.[ordinal]
      return moved === undefined ? undefined : (merged?.number ?? 0) * ordinalSpace + moved
    })
    for (const { segment } of sources) this.#segments.delete(segment.number)
  }

  #segment(number: number): LiveSegment {
    const segment = this.#segments.get(number)
    if (segment === undefined) throw new Error(`no segment ${number}`)
    return segment
  }

  #upsert(point: StoredPoint): void {
    this.#remove(point.id)
    const memory = this.activeMemory
    const hash = memory.stagedHash(point) ?? hashPoint(point)
    const ordinal = memory.append(point, hash)
    this.#locations.set(point.id, this.#active.number * ordinalSpace + ordinal)
    this.#digest.add(hash)
  }

  #remove(id: PointId): boolean {
    const location = this.locate(id)
    if (location === undefined) return false
    const { bytes, offset } = location.segment.table.hash(location.ordinal)
    this.#digest.subtract(bytes, offset)
    location.segment.bury(location.ordinal)
    this.#locations.delete(id)
    return true
  }
}
