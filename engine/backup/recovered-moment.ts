/** What a recovery to a moment says about itself: plain data. */
import type { Collection } from '../collection/collection.ts'
import { toInstant } from '../repository/instant.ts'
import type { ArchivedLog, Replayed } from './archived-log.ts'
import type { KnownHistory } from './histories.ts'
import { type Moment, showMoment } from './moment.ts'

/** Instants are ISO 8601. */
export interface RecoveredMoment {
  /** As it was asked for. */
  readonly at: string
  /** The snapshot that the replay went on from. */
  readonly snapshotLsn: number
  readonly replayed: Omit<Replayed, 'lastProvenLsn'>
  /** The newest LSN whose state was held against a recorded digest, and found equal. */
  readonly lastProvenLsn: number
  /** What the sources have of this history beyond the moment, and was not restored; null for nothing. */
  readonly beyond: {
    readonly records: number
    readonly firstLsn: number
    readonly lastLsn: number
    /** Commit time of the last one, where it is known. */
    readonly lastCommittedAt: string | null
  } | null
}

/** @param restored the collection that came back */
export async function describeMoment(
  log: ArchivedLog,
  restored: Collection,
): Promise<{ readonly moment: RecoveredMoment; readonly asOfAt: string }> {
  const { history, moment, snapshot } = log.chosen
  const { lastProvenLsn, ...replayed } = log.replayed
  const { lsn, committedAtUs } = restored
  const endUs = await history.asOfUs(lsn)
  return {
    moment: {
      at: showMoment(moment),
      snapshotLsn: snapshot.manifest.lsn,
      replayed,
      lastProvenLsn,
      beyond: await beyond(history, lsn),
    },
    asOfAt: toInstant(asOfUs(moment, committedAtUs, endUs) / 1000),
  }
}

/** The last instant at which the restored state is known to have been the newest of the source. */
function asOfUs(moment: Moment, committedAtUs: number, endUs: number | undefined): number {
  if (moment.kind === 'time') return moment.atUs
  return Math.max(committedAtUs, endUs ?? 0)
}

async function beyond(history: KnownHistory, lsn: number): Promise<RecoveredMoment['beyond']> {
  const { lastLsn } = history
  if (lastLsn <= lsn) return null
  const file = history.files.find((each) => each.name.lastLsn === lastLsn)
  const lastCommittedAtUs =
    (file && (await history.trailer(file))?.lastCommittedAtUs) ??
    history.snapshots.findLast((each) => each.snapshot.manifest.lsn === lastLsn)?.snapshot.manifest
      .committedAtUs
  return {
    records: lastLsn - lsn,
    firstLsn: lsn + 1,
    lastLsn,
    lastCommittedAt:
      lastCommittedAtUs === undefined ? null : toInstant(Math.floor(lastCommittedAtUs / 1000)),
  }
}
