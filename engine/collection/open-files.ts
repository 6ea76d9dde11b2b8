/**
 * The files of one collection, and recovery from them.
 *
 * ```
 * <directory>/config.json                      what the vectors are, how they are indexed
 *             manifest-<sequence>.json         the newest is the state; its rename was the commit
 *             watermark                        how far the history was acknowledged
 *             segments/<number>.{vectors,points,graph,lists}, <number>.<lsn>.tombstones
 *             wal/<epoch>-<history>/<first lsn>.wal
 * ```
 *
 * Recovery: newest manifest → config → segments and tombstones → log after the manifest's LSN. What
 * is missing, damaged, swapped or older than the watermark is an error that names it; nothing is
 * created in its place. Files that the manifest does not name are left from a crash and removed last.
 */
import * as path from 'node:path'
import { sha256Hex } from '../base/checksum.ts'
import { type Disk, replaceFile } from '../base/disk.ts'
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { type CollectionConfig, encodeConfig } from '../format/config.ts'
import { ContentDigest } from '../format/content-digest.ts'
import { epochName, type Identity } from '../format/identity.ts'
import {
  decodeManifest,
  encodeManifest,
  filesOf,
  type Manifest,
  manifestName,
  manifestSequence,
  segmentFiles,
} from '../format/manifest.ts'
import { decodeOperation, type Operation } from '../format/operation.ts'
import type { Tombstones } from '../format/tombstones-file.ts'
import { WAL_HEADER_BYTES, type WalRecord } from '../format/wal-record.ts'
import { SealedSegment } from '../segment/sealed-segment.ts'
import { type LogEnd, repairHint, replayWal } from '../wal/replay.ts'
import { createWal } from '../wal/wal-files.ts'
import { createWatermark, WatermarkFile, watermarkName } from '../wal/watermark-file.ts'
import { configName, readConfigFile, tidyConfigFiles } from './config-file.ts'
import type { CollectionContext } from './context.ts'
import { LiveSegment } from './live-segment.ts'
import { LiveState } from './live-state.ts'

const hint =
  'Restore the collection from a backup; nothing was changed. Keep this directory for analysis.'

/** Where the log of an epoch lies. */
export const walDirectoryOf = (directory: string, identity: Identity): string =>
  path.join(directory, 'wal', epochName(identity.epoch))

/** What a new history starts from. */
export interface FirstState {
  readonly manifest: Manifest
  readonly config: CollectionConfig
}

/** The first manifest of a new collection: nothing at LSN 0. */
export const emptyManifest = (
  name: string,
  identity: Identity,
  config: CollectionConfig,
): Manifest => ({
  sequence: 1,
  name,
  ...identity,
  lsn: 0,
  chain: 0,
  committedAtUs: 0,
  count: 0,
  digest: new ContentDigest().toString(),
  nextSegment: 1,
  config: sha256Hex(encodeConfig(config)),
  segments: [],
  restoredFrom: null,
})

/**
 * Writes config, log, watermark and manifest of a history that goes on from `first.manifest`,
 * durably; the manifest last. The directory may hold segment files already.
 * @returns where the new log is written on
 */
export async function startHistory(
  disk: Disk,
  directory: string,
  { manifest, config }: FirstState,
): Promise<LogEnd> {
  const wal = walDirectoryOf(directory, manifest)
  for (const each of [path.join(directory, 'segments'), wal]) await disk.makeDirectory(each)
  await replaceFile(disk, path.join(directory, configName), encodeConfig(config))
  const header = { identity: manifest, firstLsn: manifest.lsn + 1, chain: manifest.chain }
  const file = await createWal(disk, wal, header)
  const watermark = path.join(directory, watermarkName)
  await disk.unlink(watermark)
  const { lsn, sequence, epoch } = manifest
  await createWatermark(disk, watermark, { lsn, sequence, history: epoch.history })
  for (const each of [path.dirname(wal), directory]) await disk.syncDirectory(each)
  await replaceFile(disk, path.join(directory, manifestName(sequence)), encodeManifest(manifest))
  const { chain, committedAtUs } = manifest
  return { lsn, chain, committedAtUs, file, offset: WAL_HEADER_BYTES, tornBytes: 0 }
}

