/**
 * The WAL directory of one epoch: `<16-digit first LSN>.wal`, in order, without gaps.
 */
import * as path from 'node:path'
import { type Disk, writeNewFile } from '../base/disk.ts'
import { encodeWalHeader, type WalHeader } from '../format/wal-record.ts'

export interface WalFileName {
  readonly name: string
  readonly firstLsn: number
}

/** 16 digits hold every safe integer, so names sort as their LSNs do. */
export const walFileName = (firstLsn: number): string => `${String(firstLsn).padStart(16, '0')}.wal`

/** The log files of a directory, rising. */
export async function listWal(disk: Disk, directory: string): Promise<readonly WalFileName[]> {
  const names = (await disk.stat(directory)) === undefined ? [] : await disk.list(directory)
  return names.flatMap((name) => {
    const match = /^([0-9]{16})\.wal$/.exec(name)
    return match?.[1] === undefined ? [] : [{ name, firstLsn: Number(match[1]) }]
  })
}

/**
 * Creates an empty log file, durably. The name appears only with its whole header, so a file shorter
 * than a header is damage, never a crash.
 */
export async function createWal(disk: Disk, directory: string, header: WalHeader): Promise<string> {
  const file = path.join(directory, walFileName(header.firstLsn))
  const temporary = `${file}.tmp`
  await disk.unlink(temporary)
  await writeNewFile(disk, temporary, encodeWalHeader(header))
  await disk.rename(temporary, file)
  await disk.syncDirectory(directory)
  return file
}
