/**
 * Entering another epoch where the collection stands, and what a crash in the middle of it means.
 *
 * The intent stands in `replica.json` before the first file of the new epoch is written. The rename of its
 * manifest is the commit: who opens the collection after a crash finds the newest manifest in the new epoch,
 * and completes the switch, or in the old one, and takes it back. Everything was sealed before, so the old
 * epoch's watermark, which the switch replaces, is known from the intent.
 */
import * as path from 'node:path'
import { type Disk, replaceFile } from '../base/disk.ts'
import { limits } from '../base/limits.ts'
import type { Identity } from '../format/identity.ts'
import { encodeWatermarkFile, watermarkName } from '../wal/watermark-file.ts'
import { readNewestManifest, walDirectoryOf } from './open-files.ts'
import { isSameEpoch, type ReplicaFile, type ReplicaState } from './replica-file.ts'

/** Called before the collection is opened. @throws `missing-file`, `damaged` */
export async function settleSwitch(
  disk: Disk,
  directory: string,
  replica: ReplicaFile,
): Promise<void> {
  const { switching } = replica.current
  if (switching === null) return
  await disk.syncDirectory(directory) // what a dead process renamed is relied on
  const manifest = await readNewestManifest(disk, directory)
  if (isSameEpoch(manifest.epoch, switching.epoch)) {
    await replica.change(completed)
    return
  }
  const { lsn } = switching
  const { sequence, epoch, uuid } = manifest
  const mark = encodeWatermarkFile({ lsn, sequence, history: epoch.history })
  await replaceFile(disk, path.join(directory, watermarkName), mark)
  const identity: Identity = { uuid, epoch: switching.epoch }
  await disk.removeTree(walDirectoryOf(directory, identity))
  await replica.change((now) => ({ ...now, switching: null, lineage: now.lineage.slice(0, -1) }))
}

/**
 * The state when the new epoch is there. The ancestor was noted with the intent. The promise of that epoch stays:
 * until it is entered, this copy must not look as if it had given it up.
 */
export function completed(now: ReplicaState): ReplicaState {
  const { switching } = now
  if (switching === null) return now
  return {
    ...now,
    role: switching.role,
    primary: switching.role === 'primary' ? null : now.primary,
    switching: null,
  }
}

/** The state with the intent. */
export const intending = (
  now: ReplicaState,
  from: { readonly epoch: Identity['epoch']; readonly lsn: number; readonly chain: number },
  to: { readonly epoch: Identity['epoch']; readonly role: ReplicaState['role'] },
): ReplicaState => ({
  ...now,
  switching: { ...to, lsn: from.lsn },
  lineage: [...now.lineage, from].slice(-limits.replicaLineage),
})