export interface OpenedFiles {
  readonly manifest: Manifest
  readonly config: CollectionConfig
  /** The config document as it stands on disk: its hash is in the manifest. */
  readonly configBytes: Buffer
  readonly state: LiveState
  readonly watermark: WatermarkFile
  readonly end: LogEnd
  readonly walDirectory: string
  /** The tombstones of the manifest, by segment number. */
  readonly tombstonesWritten: ReadonlyMap<number, Tombstones>
}

/** Work on segments that begins as soon as they are open, while the rest is still being opened. */
export interface AheadOfOpen {
  begin(segment: LiveSegment, sealed: SealedSegment, config: CollectionConfig): void
  /** Waits until nothing uses their files any more. */
  settle(): Promise<void>
}

/** Files of a state that are still being put where it is opened. */
export interface ArrivingFiles {
  /** Resolves when those of `paths` that belong to the state stand there whole. @throws what went wrong with any */
  some(paths: readonly string[]): Promise<void>
  /** Resolves when all do. @returns derived files that nobody has: what they hold is found again */
  all(): Promise<readonly string[]>
  /** Resolves when they are durable, and their names. */
  durable(): Promise<void>
}

export interface OpenFilesOptions {
  readonly ahead?: AheadOfOpen | undefined
  /** Segments are opened as they come; manifest, config and log are there. */
  readonly arriving?: ArrivingFiles | undefined
  /** The directory does not count yet: whoever makes it count makes it durable. */
  readonly staged?: boolean
}

/**
 * @throws `missing-file`, `damaged`, `rollback`, `possible-loss`, `digest-mismatch`, `newer-format`
 */
export async function openFiles(
  context: CollectionContext,
  directory: string,
  uuid: string,
  { ahead, arriving, staged = false }: OpenFilesOptions = {},
): Promise<OpenedFiles> {
  const { disk, onWarning } = context
  const manifest = await readNewestManifest(disk, directory)
  if (manifest.uuid !== uuid) {
    fail('damaged', `${directory} holds the collection ${manifest.uuid}, not ${uuid}`, hint, {
      place: { file: directory },
    })
  }
  const { config, configBytes } = await readConfigFile(disk, directory, manifest.config)
  const watermarkPath = path.join(directory, watermarkName)
  const watermark = await WatermarkFile.open(disk, watermarkPath, onWarning, { durable: !staged })
  const opened: SealedSegment[] = []
  try {
    checkWatermark(watermark, manifest, directory)
    // a manifest that a dead process left to the page cache is relied on from here on
    if (!staged) await disk.syncDirectory(directory)
    const segments: LiveSegment[] = []
    const state = new LiveState(config.dimension, segments, manifest.nextSegment)
    state.reserve(manifest.count)
    for (const entry of manifest.segments) {
      await arriving?.some(segmentFiles(entry).map((file) => file.path))
      const sealed = await SealedSegment.open(
        { disk, directory, dimension: config.dimension },
        entry,
      )
      opened.push(sealed)
      const segment = new LiveSegment(entry.number, sealed, await sealed.loadTombstones())
      ahead?.begin(segment, sealed, config)
      segments.push(segment)
      state.admit(segment)
    }
    await arriving?.all() // one that the manifest does not name may be under way
    await removeOrphans(disk, directory, manifest)
    await tidyConfigFiles(disk, directory, configBytes, manifest.config)
    const tombstonesWritten = copyTombstones(segments)
    if (state.digest !== manifest.digest || state.count !== manifest.count) {
      fail(
        'digest-mismatch',
        `the points in ${directory} do not have the manifest's digest`,
        hint,
        {
          place: { file: path.join(directory, manifestName(manifest.sequence)), lsn: manifest.lsn },
        },
      )
    }
    const walDirectory = walDirectoryOf(directory, manifest)
    const end = await replayWal(disk, walDirectory, manifest, manifest, (record) => {
      state.apply(readOperation(record, config.dimension, walDirectory), record.lsn)
    })
    checkNothingLost(watermark, end)
    return {
      manifest,
      config,
      configBytes,
      state,
      watermark,
      end,
      walDirectory,
      tombstonesWritten,
    }
  } catch (error) {
    await ahead?.settle()
    await watermark.close()
    for (const sealed of opened) await sealed.close()
    throw error
  }
}

