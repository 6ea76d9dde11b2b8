/** What the bundled engine reports, embedded or served, as the steps want it. */
import type {
  ArchiveResult,
  BackupResult,
  CollectionDescription,
  RestoreResult,
} from '../../engine/index.ts'
import { pathInside } from './path-inside.ts'
import type { Shape } from './shape.ts'
import type { Archived, BackedUp, Position, Restored } from './target.ts'

/** A backup; the manifest is named as it stands below `destination`. */
export const toBackedUp = (result: BackupResult, destination: string): BackedUp => {
  const { snapshotId, lsn, count, digest, sizes, manifest, epoch, committedAt, asOfAt } = result
  return {
    snapshotId,
    lsn,
    count,
    digest,
    position: {
      uuid: result.collection.uuid,
      epoch,
      lsn,
      ...(committedAt !== null && { committedAt: Date.parse(committedAt) }),
      count,
      observedAt: Date.parse(asOfAt),
    },
    manifest: { ...manifest, path: pathInside(destination, manifest.path) },
    storedBytes: sizes.addedBytes,
    totalBytes: sizes.totalBytes,
  }
}

/** @param gapError makes the error of a result that has a gap */
export const toArchived = (
  result: ArchiveResult,
  gapError: (result: ArchiveResult) => NonNullable<Archived['gap']>,
): Archived => {
  const { files, records, bytes, archivedLsn, restorable, committedAt } = result
  return {
    ...{ files, records, bytes, restorable },
    ...(result.readBack && { readBack: result.readBack }),
    lsn: archivedLsn,
    position: {
      uuid: result.collection.uuid,
      epoch: result.epoch,
      lsn: archivedLsn,
      ...(committedAt !== null && { committedAt: Date.parse(committedAt) }),
      count: result.count,
      observedAt: Date.parse(result.asOfAt),
    },
    ...(result.gap !== null && { gap: gapError(result) }),
  }
}

/** A restore, with the moment that it reached where one was asked for. */
export const toRestored = (result: RestoreResult): Restored => {
  const { uuid, epoch, lsn, asOfAt } = result.recoveryPoint
  return {
    name: result.name,
    snapshotId: result.snapshotId,
    source: result.source,
    recoveryPoint: { uuid, history: epoch.history, lsn },
    takenAt: Date.parse(asOfAt),
    count: result.count,
    digest: result.digest,
    bytes: result.bytes,
    graphs: result.graphs,
    ...(result.moment !== null && {
      moment: {
        at: result.moment.at,
        snapshotLsn: result.moment.snapshotLsn,
        replayedRecords: result.moment.replayed.records,
        lastProvenLsn: result.moment.lastProvenLsn,
        beyondRecords: result.moment.beyond?.records ?? 0,
      },
    }),
  }
}

/** @param observedAt epoch ms */
export const toPosition = (
  { uuid, epoch, lsn, committedAt, count }: CollectionDescription,
  observedAt: number,
): Position => ({
  uuid,
  epoch: { number: epoch.number, history: epoch.history },
  lsn,
  ...(committedAt !== null && { committedAt: Date.parse(committedAt) }),
  count,
  observedAt,
})

/** What a collection is, apart from its content. */
export const toShape = ({
  config,
  aliases,
}: Pick<CollectionDescription, 'config' | 'aliases'>): Shape => ({
  dimension: config.dimension,
  metric: config.metric,
  index: { ...config.index },
  aliases,
})
