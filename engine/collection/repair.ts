/**
 * Repair: gives up the log after an LSN, because a person said so.
 *
 * For a collection that does not open because its log is damaged (`damaged`), shorter than what was
 * acknowledged (`possible-loss`), or leads to a state that it does not prove (`digest-mismatch`). What is
 * cut is kept in files `cut-<lsn>-<first lsn>.bytes` of the collection's directory, which nothing reads
 * as data. The watermark is reset last: until then the collection still refuses to open, and a repair
 * that was cut off is run again.
 */
import * as path from 'node:path'
import { replaceFile } from '../base/disk.ts'
import { fail } from '../base/errors.ts'
import type { Epoch } from '../format/identity.ts'
import type { Manifest } from '../format/manifest.ts'
import { SealedSegment } from '../segment/sealed-segment.ts'
import { cutLog, type LogScan, scanLog } from '../wal/cut-log.ts'
import { encodeWatermarkFile, WatermarkFile, watermarkName } from '../wal/watermark-file.ts'
import { readConfigFile } from './config-file.ts'
import type { CollectionContext } from './context.ts'
import { LiveSegment } from './live-segment.ts'
import { LiveState } from './live-state.ts'
import { checkWatermark, readNewestManifest, readOperation, walDirectoryOf } from './open-files.ts'
import { ReplicaFile, type ReplicaState } from './replica-file.ts'

export interface RepairResult {
  readonly uuid: string
  /** The state that is left. */
  readonly lsn: number
  readonly count: number
  readonly digest: string
  /** What is gone; null when nothing came after. */
  readonly lost: {
    readonly firstLsn: number
    /** The highest LSN known to have been given out. */
    readonly lastLsn: number
    /** Records of these that could still be read. */
    readonly readableRecords: number
    readonly bytes: number
  } | null
  /** Files that keep what was cut. */
  readonly keptAside: readonly string[]
}

/**
 * Cuts the log of the closed collection in `directory` after `toLsn`.
 * @throws `usage` for an LSN below the manifest's or above the last valid record, which names both;
 *   `damaged`, `missing-file`, `rollback`, `digest-mismatch` for what a cut of the log cannot mend.
 *   Nothing is changed then.
 */
export async function repairCollection(
  context: CollectionContext,
  directory: string,
  toLsn: number,
): Promise<RepairResult> {
  const { disk } = context
  const manifest = await readNewestManifest(disk, directory)
  const acknowledged = await acknowledgedLsn(context, directory, manifest)
  const walDirectory = walDirectoryOf(directory, manifest)
  const { scan, count, digest } = await stateAt(context, directory, manifest, toLsn)
  const { at, lastValid } = scan
  if (at === undefined) {
    return fail(
      'usage',
      `the log cannot be cut after LSN ${toLsn}`,
      `Give an LSN from ${manifest.lsn}, the manifest's, to ${lastValid.lsn}, the last valid record's.`,
      { place: { file: walDirectory, lsn: toLsn } },
    )
  }
  const aside = (firstLsn: number, attempt: number) =>
    path.join(directory, `cut-${toLsn}-${firstLsn}${attempt === 1 ? '' : `-${attempt}`}.bytes`)
  const keptAside = await cutLog(disk, walDirectory, manifest, { at, parts: scan.parts }, aside)
  await replaceFile(
    disk,
    path.join(directory, watermarkName),
    encodeWatermarkFile({
      lsn: toLsn,
      sequence: manifest.sequence,
      history: manifest.epoch.history,
    }),
  )
  const lastLsn = Math.max(acknowledged, scan.lostLsn, lastValid.lsn)
  return {
    uuid: manifest.uuid,
    lsn: toLsn,
    count,
    digest,
    lost:
      lastLsn <= toLsn && scan.lostBytes === 0
        ? null
        : {
            firstLsn: toLsn + 1,
            lastLsn: Math.max(lastLsn, toLsn + 1),
            readableRecords: scan.lostRecords,
            bytes: scan.lostBytes,
          },
    keptAside,
  }
}

/** A collection whose log is about to be cut, as its files say. */
export interface CutCopy {
  readonly name: string
  readonly uuid: string
  readonly epoch: Epoch
  readonly state: ReplicaState
}

/** Asked before anything is closed or cut: throws what keeps it from that. */
export type AdmitCut = (copy: CutCopy) => Promise<void>

/**
 * A standby has the log of its primary and none of its own; of a primary `admit` may know more.
 * @throws `not-primary` when the collection in `directory` is a standby, open or not; what `admit` throws
 */
export async function checkCut(
  { disk }: CollectionContext,
  name: string,
  directory: string,
  admit: AdmitCut | undefined,
): Promise<void> {
  const { current: state } = await ReplicaFile.open(disk, directory)
  const { role, primary } = state
  if (role === 'primary') {
    if (admit === undefined) return
    const { uuid, epoch } = await readNewestManifest(disk, directory)
    return admit({ name, uuid, epoch, state })
  }
  const from = primary === null ? '' : ` ${primary.name} at ${primary.url}`
  fail(
    'not-primary',
    `${name} is a standby here, which takes its log from its primary${from}`,
    'Drop this copy, and let it begin anew at the primary: vectra-cli collections replicate.',
  )
}

async function acknowledgedLsn(
  { disk, onWarning }: CollectionContext,
  directory: string,
  manifest: Manifest,
): Promise<number> {
  const watermark = await WatermarkFile.open(disk, path.join(directory, watermarkName), onWarning)
  try {
    checkWatermark(watermark, manifest, directory)
    return watermark.latest.lsn
  } finally {
    await watermark.close()
  }
}

/** The state that the cut would leave, computed before anything is cut. */
async function stateAt(
  { disk }: CollectionContext,
  directory: string,
  manifest: Manifest,
  toLsn: number,
): Promise<{ scan: LogScan; count: number; digest: string }> {
  const { config } = await readConfigFile(disk, directory, manifest.config)
  const { dimension } = config
  const opened: SealedSegment[] = []
  try {
    const segments: LiveSegment[] = []
    for (const entry of manifest.segments) {
      const sealed = await SealedSegment.open({ disk, directory, dimension }, entry)
      opened.push(sealed)
      segments.push(new LiveSegment(entry.number, sealed, await sealed.loadTombstones()))
    }
    const state = new LiveState(dimension, segments, manifest.nextSegment)
    const walDirectory = walDirectoryOf(directory, manifest)
    const scan = await scanLog(disk, walDirectory, manifest, manifest, toLsn, (record) => {
      state.apply(readOperation(record, dimension, walDirectory), record.lsn)
    })
    return { scan, count: state.count, digest: state.digest }
  } finally {
    for (const sealed of opened) await sealed.close()
  }
}
