/**
 * Live points that pass a filter: counted, paged through, or named, without a look at any vector. Every
 * metadata of a segment is read for it; there is no index of metadata.
 */
import type { JsonObject } from '../base/canonical-json.ts'
import { compareIds, type PointId } from '../format/point.ts'
import { type Filter, type FilterSubject, matches } from './filter.ts'
import type { LiveSegment } from './live-segment.ts'

export interface MatchingPage {
  /** In the order of {@link compareIds}. */
  readonly points: readonly FilterSubject[]
  /** The id that the next page begins with; undefined on the last one. */
  readonly next: PointId | undefined
}

/** A point of a segment, whose metadata is parsed when it is asked for. */
class SegmentPoint implements FilterSubject {
  readonly id: PointId
  readonly #segment: LiveSegment
  readonly #ordinal: number

  constructor(segment: LiveSegment, ordinal: number) {
    this.#segment = segment
    this.#ordinal = ordinal
    this.id = segment.id(ordinal)
  }

  get metadata(): JsonObject {
    return this.#segment.metadata(this.#ordinal)
  }
}

/** Live ordinals that pass, rising. */
export function passingOrdinals(segment: LiveSegment, filter: Filter): ReadonlySet<number> {
  const passing = new Set<number>()
  for (let ordinal = 0; ordinal < segment.table.count; ordinal++) {
    if (segment.tombstones.has(ordinal)) continue
    if (matches(filter, new SegmentPoint(segment, ordinal))) passing.add(ordinal)
  }
  return passing
}

/** Each question is answered of the state at the moment in which it is asked. */
export class Matching {
  readonly #segments: () => readonly LiveSegment[]
  readonly #filter: Filter | undefined

  constructor(segments: () => readonly LiveSegment[], filter: Filter | undefined) {
    this.#segments = segments
    this.#filter = filter
  }

  count(): number {
    if (this.#filter === undefined) {
      return this.#segments().reduce((sum, segment) => sum + segment.live, 0)
    }
    let count = 0
    for (const _ of this.#passing()) count++
    return count
  }

  ids(): PointId[] {
    return Array.from(this.#passing(), ({ id }) => id)
  }

  /** The `limit` points with the smallest ids from `from` on. */
  page(limit: number, from?: PointId): MatchingPage {
    const wanted = limit + 1
    let kept: FilterSubject[] = []
    let last: PointId | undefined
    const cut = () => {
      kept = kept.sort((a, b) => compareIds(a.id, b.id)).slice(0, wanted)
      last = kept.length === wanted ? kept.at(-1)?.id : undefined
    }
    // what cannot be on the page is passed over before its metadata is read
    const isAhead = (id: PointId) =>
      (from === undefined || compareIds(id, from) >= 0) &&
      (last === undefined || compareIds(id, last) < 0)
    for (const point of this.#passing(isAhead)) {
      kept.push(point)
      if (kept.length >= 2 * wanted) cut()
    }
    cut()
    const points = kept.slice(0, limit).map(({ id, metadata }) => ({ id, metadata }))
    return { points, next: kept[limit]?.id }
  }

  *#passing(isWanted: (id: PointId) => boolean = () => true): Generator<FilterSubject> {
    for (const segment of this.#segments()) {
      for (let ordinal = 0; ordinal < segment.table.count; ordinal++) {
        if (segment.tombstones.has(ordinal)) continue
        const point = new SegmentPoint(segment, ordinal)
        if (!isWanted(point.id)) continue
        if (this.#filter === undefined || matches(this.#filter, point)) yield point
      }
    }
  }
}
