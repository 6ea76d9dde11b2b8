/**
 * How old the state is that a procedure brings back: lag of a standby, recovery points by schedule or of the
 * ledger. Everything is a function of the instant of the disaster and of keyed numbers, and nothing allocates.
 */

import type { Claim } from '../audit/claims.ts'
import { newestClaims, type Stretch } from '../audit/newest-claim.ts'
import { nextDue, previousDue } from '../plan/cron.ts'
import type { Flow } from '../plan/flow.ts'
import type { Distribution } from './distribution.ts'
import { draw, slotOf } from './draw.ts'

/** From when to when disasters are drawn; epoch milliseconds. */
export interface Window {
  readonly from: number
  readonly to: number
}

/** As-of of the newest point at one place, epoch milliseconds; −∞ when there is none. */
export type Points = (disasterAt: number, key: number) => number

export interface Loss {
  readonly collection: string
  /** The step that brings it back, by index. */
  readonly step: number
  /** In words what it rests on. */
  readonly basis: string
  readonly kind: 'lag' | 'points'
  readonly lag?: Distribution
  readonly slot: number
  /** Points at each of the step's sources, in their order. */
  readonly points: readonly Points[]
}

/** Verified recovery points of the ledger at one place. */
export function pointsOfLedger(claims: readonly Claim[], window: Window): Points {
  const stretches: readonly Stretch[] = newestClaims(claims, window)
  const starts = Float64Array.from(stretches.map(({ from }) => from))
  const asOf = Float64Array.from(
    stretches.map(({ claim }) => claim?.asOfAt ?? Number.NEGATIVE_INFINITY),
  )
  return (disasterAt) => asOf[lastAtOrBefore(starts, disasterAt)] ?? Number.NEGATIVE_INFINITY
}

/** The last index whose value is not above `wanted`; −1 when all are. `sorted` ascends. */
function lastAtOrBefore(sorted: Float64Array, wanted: number): number {
  let low = -1
  let high = sorted.length
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? 0) <= wanted) low = middle
    else high = middle
  }
  return low
}

/** When a step of a schedule begins after its run did, and how long it takes; milliseconds. */
export interface StepTimes {
  readonly beginsMs: number
  readonly takesMs: number
}

/** Runs before the window that may have left the newest point. */
const runsBefore = 5

/** A chain of copies goes no further than this. */
const longestChain = 8

/** Points as the schedules leave them, when every run of theirs does what it should. */
export class ScheduledPoints {
  readonly #window: Window
  readonly #timesOf: (flow: Flow) => StepTimes
  readonly #rhythms = new Map<Flow['sequence'], (at: number, key: number) => number>()

  constructor(window: Window, timesOf: (flow: Flow) => StepTimes) {
    this.#window = window
    this.#timesOf = timesOf
  }

  /** @param flows of one collection */
  at(destination: string, flows: readonly Flow[], depth = 0): Points {
    const feeding = flows
      .filter((flow) => flow.destination === destination)
      .map((flow) => this.#pointsOf(flow, flows, depth))
    return (at, key) => {
      let newest = Number.NEGATIVE_INFINITY
      for (const points of feeding) newest = Math.max(newest, points(at, key))
      return newest
    }
  }

  #pointsOf(flow: Flow, flows: readonly Flow[], depth: number): Points {
    if (depth > longestChain) return () => Number.NEGATIVE_INFINITY
    const { sequence, step } = flow
    const lastDue = this.#rhythm(sequence)
    const { beginsMs, takesMs } = this.#timesOf(flow)
    const { jitterMs = 0 } = sequence
    const name = `${sequence.kind} ${sequence.name}`
    const jitterSlot = slotOf(`jitter of ${name}`)
    const oddsSlot = slotOf(`run of ${name} ${step.id}`)
    const odds = step.odds ?? 1
    const source = step.kind === 'copy' ? this.at(step.input.from, flows, depth + 1) : undefined
    return (at, key) => {
      const lateMs = beginsMs + draw(key, jitterSlot) * jitterMs
      let due = lastDue(at - lateMs - takesMs, key)
      for (let run = 0; draw(key, oddsSlot, run) > odds && run < runsBefore; run++) {
        due = lastDue(due - 1, key)
      }
      return source === undefined ? due + lateMs : source(due + lateMs, key)
    }
  }

  /** The last due time at or before an instant. */
  #rhythm(sequence: Flow['sequence']): (at: number, key: number) => number {
    const known = this.#rhythms.get(sequence)
    if (known !== undefined) return known
    const { rhythm } = sequence
    const slot = slotOf(`beat of ${sequence.kind} ${sequence.name}`)
    let made: (at: number, key: number) => number
    if (rhythm.kind === 'every') {
      const { everyMs } = rhythm
      made = (at, key) => {
        const phase = draw(key, slot) * everyMs
        return Math.floor((at - phase) / everyMs) * everyMs + phase
      }
    } else {
      const dues = dueTimes(rhythm.line, rhythm.timezone, this.#window)
      made = (at) => dues[lastAtOrBefore(dues, at)] ?? Number.NEGATIVE_INFINITY
    }
    this.#rhythms.set(sequence, made)
    return made
  }
}

function dueTimes(line: string, timezone: string, { from, to }: Window): Float64Array {
  const times: number[] = []
  let before = previousDue(line, timezone, from)
  for (let run = 0; run < runsBefore && before !== undefined; run++) {
    times.unshift(before)
    before = previousDue(line, timezone, before - 1)
  }
  for (let at = nextDue(line, timezone, from); at !== undefined && at <= to; ) {
    times.push(at)
    at = nextDue(line, timezone, at)
  }
  return Float64Array.from(times)
}
