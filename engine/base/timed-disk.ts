/** A disk that tells how long some files took to become durable: what acknowledged writes wait for. */
import type { Clock } from './clock.ts'
import type { Disk, DiskFile } from './disk.ts'

/** @param isTimed chooses files by their path; `onSync` is told of those that succeeded, in milliseconds */
export function timeSyncs(
  disk: Disk,
  clock: Clock,
  isTimed: (path: string) => boolean,
  onSync: (tookMs: number) => void,
): Disk {
  const timed = async (sync: () => Promise<void>): Promise<void> => {
    const startedMs = clock.monotonicMs()
    await sync()
    onSync(clock.monotonicMs() - startedMs)
  }
  const timeFile = (file: DiskFile): DiskFile => ({
    path: file.path,
    read: (target, position) => file.read(target, position),
    write: (bytes, position) => file.write(bytes, position),
    truncate: (sizeBytes) => file.truncate(sizeBytes),
    sizeBytes: () => file.sizeBytes(),
    sync: () => file.sync(),
    dataSync: () => timed(() => file.dataSync()),
    writeDurably: (bytes, position) => timed(() => file.writeDurably(bytes, position)),
    close: () => file.close(),
  })
  return {
    open: async (path, mode) => {
      const file = await disk.open(path, mode)
      return isTimed(path) ? timeFile(file) : file
    },
    readFile: (path, maxBytes) => disk.readFile(path, maxBytes),
    rename: (from, to) => disk.rename(from, to),
    link: (from, to) => disk.link(from, to),
    unlink: (path) => disk.unlink(path),
    makeDirectory: (path) => disk.makeDirectory(path),
    list: (path) => disk.list(path),
    stat: (path) => disk.stat(path),
    removeTree: (path) => disk.removeTree(path),
    syncDirectory: (path) => disk.syncDirectory(path),
    freeBytes: (path) => disk.freeBytes(path),
    threadPath: (path) => disk.threadPath(path),
  }
}
