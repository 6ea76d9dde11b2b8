/**
 * Recovery points of the ledger, held against what targets and destinations say now. Pure.
 *
 * - What a destination that was asked no longer holds is no point any more; what it holds and the ledger
 *   does not know, because somebody made it by hand, is one that nobody verified.
 * - A point at which the source still stands is as good as one of this moment: nothing was written since.
 * - A destination that did not answer keeps what the ledger says.
 */
import type { KnownPoint } from '../audit/recovery-points.ts'
import type { Holding } from '../target/repositories.ts'
import type { Position } from '../target/target.ts'

export interface Live {
  /** By collection; those whose target answered. */
  readonly positions: ReadonlyMap<string, Position>
  /** By destination; those that answered. */
  readonly holdings: ReadonlyMap<string, Holding>
}

/** For each destination and collection oldest first. */
export function livePoints(
  known: readonly KnownPoint[],
  { positions, holdings }: Live,
): readonly KnownPoint[] {
  const kept = known.filter((point) => {
    const holding = holdings.get(point.destination)
    return holding === undefined || isHeld(point, holding)
  })
  const strange = [...holdings].flatMap(([destination, holding]) =>
    strangersIn(destination, holding, kept),
  )
  return [...kept, ...strange]
    .map((point) => asOfNow(point, positions))
    .sort((a, b) => a.asOfAt - b.asOfAt)
}

/** A snapshot by its id and history, an archive by how far it reaches. */
function isHeld(point: KnownPoint, { snapshots, reaches }: Holding): boolean {
  const isOf = (each: { readonly uuid: string; readonly history: string }) =>
    each.uuid === point.source.uuid && each.history === point.source.history
  return point.kind === 'archive'
    ? reaches.some((each) => isOf(each) && each.lsn >= point.lsn)
    : snapshots.some((each) => isOf(each) && each.snapshotId === point.id)
}

const strangersIn = (
  destination: string,
  { snapshots }: Holding,
  kept: readonly KnownPoint[],
): KnownPoint[] =>
  snapshots
    .filter(
      ({ collection, snapshotId }) =>
        !kept.some(
          (each) =>
            each.destination === destination &&
            each.collection === collection &&
            each.id === snapshotId,
        ),
    )
    .map(({ collection, snapshotId, uuid, history, lsn, asOfAt }) => ({
      ...{ collection, destination, kind: 'snapshot', id: snapshotId, lsn, asOfAt },
      source: { uuid, history },
    }))

function asOfNow(point: KnownPoint, positions: Live['positions']): KnownPoint {
  const now = positions.get(point.collection)
  const stands =
    now !== undefined &&
    now.uuid === point.source.uuid &&
    now.epoch.history === point.source.history &&
    now.lsn === point.lsn
  return stands ? { ...point, asOfAt: Math.max(point.asOfAt, now.observedAt) } : point
}
