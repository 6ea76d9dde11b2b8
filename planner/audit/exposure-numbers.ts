/**
 * The numbers of an exposure over time. Pure and exact: exposure rises by one second a second and falls when a
 * newer recovery point is verified, so each stretch is a straight line and nothing is sampled.
 */
import type { Stretch } from './newest-claim.ts'

/** In milliseconds; null stands for without bound: there was no verified recovery point. */
export interface ExposureNumbers {
  /** Exposure summed over time, in seconds × seconds. */
  readonly integralS2: number | null
  readonly meanMs: number | null
  readonly worstMs: number | null
  /** Not more than this for 95 % of the time. */
  readonly p95Ms: number | null
  /** At the end. */
  readonly currentMs: number | null
  /** Time without any verified recovery point. */
  readonly withoutPointMs: number
}

/** Over stretches that follow each other without a gap; all null and zero where there are none. */
export function exposureNumbers(stretches: readonly Stretch[]): ExposureNumbers {
  let totalMs = 0
  let withoutPointMs = 0
  let integral = 0
  let worstMs = 0
  for (const { from, to, claim } of stretches) {
    totalMs += to - from
    if (claim === undefined) {
      withoutPointMs += to - from
      continue
    }
    const [low, high] = [from - claim.asOfAt, to - claim.asOfAt]
    integral += ((low + high) / 2) * (to - from)
    worstMs = Math.max(worstMs, high)
  }
  const last = stretches.at(-1)
  const isBounded = totalMs > 0 && withoutPointMs === 0
  return {
    integralS2: isBounded ? integral / 1e6 : null,
    meanMs: isBounded ? integral / totalMs : null,
    worstMs: isBounded ? worstMs : null,
    p95Ms: quantile(stretches, 0.95),
    currentMs: last?.claim === undefined ? null : last.to - last.claim.asOfAt,
    withoutPointMs,
  }
}

/**
 * The smallest exposure that is not exceeded for `share` of the time, weighted by time; null where it has no
 * bound. The time spent at or below x is a sum of ramps, one a stretch: a walk over their ends finds where it
 * reaches the share.
 */
export function quantile(stretches: readonly Stretch[], share: number): number | null {
  const bends: { readonly at: number; readonly slope: 1 | -1 }[] = []
  let totalMs = 0
  for (const { from, to, claim } of stretches) {
    totalMs += to - from
    if (claim === undefined || from === to) continue
    bends.push({ at: from - claim.asOfAt, slope: 1 }, { at: to - claim.asOfAt, slope: -1 })
  }
  if (totalMs === 0) return null
  bends.sort((a, b) => a.at - b.at)
  const wantedMs = share * totalMs
  let reachedMs = 0
  let slope = 0
  let before = 0
  for (const { at, slope: change } of bends) {
    const gained = slope * (at - before)
    if (slope > 0 && reachedMs + gained >= wantedMs) return before + (wantedMs - reachedMs) / slope
    reachedMs += gained
    slope += change
    before = at
  }
  return null
}
