/**
 * The durable log of a collection, pinned: what an archive run ships while writes go on.
 *
 * All log files of the history that are still there, up to the byte that was durable at one LSN, and the
 * digest and count of the state at that LSN. The files stay until the log is released.
 */
import * as path from 'node:path'
import type { DiskFile } from '../base/disk.ts'
import { epochName, type Identity } from '../format/identity.ts'
import type { LogWriter } from '../wal/log-writer.ts'
import { listWal } from '../wal/wal-files.ts'
import type { ArchivePosition, ArchivePositions } from './archive-positions.ts'
import type { Checkpointer } from './checkpoint.ts'
import type { CollectionContext } from './context.ts'
import type { LiveState } from './live-state.ts'

export interface PinnedLogFile {
  /** LSN of its first record. */
  readonly firstLsn: number
  /** Where it stands, for messages. */
  readonly path: string
  readonly sizeBytes: number
  /** Reads until `target` is full or the pinned size is reached; returns the bytes read. */
  read(target: Uint8Array, position: number): Promise<number>
}

/** A state that is known: its digest after one record. */
export interface KnownState {
  readonly lsn: number
  readonly count: number
  readonly digest: string
}

export interface PinnedLog extends KnownState {
  readonly identity: Identity
  readonly name: string
  /** Commit time of the newest record, epoch µs; 0 when nothing was ever written. */
  readonly committedAtUs: number
  /** When it was pinned, epoch µs: nothing newer was acknowledged then. */
  readonly pinnedAtUs: number
  /** Rising, without gaps. */
  readonly files: readonly PinnedLogFile[]
  /** The state of the last checkpoint. */
  readonly checkpoint: KnownState
  /** Up to where the log was noted as archived in that repository. */
  archived(repository: string): number | undefined
  /** Notes that the log is archived up to there, durably: from now on later records are kept for it. */
  noteArchived(position: ArchivePosition): Promise<void>
  /** Lets go of the files. Idempotent; closing the collection does it too. */
  release(): Promise<void>
}

export interface PinLogSource {
  readonly context: CollectionContext
  readonly directory: string
  readonly state: LiveState
  readonly writer: LogWriter
  readonly checkpointer: Checkpointer
  readonly archives: ArchivePositions
}

/** Pins between two log groups: everything before is durable and applied, nothing is half done. */
export function pinLog(source: PinLogSource): Promise<PinnedLog> {
  const { state, writer, checkpointer, context, directory, archives } = source
  return writer.between(async () => {
    await writer.sync()
    const opened = new Map<string, Promise<DiskFile>>()
    const { manifest, release } = checkpointer.pin(() => closeAll(opened), 0)
    const { lsn, committedAtUs } = writer.position
    const pinnedAtUs = context.clock.nowUs()
    const { count, digest } = state
    const walDirectory = path.join(directory, 'wal', epochName(manifest.epoch))
    const { tail } = writer
    const files: PinnedLogFile[] = []
    for (const log of await listWal(context.disk, walDirectory)) {
      const file = path.join(walDirectory, log.name)
      const sizeBytes =
        file === tail.file ? tail.offset : ((await context.disk.stat(file))?.sizeBytes ?? 0)
      const read = async (target: Uint8Array, position: number) => {
        const handle = opened.get(file) ?? context.disk.open(file, 'read')
        opened.set(file, handle)
        const length = Math.max(0, Math.min(target.length, sizeBytes - position))
        return (await handle).read(target.subarray(0, length), position)
      }
      files.push({ firstLsn: log.firstLsn, path: file, sizeBytes, read })
    }
    return {
      identity: { uuid: manifest.uuid, epoch: manifest.epoch },
      name: manifest.name,
      lsn,
      committedAtUs,
      pinnedAtUs,
      count,
      digest,
      files,
      checkpoint: { lsn: manifest.lsn, count: manifest.count, digest: manifest.digest },
      archived: (repository) => archives.of(repository),
      noteArchived: (position) => archives.note(position),
      release,
    }
  })
}

async function closeAll(opened: Map<string, Promise<DiskFile>>): Promise<void> {
  const files = [...opened.values()]
  opened.clear()
  for (const file of files) await (await file).close()
}
