/**
 * Rolling a staged collection forward: archived log becomes its own log, piece by piece.
 *
 * Each piece is written as a log file of the history that the collection was saved in and replayed by
 * the very recovery that every opening runs. Between two pieces the state is sealed, so that memory is
 * bounded by a piece and not by the length of the archive. Nothing of it counts before the restore
 * gives the collection its name.
 */
import * as path from 'node:path'
import { type Disk, replaceFile } from '../base/disk.ts'
import { fail } from '../base/errors.ts'
import type { Identity } from '../format/identity.ts'
import { encodeWalHeader } from '../format/wal-record.ts'
import type { LogPosition } from '../wal/replay.ts'
import { walFileName } from '../wal/wal-files.ts'
import { createWatermark, watermarkName } from '../wal/watermark-file.ts'
import { Collection } from './collection.ts'
import type { CollectionContext } from './context.ts'
import { walDirectoryOf } from './open-files.ts'

/** Records that follow on from one position, and where they lead. */
export interface LogPiece {
  /** Header and payload of each. */
  readonly records: readonly Uint8Array[]
  readonly lastLsn: number
  /** What the state must be after the last one, where that was recorded. */
  readonly state: { readonly count: number; readonly digest: string } | undefined
}

/** Where the log comes from. */
export interface LogReplay {
  /** What follows `after`, as much as may be replayed at once; undefined at the end. */
  next(after: LogPosition): Promise<LogPiece | undefined>
}

/**
 * Applies everything that `replay` has to the collection in `directory`.
 * @param staged the collection, open; it belongs to this now, and is closed when this fails
 * @returns the collection, open
 * @throws `digest-mismatch` when a recorded digest is not reached; what `replay` throws
 */
export async function rollForward(
  context: CollectionContext,
  directory: string,
  staged: Collection,
  replay: LogReplay,
  { durableMarks = false }: { readonly durableMarks?: boolean } = {},
): Promise<Collection> {
  const { uuid } = staged
  let current: Collection | undefined = staged
  try {
    for (let isFirst = true; ; isFirst = false) {
      const { position } = current
      const piece = await replay.next(position)
      if (piece === undefined) return current
      if (!isFirst) await current.checkpoint()
      const { manifest }: Collection = current
      const closing = current
      current = undefined
      await closing.close()
      await writePiece(context.disk, directory, manifest, position, piece, durableMarks)
      current = await Collection.open(context, directory, uuid)
      expectState(piece, current)
    }
  } catch (error) {
    await current?.close()
    throw error
  }
}

/**
 * The piece as the next log file, and a watermark that demands all of it: `durable` where the history goes on
 * in this place.
 */
async function writePiece(
  disk: Disk,
  directory: string,
  identity: Identity & { readonly sequence: number },
  after: LogPosition,
  piece: LogPiece,
  durable: boolean,
): Promise<void> {
  const { sequence } = identity
  const firstLsn = after.lsn + 1
  const header = encodeWalHeader({ identity, firstLsn, chain: after.chain })
  const file = path.join(walDirectoryOf(directory, identity), walFileName(firstLsn))
  await replaceFile(disk, file, Buffer.concat([header, ...piece.records]))
  const watermark = path.join(directory, watermarkName)
  await disk.unlink(watermark)
  const { history } = identity.epoch
  await createWatermark(disk, watermark, { lsn: piece.lastLsn, sequence, history }, { durable })
}

function expectState({ lastLsn, state }: LogPiece, { lsn, count, digest }: Collection): void {
  const fits = lsn === lastLsn && (state === undefined || state.digest === digest)
  if (fits && (state === undefined || state.count === count)) return
  fail(
    'digest-mismatch',
    `the archive recorded ${state?.count ?? '?'} points with the digest ${state?.digest ?? '?'} after LSN ${lastLsn}; the replay reached LSN ${lsn}, ${count} points, ${digest}`,
    'Restore to a moment before that LSN, or from another copy; the collection was not put in place.',
    { place: { lsn: lastLsn } },
  )
}
