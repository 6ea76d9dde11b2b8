/** A disk that tells before each call that changes something: the moment to cut the power of the one below. */
import type { Disk, DiskFile } from '../../engine/base/disk.ts'

/** `before` is called with the name of the call, synchronously. */
export function observeDisk(disk: Disk, before: (call: string) => void): Disk {
  const tell = <T>(call: string, work: () => Promise<T>): Promise<T> => {
    before(call)
    return work()
  }
  const observeFile = (file: DiskFile): DiskFile => ({
    path: file.path,
    read: (target, position) => file.read(target, position),
    sizeBytes: () => file.sizeBytes(),
    close: () => file.close(),
    write: (bytes, position) => tell('write', () => file.write(bytes, position)),
    writeDurably: (bytes, position) => {
      const written = tell('write', () => file.writeDurably(bytes, position))
      before('sync') // written and not yet durable
      return written
    },
    truncate: (sizeBytes) => tell('truncate', () => file.truncate(sizeBytes)),
    sync: () => tell('sync', () => file.sync()),
    dataSync: () => tell('sync', () => file.dataSync()),
  })
  return {
    open: async (path, mode) => {
      if (mode === 'create') before('create')
      return observeFile(await disk.open(path, mode))
    },
    readFile: (path, maxBytes) => disk.readFile(path, maxBytes),
    list: (path) => disk.list(path),
    stat: (path) => disk.stat(path),
    freeBytes: (path) => disk.freeBytes(path),
    threadPath: () => undefined,
    rename: (from, to) => tell('rename', () => disk.rename(from, to)),
    link: (from, to) => tell('link', () => disk.link(from, to)),
    unlink: (path) => tell('unlink', () => disk.unlink(path)),
    makeDirectory: (path) => tell('makeDirectory', () => disk.makeDirectory(path)),
    removeTree: (path) => tell('removeTree', () => disk.removeTree(path)),
    syncDirectory: (path) => tell('syncDirectory', () => disk.syncDirectory(path)),
  }
}
