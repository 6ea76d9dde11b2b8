/**
 * A restored collection before it counts.
 *
 * The restorer writes the files of a pinned state below `directory`; `commit` opens them as the source
 * left them, some while others are still being written, replays the log tail, holds count and digest against what was recorded, recomputes the
 * digest from every stored byte, and then lets a new history begin. Only then does the catalogue name
 * it. The directory is noted as a leftover all the while, so a crash leaves nothing that counts; a
 * restore of the same snapshot finds it again and goes on.
 */
import * as path from 'node:path'
import { type Disk, replaceFile } from '../base/disk.ts'
import { fail } from '../base/errors.ts'
import { KiB } from '../base/limits.ts'
import { entryOf } from '../format/catalogue.ts'
import type { CollectionConfig } from '../format/config.ts'
import { type DocumentKind, decodeDocument, encodeDocument } from '../format/document.ts'
import { Fields, patterns } from '../format/fields.ts'
import { type Epoch, epochName, type Identity } from '../format/identity.ts'
import { manifestSequence } from '../format/manifest.ts'
import { createWatermark, watermarkName } from '../wal/watermark-file.ts'
import { Collection } from './collection.ts'
import type { CollectionContext } from './context.ts'
import type { ArrivingFiles } from './open-files.ts'
import { encodeReplicaState, type ReplicaState, replicaFileName } from './replica-file.ts'
import { type LogReplay, rollForward } from './roll-forward.ts'

export const restoreNoteName = 'restore.json'
const noteKind: DocumentKind = { format: 'vectra-restore-note', version: 1 }
const maxNoteBytes = 64 * KiB

/** What is being restored, as its snapshot states it. */
export interface StageRequest {
  /** SHA-256, hex, of the snapshot manifest: the same request finds the same directory again. */
  readonly key: string
  readonly snapshotId: string
  readonly uuid: string
  readonly epoch: Epoch
  readonly lsn: number
  readonly count: number
  readonly digest: string
  /** Paths of all files of the state. Whatever else an interrupted restore left is removed. */
  readonly paths: readonly string[]
  /** A clone gets a UUID of its own; a restore in place keeps the old one. */
  readonly newUuid: boolean
  /** Another index than the snapshot's: graphs are then built anew. */
  readonly config?: CollectionConfig
  /** The copy stays in the epoch it was saved in, and is this to the other copies: a standby. */
  readonly standby?: ReplicaState
  /** The name of the collection that it will take the place of, where there is one. */
  readonly inPlaceOf?: string
}

/** Under which name, and when. */
export interface CommitTarget {
  readonly name: string
  readonly replace: boolean
  /** Aliases that the collection had: those that are free come back with it. */
  readonly aliases?: readonly string[]
  /** Told what a person should know: an alias that means something else now. */
  readonly onRemark?: (text: string) => void
  /**
   * The files, when they are still being put there, into directories that stand: they are proven as they
   * come, and the state gets no name before all are durable.
   */
  readonly arriving?: ArrivingFiles
  /** Log that follows on from the snapshot: the state it leads to is restored instead. */
  readonly replay?: LogReplay
  /** Asked when the state is proven, before it counts: throws what keeps it from that. */
  readonly admit?: (staged: Collection) => Promise<void>
  /** Runs a part of the work that is to be timed apart. */
  readonly timed?: <T>(phase: string, work: () => Promise<T>) => Promise<T>
}

export interface Staging {
  /** Where the files go, at their paths. */
  readonly directory: string
  /** Whether files of an interrupted restore may be there. */
  readonly resumed: boolean
  /**
   * Proves the state and gives it its name, as the last step.
   * @throws `digest-mismatch`, `damaged`, `possible-loss`; `collection-exists` without `replace`
   */
  commit(target: CommitTarget): Promise<Collection>
  /** Removes the directory. */
  discard(): Promise<void>
}

/** Bytes of the note that says what is being restored into a directory. */
export const encodeNote = (key: string, identity: Identity): Buffer =>
  encodeDocument(noteKind, { key, ...identity })

/** The key and identity of an interrupted restore in `directory`, or undefined when it is none. */
export async function readNote(
  disk: Disk,
  directory: string,
): Promise<{ key: string; identity: Identity } | undefined> {
  const file = path.join(directory, restoreNoteName)
  if ((await disk.stat(file)) === undefined) return undefined
  const fields = new Fields(
    decodeDocument(noteKind, await disk.readFile(file, maxNoteBytes), file),
    file,
  )
  const epoch = fields.object('epoch')
  return {
    key: fields.text('key', patterns.sha256),
    identity: {
      uuid: fields.text('uuid', patterns.uuid),
      epoch: {
        number: epoch.integer('number', 1, 0xffffffff),
        history: epoch.text('history', patterns.history),
      },
    },
  }
}

