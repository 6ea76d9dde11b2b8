/**
 * A disk that stops writing for good after a failed fsync.
 *
 * The kernel may drop the pages that it could not write and report the next fsync as a success, so
 * nothing that was written is known to be there and nothing may be retried (Rebello et al., "Can
 * Applications Recover from fsync Failures?", USENIX ATC 2020). After the first `fsync-failed` every call
 * that would change something fails with that same error; reading goes on. `onFatal` is told once: the
 * owner ends the process, and the next start recovers from what the disk really holds.
 */
import type { Disk, DiskFile } from './disk.ts'
import { isOperatingError, type OperatingError } from './errors.ts'

/** See the head of this file. */
export function guardDisk(disk: Disk, onFatal: (error: OperatingError) => void): Disk {
  let failed: OperatingError | undefined

  const change = <T>(work: () => Promise<T>): Promise<T> =>
    failed === undefined ? work() : Promise.reject(failed)

  const sync = (work: () => Promise<void>): Promise<void> =>
    change(async () => {
      try {
        await work()
      } catch (error) {
        if (failed === undefined && isOperatingError(error, 'fsync-failed')) {
          failed = error
          onFatal(error)
        }
        throw error
      }
    })

  const guardFile = (file: DiskFile): DiskFile => ({
    path: file.path,
    read: (target, position) => file.read(target, position),
    write: (bytes, position) => change(() => file.write(bytes, position)),
    writeDurably: (bytes, position) => sync(() => file.writeDurably(bytes, position)),
    truncate: (sizeBytes) => change(() => file.truncate(sizeBytes)),
    sizeBytes: () => file.sizeBytes(),
    sync: () => sync(() => file.sync()),
    dataSync: () => sync(() => file.dataSync()),
    close: () => file.close(),
  })

  return {
    open: async (path, mode) => {
      if (mode === 'create' && failed !== undefined) throw failed
      return guardFile(await disk.open(path, mode))
    },
    readFile: (path, maxBytes) => disk.readFile(path, maxBytes),
    rename: (from, to) => change(() => disk.rename(from, to)),
    link: (from, to) => change(() => disk.link(from, to)),
    unlink: (path) => change(() => disk.unlink(path)),
    makeDirectory: (path) => change(() => disk.makeDirectory(path)),
    list: (path) => disk.list(path),
    stat: (path) => disk.stat(path),
    removeTree: (path) => change(() => disk.removeTree(path)),
    syncDirectory: (path) => sync(() => disk.syncDirectory(path)),
    freeBytes: (path) => disk.freeBytes(path),
    threadPath: (path) => disk.threadPath(path),
  }
}
