/** Which LSNs of a history are covered by ranges, and which are not. Pure. */

export interface LsnRange {
  readonly firstLsn: number
  readonly lastLsn: number
}

/** Overlapping and adjoining ranges joined, rising. */
export function joinRanges(ranges: readonly LsnRange[]): readonly LsnRange[] {
  const joined: { firstLsn: number; lastLsn: number }[] = []
  for (const { firstLsn, lastLsn } of [...ranges].sort((a, b) => a.firstLsn - b.firstLsn)) {
    const last = joined.at(-1)
    if (last !== undefined && firstLsn <= last.lastLsn + 1) {
      last.lastLsn = Math.max(last.lastLsn, lastLsn)
    } else {
      joined.push({ firstLsn, lastLsn })
    }
  }
  return joined
}

/** The last LSN of the unbroken run that holds `lsn`, or undefined when nothing does. */
export const reachFrom = (ranges: readonly LsnRange[], lsn: number): number | undefined =>
  joinRanges(ranges).find((each) => each.firstLsn <= lsn && lsn <= each.lastLsn)?.lastLsn

/** The first LSN from `from` on that nothing covers. */
export const firstUncovered = (ranges: readonly LsnRange[], from: number): number =>
  (reachFrom(ranges, from) ?? from - 1) + 1
