/**
 * Which log files may go.
 *
 * A file goes when nothing after the manifest (or a pin) needs it, and every archive and standby has it. What only
 * these still want is kept up to a bound; beyond it the oldest goes, with a warning: the archive's next run tells the
 * gap, and the standby takes a new base. A full disk would stop writes, which is worse.
 */
import * as path from 'node:path'
import type { Disk } from '../base/disk.ts'
import { limits } from '../base/limits.ts'
import { listWal } from '../wal/wal-files.ts'

export interface LogNeeds {
  /** Records after this LSN are needed to open the collection, or by a pin. */
  readonly afterLsn: number
  /** Records after this LSN are wanted by an archive; undefined when nobody archives. */
  readonly archiveAfterLsn: number | undefined
  /** Records after this LSN are wanted by a standby; undefined when there is none. */
  readonly standbyAfterLsn?: number | undefined
  readonly onWarning: (text: string) => void
  /** Bytes that may be kept for archives and standbys alone. */
  readonly maxBytes?: number
}

/** Removes the log files of an epoch that nobody needs. */
export async function removeLogs(
  disk: Disk,
  walDirectory: string,
  {
    afterLsn,
    archiveAfterLsn,
    standbyAfterLsn,
    onWarning,
    maxBytes = limits.archiveLogBytes,
  }: LogNeeds,
): Promise<void> {
  const logs = await listWal(disk, walDirectory)
  const going: string[] = []
  let keptBytes = 0
  const wantedAfter = Math.min(
    archiveAfterLsn ?? Number.POSITIVE_INFINITY,
    standbyAfterLsn ?? Number.POSITIVE_INFINITY,
  )
  // newest first: the bound falls on the oldest
  for (let index = logs.length - 2; index >= 0; index--) {
    const log = logs[index]
    const next = logs[index + 1]
    if (log === undefined || next === undefined || next.firstLsn > afterLsn + 1) continue
    const file = path.join(walDirectory, log.name)
    if (next.firstLsn > wantedAfter + 1) {
      keptBytes += (await disk.stat(file))?.sizeBytes ?? 0
      if (keptBytes <= maxBytes) continue
      if (archiveAfterLsn !== undefined && next.firstLsn > archiveAfterLsn + 1) {
        const lost = Math.max(log.firstLsn, archiveAfterLsn + 1)
        onWarning(
          `LSN ${lost} to ${next.firstLsn - 1} was removed before it was archived: more than ${maxBytes} bytes of log waited. Take a new snapshot; moments in between cannot be restored`,
        )
      }
      if (standbyAfterLsn !== undefined && next.firstLsn > standbyAfterLsn + 1) {
        onWarning(
          `the log up to LSN ${next.firstLsn - 1} was removed before every standby had it: more than ${maxBytes} bytes of log waited. A standby that is behind takes a new base`,
        )
      }
    }
    going.push(file)
  }
  // oldest first: a death in between leaves no hole
  for (const file of going.reverse()) await disk.unlink(file)
}