/** The identity that an interrupted restore of the same `key` was given, in one of `leftovers` below `root`. */
export async function findStaged(
  disk: Disk,
  root: string,
  leftovers: readonly string[],
  { key }: Pick<StageRequest, 'key'>,
): Promise<Identity | undefined> {
  for (const leftover of leftovers) {
    const note = await readNote(disk, path.join(root, leftover)).catch(() => undefined)
    if (note?.key === key && entryOf(note.identity).directory === leftover) return note.identity
  }
  return undefined
}

/**
 * Opens the staged files under the identity they were written with, proves them against the request,
 * seals the log tail, and starts the history `identity` under `name`.
 * @returns the collection, open and warm
 */
export async function proveAndRename(
  context: CollectionContext,
  directory: string,
  request: StageRequest,
  identity: Identity,
  target: CommitTarget,
): Promise<Collection> {
  const { disk } = context
  await removeStrangers(disk, directory, request)
  const sequences = request.paths.map(manifestSequence).filter((each) => each !== undefined)
  const watermark = path.join(directory, watermarkName)
  await disk.unlink(watermark)
  const first = {
    lsn: request.lsn,
    sequence: Math.max(0, ...sequences),
    history: request.epoch.history,
  }
  // the history that begins at the end has one of its own; a sync here would wait for all the files
  await createWatermark(disk, watermark, first, { durable: request.standby !== undefined })
  if (request.standby !== undefined) {
    await replaceFile(
      disk,
      path.join(directory, replicaFileName),
      encodeReplicaState(request.standby),
    )
  }
  const { arriving } = target
  await arriving?.some(request.paths.filter((each) => !each.startsWith('segments/')))
  const staged = await openStaged(context, directory, request, target)
  try {
    const proven = request.config ? await staged.proveDigest() : await staged.proveAndWarm()
    expectSame('content digest of the stored bytes', staged.digest, proven)
    const { snapshotId, uuid, epoch, config } = request
    const { lsn } = staged
    const lost = (await arriving?.all()) ?? []
    await arriving?.durable()
    await target.admit?.(staged)
    if (request.standby === undefined) {
      await staged.beginEpoch({
        identity,
        name: target.name,
        restoredFrom: { snapshotId, uuid, epoch, lsn },
        withoutIndex: await stillMissing(disk, directory, lost),
        ...(config && { config }),
      })
      await disk.removeTree(path.join(directory, 'wal', epochName(epoch)))
    }
    await disk.unlink(path.join(directory, restoreNoteName))
    await disk.syncDirectory(directory)
  } catch (error) {
    await staged.close()
    throw error
  }
  if (request.config === undefined) return staged
  await staged.close()
  return Collection.open(context, directory, identity.uuid)
}

/** The staged files, opened and held against the request, and the log after them replayed. */
async function openStaged(
  context: CollectionContext,
  directory: string,
  request: StageRequest,
  { replay, arriving, timed = (_, work) => work() }: CommitTarget,
): Promise<Collection> {
  const staged = await Collection.open(context, directory, request.uuid, {
    // a graph that will not be used is not loaded either
    proveAhead: request.config === undefined && replay === undefined,
    staged: true,
    arriving,
  })
  try {
    expectSame('LSN', request.lsn, staged.lsn)
    expectSame('number of points', request.count, staged.count)
    expectSame('content digest', request.digest, staged.digest)
    if (replay !== undefined) await arriving?.durable() // a replay removes what it supersedes
  } catch (error) {
    await staged.close()
    throw error
  }
  if (replay === undefined) return staged
  // a standby stays in the history that it was saved in, and with that in what is written here
  const durableMarks = request.standby !== undefined
  return timed('replay', () => rollForward(context, directory, staged, replay, { durableMarks }))
}

/** Those of `paths` that the proof did not build again. */
async function stillMissing(disk: Disk, directory: string, paths: readonly string[]) {
  const missing: string[] = []
  for (const each of paths) {
    if ((await disk.stat(path.join(directory, each))) === undefined) missing.push(each)
  }
  return missing
}

/** An attempt that was cut off may have begun the new history: its manifests and logs go. */
async function removeStrangers(
  disk: Disk,
  directory: string,
  request: StageRequest,
): Promise<void> {
  const known = new Set(request.paths)
  for (const name of await disk.list(directory)) {
    const stranger = manifestSequence(name) !== undefined && !known.has(name)
    if (stranger || name.endsWith('.tmp')) await disk.unlink(path.join(directory, name))
  }
  const logs = path.join(directory, 'wal')
  for (const epoch of await disk.list(logs)) {
    for (const name of await disk.list(path.join(logs, epoch))) {
      if (!known.has(`wal/${epoch}/${name}`)) await disk.unlink(path.join(logs, epoch, name))
    }
  }
}

/** Puts the note there, durably. */
export const writeNote = (disk: Disk, directory: string, key: string, identity: Identity) =>
  replaceFile(disk, path.join(directory, restoreNoteName), encodeNote(key, identity))

function expectSame<T extends string | number>(what: string, expected: T, found: T): void {
  if (expected === found) return
  fail(
    'digest-mismatch',
    `the restored ${what} is ${found}, the snapshot recorded ${expected}`,
    'Restore another snapshot, or the same one from another copy; the collection was not put in place.',
  )
}
