/**
 * What a snapshot holds beyond another one: points added, removed and changed, objects and bytes shared
 * and added, settings that differ.
 *
 * A point is changed when its vector or metadata are. Segments that both snapshots have, with the same
 * tombstones, have nothing to tell and are not read; of the others the points and tombstones are, never
 * the vectors. Ids that the log of either snapshot names are looked up in all segments.
 */
import type { Disk } from '../base/disk.ts'
import { fail } from '../base/errors.ts'
import { checkName } from '../base/name.ts'
import type { Manifest, SegmentEntry } from '../format/manifest.ts'
import type { PointId } from '../format/point.ts'
import { repositoryHint } from '../repository/read-document.ts'
import type { Repository, StoredSnapshot } from '../repository/repository.ts'
import { compareObjects, type ObjectComparison, settingChanges } from './compare-objects.ts'
import { hashText, type LoggedPoint, SnapshotContent } from './snapshot-content.ts'
import { findSnapshot, type Location, openSources } from './sources.ts'

export interface DiffOptions {
  readonly source: Location
  readonly collection: string
  /** The later one. */
  readonly snapshotId: string
  /** The earlier one. Default: the parent, the snapshot before it. */
  readonly against?: string
  readonly disk: Disk
  readonly signal?: AbortSignal
}

export interface PointComparison {
  readonly added: number
  readonly removed: number
  /** The same id with another vector or other metadata. */
  readonly changed: number
  readonly unchanged: number
}

/** Plain data. */
export interface SnapshotDiff {
  readonly collection: string
  /** null: there is none before, so that everything is added. */
  readonly from: DiffSide | null
  readonly to: DiffSide
  readonly points: PointComparison
  readonly objects: ObjectComparison
  readonly settings: readonly string[]
}

export interface DiffSide {
  readonly snapshotId: string
  readonly lsn: number
  readonly count: number
  readonly createdAt: string
  readonly totalBytes: number
}

/**
 * @throws `snapshot-not-found`, also when the parent is gone; `damaged`, `missing-file` for objects that
 *   have to be read; `repository-not-found`, `newer-format`
 */
export async function diffSnapshots(options: DiffOptions): Promise<SnapshotDiff> {
  const collection = checkName('collection name', options.collection)
  const { repositories } = await openSources([options.source], options.disk)
  const find = (id: string) => findSnapshot(repositories, collection, checkName('snapshot id', id))
  const { snapshot: to, repository } = await find(options.snapshotId)
  const earlier = options.against ?? to.manifest.parent
  const from = earlier === null ? null : (await find(earlier)).snapshot
  const points =
    from === null
      ? { added: to.manifest.count, removed: 0, changed: 0, unchanged: 0 }
      : await comparePoints(repository, from, to, options.signal)
  return {
    collection,
    from: from === null ? null : sideOf(from),
    to: sideOf(to),
    points,
    objects: compareObjects(from?.manifest ?? null, to.manifest),
    settings: from === null ? [] : settingChanges(from.manifest, to.manifest),
  }
}

const sideOf = ({ manifest }: StoredSnapshot): DiffSide => ({
  snapshotId: manifest.id,
  lsn: manifest.lsn,
  count: manifest.count,
  createdAt: manifest.createdAt,
  totalBytes: manifest.sizes.totalBytes,
})

/** One of the two, with what of its points differs or may differ: id → hash. */
interface Side {
  readonly content: SnapshotContent
  readonly state: Manifest
  readonly logged: ReadonlyMap<PointId, LoggedPoint>
  readonly points: Map<PointId, string>
}

async function comparePoints(
  repository: Repository,
  from: StoredSnapshot,
  to: StoredSnapshot,
  signal: AbortSignal | undefined,
): Promise<PointComparison> {
  const sides = [await openSide(repository, from), await openSide(repository, to)] as const
  const [before, after] = sides
  const named = new Set([...before.logged.keys(), ...after.logged.keys()])
  for (const [old, now] of pairs(before.state, after.state)) {
    signal?.throwIfAborted()
    const same = old !== undefined && now !== undefined
    if (same && namesOf(old.tombstones) === namesOf(now.tombstones) && named.size === 0) continue
    await compareSegment(sides, old, now, named)
  }
  for (const { points, logged } of sides) {
    for (const [id, hash] of logged) {
      if (hash === null) points.delete(id)
      else points.set(id, hash)
    }
  }
  const result = count(before.points, after.points, from.manifest.count)
  const { added, removed } = result
  if (from.manifest.count + added - removed !== to.manifest.count) {
    fail(
      'digest-mismatch',
      `snapshots ${from.manifest.id} and ${to.manifest.id} have objects that do not add up to their ${from.manifest.count} and ${to.manifest.count} points`,
      repositoryHint,
      { place: { file: to.place } },
    )
  }
  return result
}

async function openSide(repository: Repository, snapshot: StoredSnapshot): Promise<Side> {
  const content = new SnapshotContent(repository, snapshot)
  const state = await content.state()
  return { content, state, logged: await content.logged(state), points: new Map() }
}

/** Segments of both states, those with the same points as pairs. */
function* pairs(
  before: Manifest,
  after: Manifest,
): Iterable<readonly [SegmentEntry | undefined, SegmentEntry | undefined]> {
  const rest = new Map(after.segments.map((segment) => [namesOf(segment.points), segment]))
  for (const old of before.segments) {
    const name = namesOf(old.points)
    yield [old, rest.get(name)]
    rest.delete(name)
  }
  for (const now of rest.values()) yield [undefined, now]
}

const namesOf = (entry: { readonly pieces: readonly string[] } | null): string =>
  entry?.pieces.join() ?? ''

async function compareSegment(
  [before, after]: readonly [Side, Side],
  old: SegmentEntry | undefined,
  now: SegmentEntry | undefined,
  named: ReadonlySet<PointId>,
): Promise<void> {
  const table = await (now ? after.content.points(now) : old && before.content.points(old))
  if (table === undefined) return
  const dead = old && (await before.content.tombstones(old))
  const deadNow = now && (await after.content.tombstones(now))
  for (let ordinal = 0; ordinal < table.count; ordinal++) {
    const was = dead !== undefined && !dead.has(ordinal)
    const is = deadNow !== undefined && !deadNow.has(ordinal)
    if (!was && !is) continue
    if (was && is && named.size === 0) continue
    const id = table.id(ordinal)
    if (was && is && !named.has(id)) continue
    const { bytes, offset } = table.hash(ordinal)
    const hash = hashText(bytes, offset)
    if (was) before.points.set(id, hash)
    if (is) after.points.set(id, hash)
  }
}

/** @param total points of the earlier state, those that nothing was noted of too */
function count(
  before: ReadonlyMap<PointId, string>,
  after: ReadonlyMap<PointId, string>,
  total: number,
): PointComparison {
  let removed = 0
  let changed = 0
  let kept = 0
  for (const [id, hash] of before) {
    const now = after.get(id)
    if (now === undefined) removed++
    else if (now !== hash) changed++
    else kept++
  }
  const added = after.size - changed - kept
  return { added, removed, changed, unchanged: total - removed - changed }
}
