/**
 * When sources were seen where: for each moment of a history (its uuid, history and LSN) the instants at which
 * the durable LSN was read from the collection's own target and was exactly that. As-of rests on it.
 *
 * A standby that lags is at an old LSN of the same history, which says nothing of the source: what was read
 * from another target than the collection's own is left out.
 */
import assert from 'node:assert'
import { isJsonObject, type JsonValue } from '../../engine/index.ts'
import type { Plan } from '../plan/plan.ts'
import { type Observation, readObservation } from '../step/observation.ts'

/** A state that a source was in. */
export interface Moment {
  readonly uuid: string
  readonly history: string
  readonly lsn: number
  /** Epoch milliseconds, ascending once {@link Sightings.settle} was called. */
  readonly seenAt: readonly number[]
}

type Building = Moment & { readonly seenAt: number[] }

export class Sightings {
  readonly #plan: Plan
  /** By uuid and history, then by LSN. */
  readonly #moments = new Map<string, Map<number, Building>>()
  #isSettled = false

  constructor(plan: Plan) {
    this.#plan = plan
  }

  /** Every position anywhere in a step's outputs. */
  read(outputs: JsonValue): void {
    this.#visit(outputs, undefined, undefined)
  }

  /** One more look at a source. */
  see({ uuid, history, lsn, observedAt }: Observation): Moment {
    assert(!this.#isSettled, 'a source is seen after its sightings were sorted')
    const moment = this.moment(uuid, history, lsn) as Building // every moment is made below
    if (moment.seenAt.at(-1) !== observedAt) moment.seenAt.push(observedAt)
    return moment
  }

  /** The moment, seen or not. */
  moment(uuid: string, history: string, lsn: number): Moment {
    const key = `${uuid} ${history}`
    const moments = this.#moments.get(key) ?? new Map<number, Building>()
    const known = moments.get(lsn)
    if (known !== undefined) return known
    if (moments.size === 0) this.#moments.set(key, moments)
    const made: Building = { uuid, history, lsn, seenAt: [] }
    moments.set(lsn, made)
    return made
  }

  /** Runs that go on side by side are written down in the order of their ends. Nothing may be seen after it. */
  settle(): void {
    this.#isSettled = true
    for (const moments of this.#moments.values()) {
      for (const { seenAt } of moments.values()) {
        if (seenAt.some((at, index) => at < (seenAt[index - 1] ?? at))) seenAt.sort((a, b) => a - b)
      }
    }
  }

  #visit(value: JsonValue, target: JsonValue | undefined, collection: JsonValue | undefined): void {
    if (Array.isArray(value)) {
      for (const each of value) {
        if (typeof each === 'object') this.#visit(each, target, collection)
      }
      return
    }
    if (!isJsonObject(value)) return
    const on = value['target'] ?? target
    const of = value['collection'] ?? collection
    const observation = readObservation(value)
    if (observation !== undefined) {
      const home = typeof of === 'string' ? this.#plan.collections.get(of)?.target : undefined
      if (home === undefined || typeof on !== 'string' || on === home) this.see(observation)
      return
    }
    for (const each of Object.values(value)) {
      if (typeof each === 'object') this.#visit(each, on, of)
    }
  }
}

/** The last sighting at or before `at`; undefined when there is none. @param seenAt ascending */
export function lastSeen(seenAt: readonly number[], at: number): number | undefined {
  let low = 0
  let high = seenAt.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((seenAt[middle] ?? 0) <= at) low = middle + 1
    else high = middle
  }
  return seenAt[low - 1]
}