/** What is dead in each segment now, by number. */
export const copyTombstones = (segments: readonly LiveSegment[]): Map<number, Tombstones> =>
  new Map(segments.map((segment) => [segment.number, segment.tombstones.copy()]))

/** A record whose checksums hold and whose content does not: written by something else than us. */
export function readOperation(record: WalRecord, dimension: number, directory: string): Operation {
  try {
    return decodeOperation(record, dimension)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return fail(
      'damaged',
      `LSN ${record.lsn} in ${directory} is no operation: ${error.message}`,
      hint,
      {
        place: { file: directory, lsn: record.lsn },
        cause: error,
      },
    )
  }
}

/** @throws `missing-file`, `damaged`, `newer-format` */
export async function readNewestManifest(disk: Disk, directory: string): Promise<Manifest> {
  if ((await disk.stat(directory)) === undefined) {
    fail('missing-file', `${directory} is missing`, hint, { place: { file: directory } })
  }
  const sequences = (await disk.list(directory))
    .map(manifestSequence)
    .filter((sequence) => sequence !== undefined)
  if (sequences.length === 0) {
    fail('missing-file', `${directory} has no manifest`, hint, { place: { file: directory } })
  }
  const sequence = Math.max(...sequences)
  const file = path.join(directory, manifestName(sequence))
  const manifest = decodeManifest(await disk.readFile(file, limits.manifestBytes), file)
  if (manifest.sequence !== sequence) {
    fail('damaged', `${file} says that it is manifest ${manifest.sequence}`, hint, {
      place: { file },
    })
  }
  return manifest
}

/** A manifest older than the one that was current is a rollback; another history is a mix-up. */
export function checkWatermark(
  watermark: WatermarkFile,
  manifest: Manifest,
  directory: string,
): void {
  const { sequence, history } = watermark.latest
  const place = { file: path.join(directory, watermarkName) }
  if (history !== manifest.epoch.history) {
    fail('damaged', `${place.file} belongs to another history of the collection`, hint, { place })
  }
  if (manifest.sequence < sequence) {
    fail(
      'rollback',
      `the newest manifest in ${directory} is ${manifest.sequence}, but ${sequence} was committed: files were put back or removed`,
      hint,
      { place },
    )
  }
}

/** A log that ends below what was acknowledged did not only lose a torn tail. */
function checkNothingLost(watermark: WatermarkFile, end: LogEnd): void {
  const { lsn } = watermark.latest
  if (end.lsn >= lsn) return
  fail(
    'possible-loss',
    `${end.file} ends at LSN ${end.lsn}, offset ${end.offset}, but LSN ${lsn} was acknowledged: ${lsn - end.lsn} record(s) are damaged or gone`,
    repairHint(end.lsn),
    { place: { file: end.file, offset: end.offset, lsn: end.lsn + 1 } },
  )
}

/** Files of a crash: written, but never named by a manifest. */
async function removeOrphans(disk: Disk, directory: string, manifest: Manifest): Promise<void> {
  const kept = new Set(filesOf(manifest).map((file) => file.path))
  const segments = path.join(directory, 'segments')
  if ((await disk.stat(segments)) === undefined) {
    fail('missing-file', `${segments} is missing`, hint, { place: { file: segments } })
  }
  for (const name of await disk.list(segments)) {
    if (!kept.has(`segments/${name}`)) await disk.unlink(path.join(segments, name))
  }
  for (const name of await disk.list(directory)) {
    if (name.endsWith('.tmp')) await disk.unlink(path.join(directory, name))
  }
}
