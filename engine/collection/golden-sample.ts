/**
 * Which points are drawn for golden queries: those whose ids (tag, length, bytes) have the smallest
 * SHA-256. Ids have nothing to do with where vectors lie, so it is a fair sample, and the same one
 * whatever the layout.
 *
 * A segment's ids are hashed once; what was found is kept as the first of an order. Rows that died since
 * leave gaps in it, and it is asked for anew only when what is left does not reach far enough.
 */
import { sha256 } from '../base/checksum.ts'
import { encodeId } from '../format/point.ts'
import type { Tombstones } from '../format/tombstones-file.ts'
import type { Candidates } from '../format/truth-file.ts'
import type { LiveSegment } from './live-segment.ts'

/** A segment as it was when a state was pinned: `count` rows, minus `tombstones`. */
export interface PinnedView {
  readonly segment: LiveSegment
  readonly count: number
  readonly tombstones: Tombstones
}

export interface DrawnPoint {
  readonly view: PinnedView
  readonly ordinal: number
}

export interface Pool {
  /** In the order of their hashes. */
  readonly points: readonly DrawnPoint[]
  /** Of every view, as found in `known` or found now. */
  readonly candidates: ReadonlyMap<PinnedView, Candidates>
  /** Views whose ids had to be hashed. */
  readonly hashed: ReadonlySet<PinnedView>
}

interface Ranked extends DrawnPoint {
  readonly rank: Buffer
}

/**
 * The `size` live points with the smallest hashes.
 * @param known what earlier states of the views had; it holds for every later state
 */
export async function drawPool(
  views: readonly PinnedView[],
  known: ReadonlyMap<PinnedView, Candidates>,
  size: number,
): Promise<Pool> {
  const candidates = new Map<PinnedView, Candidates>(known)
  const hashed = new Set<PinnedView>()
  const hash = async (view: PinnedView) => {
    // twice as many as are needed now: half of them may die before this is done again
    candidates.set(view, await smallestOf(view, 2 * size))
    hashed.add(view)
  }
  for (const view of views) if (!candidates.has(view)) await hash(view)
  for (;;) {
    const ranked = views.flatMap((view) => liveOf(view, candidates.get(view)))
    const points = ranked.sort((a, b) => a.rank.compare(b.rank)).slice(0, size)
    const bar = points.length === size ? points.at(-1)?.rank : undefined
    const short = views.filter(
      (view) => !hashed.has(view) && !reaches(view, candidates.get(view), bar),
    )
    if (short.length === 0) return { points, candidates, hashed }
    for (const view of short) await hash(view)
  }
}

const rankOf = (view: PinnedView, ordinal: number): Buffer =>
  sha256(encodeId(view.segment.id(ordinal)))

const liveOf = (view: PinnedView, known: Candidates | undefined): Ranked[] =>
  (known?.ordinals ?? [])
    .filter((ordinal) => !view.tombstones.has(ordinal))
    .map((ordinal) => ({ view, ordinal, rank: rankOf(view, ordinal) }))

/** Whether no row that is not among the candidates can lie before `bar` (undefined: before the end). */
function reaches(
  view: PinnedView,
  known: Candidates | undefined,
  bar: Buffer | undefined,
): boolean {
  if (known === undefined) return false
  if (known.complete) return true
  const last = known.ordinals.at(-1)
  return bar !== undefined && last !== undefined && rankOf(view, last).compare(bar) >= 0
}

/** Ids hashed before other work gets a turn. */
const stride = 20_000

/** The `size` live rows of a view whose ids have the smallest hashes. */
export async function smallestOf(view: PinnedView, size: number): Promise<Candidates> {
  let best: { rank: Buffer; ordinal: number }[] = []
  let bar: Buffer | undefined
  let live = 0
  const cut = () => {
    best.sort((a, b) => a.rank.compare(b.rank))
    best = best.slice(0, size)
    bar = best.length === size ? best.at(-1)?.rank : undefined
  }
  for (let ordinal = 0; ordinal < view.count; ordinal++) {
    if ((ordinal + 1) % stride === 0) await new Promise((resolve) => setImmediate(resolve))
    if (view.tombstones.has(ordinal)) continue
    live++
    const rank = rankOf(view, ordinal)
    if (bar === undefined || rank.compare(bar) < 0) best.push({ rank, ordinal })
    if (best.length >= 2 * size + 64) cut()
  }
  cut()
  return { ordinals: best.map(({ ordinal }) => ordinal), complete: live === best.length }
}
