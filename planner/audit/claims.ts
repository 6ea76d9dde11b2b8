/**
 * From copies to claims: between two instants a verified recovery point stood at a destination, and this was
 * its as-of. Pure.
 *
 * - As-of is the last sighting of the source at exactly that moment, so a collection that is idle does not age.
 * - A snapshot is *verified* from the end of a verification that read all of it, or of the copy that brought it
 *   and read it back. A failed one takes that back to the last that passed: nobody knows when it broke.
 * - Archived log counts while a verified snapshot stands at the same destination that it goes on from.
 */
import type { ArchivedLog, CopyCheck, LogStretch, SnapshotCopy } from './copies.ts'
import { lastSeen, type Moment } from './sightings.ts'

/** The recovery point behind a claim. */
export interface ClaimedPoint {
  /** Of a replica the target. */
  readonly destination: string
  /** `replica`: a standby, as of its last look; no verified copy (`replicas.ts`). */
  readonly kind: 'snapshot' | 'archive' | 'replica'
  /** Of a replica: whether its content was compared with that of its primary. */
  readonly isProven?: boolean
  /** Of a snapshot. */
  readonly id?: string
  readonly lsn: number
  /** The run and the line that left it there. */
  readonly run: string
  readonly line: number
}

/** Epoch milliseconds; `to` is not part of it. */
export interface Claim {
  readonly from: number
  readonly to: number
  readonly asOfAt: number
  readonly point: ClaimedPoint
}

export interface Span {
  readonly from: number
  readonly to: number
}

const forever = Number.POSITIVE_INFINITY

/** Whether a check found all of a snapshot's bytes sound. */
export const isProof = ({ ok, depth, readShare }: CopyCheck): boolean =>
  ok && (depth === 'copy' || (depth !== 'manifest' && readShare === 1))

/** When a snapshot was verified, by what is known in the end. */
export function verifiedSpans({ checks, madeAt, removedAt = forever }: SnapshotCopy): Span[] {
  const spans: Span[] = []
  let from: number | undefined
  let lastPassAt = madeAt
  for (const check of checks) {
    if (isProof(check)) {
      from ??= check.at
      lastPassAt = check.at
    } else if (!check.ok && from !== undefined) {
      spans.push({ from, to: lastPassAt })
      from = undefined
    }
  }
  if (from !== undefined) spans.push({ from, to: forever })
  return spans
    .map((span) => ({ from: span.from, to: Math.min(span.to, removedAt) }))
    .filter((span) => span.from < span.to)
}

/**
 * Claims of one collection from the copies at one destination.
 * @param snapshots of the collection at the destination
 * @param logs of the collection at the destination
 */
export function claimsOf(
  snapshots: readonly SnapshotCopy[],
  logs: readonly ArchivedLog[],
): Claim[] {
  const spans = new Map(snapshots.map((each) => [each, verifiedSpans(each)]))
  // many snapshots of an idle collection are one moment
  const moments = new Map<Moment, SnapshotCopy[]>()
  for (const each of snapshots) {
    const same = moments.get(each.moment)
    if (same === undefined) moments.set(each.moment, [each])
    else same.push(each)
  }
  const fromSnapshots = [...moments].flatMap(([moment, copies]) => {
    const [first] = copies
    if (first === undefined) return []
    const { destination, id, run, line } = first
    const point = { destination, kind: 'snapshot', id, lsn: moment.lsn, run, line } as const
    return union(copies.flatMap((each) => spans.get(each) ?? [])).flatMap((span) =>
      claimsIn(span, moment, point),
    )
  })
  return [...fromSnapshots, ...logs.flatMap((log) => claimsOfLog(log, snapshots, spans))]
}

function claimsOfLog(
  log: ArchivedLog,
  snapshots: readonly SnapshotCopy[],
  spans: ReadonlyMap<SnapshotCopy, readonly Span[]>,
): Claim[] {
  const own = snapshots.filter(
    ({ moment }) => moment.uuid === log.uuid && moment.history === log.history,
  )
  return log.stretches.flatMap((stretch) => {
    // a snapshot after the newest archived moment is newer itself, so it does no harm here
    const bases = own.filter(({ moment }) => moment.lsn >= stretch.firstLsn - 1)
    return claimsOfStretch(log, stretch, union(bases.flatMap((each) => spans.get(each) ?? [])))
  })
}

function claimsOfStretch(
  { destination }: ArchivedLog,
  { positions, endsAt = forever }: LogStretch,
  bases: readonly Span[],
): Claim[] {
  let base = 0
  return positions.flatMap(({ moment, coveredAt, run, line }, index) => {
    const to = Math.min(endsAt, positions[index + 1]?.coveredAt ?? forever)
    while ((bases[base]?.to ?? forever) <= coveredAt) base++
    const point = { destination, kind: 'archive', lsn: moment.lsn, run, line } as const
    const claims: Claim[] = []
    for (let at = base; at < bases.length; at++) {
      const span = bases[at]
      if (span === undefined || span.from >= to) break
      claims.push(
        ...claimsIn(
          { from: Math.max(span.from, coveredAt), to: Math.min(span.to, to) },
          moment,
          point,
        ),
      )
    }
    return claims
  })
}

/** The as-of of a moment over a span: it moves on with each sighting. */
function claimsIn({ from, to }: Span, { seenAt }: Moment, point: ClaimedPoint): Claim[] {
  if (from >= to) return []
  const before = lastSeen(seenAt, from)
  const later = seenAt.filter((at) => at > from && at < to)
  const starts = before === undefined ? later : [from, ...later]
  return starts.map((start, index) => ({
    from: start,
    to: starts[index + 1] ?? to,
    asOfAt: start === from && before !== undefined ? before : start,
    point,
  }))
}

/** Spans that touch or overlap joined, by their starts. */
export function union(spans: readonly Span[]): Span[] {
  const joined: { from: number; to: number }[] = []
  for (const { from, to } of [...spans].sort((a, b) => a.from - b.from)) {
    const last = joined.at(-1)
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to)
    else joined.push({ from, to })
  }
  return joined
}
