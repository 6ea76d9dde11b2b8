/**
 * Why nothing should be removed now: what came last looks wrong, and what is older may be all that is good.
 * Pure. Somebody has to look; then `--force` removes all the same.
 */
import { toInstant } from '../repository/instant.ts'
import { type Candidate, groupBy, newestFirst } from './keep-rules.ts'

/** A newest snapshot with fewer points than this share of the one before it is suspicious. */
const shareLeft = 0.5
/** Snapshots of one history that are further apart: a clock was wrong, or nobody backed up for a year. */
const longestGapMs = 366 * 86_400_000
/** Clocks of two hosts may differ by so much. */
const clockSlackMs = 5 * 60_000

/**
 * @param unreadable sentences about manifests that cannot be read
 * @param recordedMs the latest time that anything else in the repository speaks of, epoch ms
 */
export function suspicions(
  snapshots: readonly Candidate[],
  unreadable: readonly string[],
  nowMs: number,
  recordedMs = 0,
): readonly string[] {
  const histories = groupBy(snapshots, (each) => `${each.collection}/${each.uuid}/${each.epoch}`)
  return [
    ...clockBehind(snapshots, nowMs, recordedMs),
    ...unreadable.map((each) => `a snapshot that may be the newest cannot be read: ${each}`),
    ...histories.flatMap((history) => ofHistory(newestFirst(history))),
  ]
}

function clockBehind(snapshots: readonly Candidate[], nowMs: number, recordedMs: number): string[] {
  const ahead = snapshots.filter(
    (each) => Math.max(each.createdMs, each.asOfMs) > nowMs + clockSlackMs,
  )
  const [first] = ahead
  if (first === undefined) {
    if (recordedMs <= nowMs + clockSlackMs) return []
    return [
      `the clock says ${toInstant(nowMs)}, but the repository was used at ${toInstant(recordedMs)}: one of the two is wrong`,
    ]
  }
  const atMs = Math.max(first.createdMs, first.asOfMs)
  return [
    `the clock says ${toInstant(nowMs)}, but ${nameOf(first)} was taken at ${toInstant(atMs)}: one of the two is wrong`,
  ]
}

function ofHistory(history: readonly Candidate[]): string[] {
  const [newest, before] = history
  if (newest === undefined || before === undefined) return []
  const found: string[] = []
  if (newest.isBad) {
    found.push(`the newest snapshot ${nameOf(newest)} was found damaged`)
  }
  if (newest.count < before.count * shareLeft) {
    found.push(
      `the newest snapshot ${nameOf(newest)} has ${newest.count} points, less than half of the ${before.count} of ${before.snapshotId} before it`,
    )
  }
  const byTime = [...history].sort((a, b) => a.asOfMs - b.asOfMs)
  for (const [index, each] of byTime.entries()) {
    const next = byTime[index + 1]
    if (next === undefined || next.asOfMs - each.asOfMs <= longestGapMs) continue
    found.push(
      `${nameOf(next)} was taken ${Math.floor((next.asOfMs - each.asOfMs) / 86_400_000)} days after ${each.snapshotId}: a clock may have been wrong`,
    )
  }
  return found
}

const nameOf = ({ collection, snapshotId }: Candidate): string => `${snapshotId} of ${collection}`
