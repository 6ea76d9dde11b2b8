/**
 * Where exported bytes go. A file appears whole under its name or not at all: it is written beside
 * under a temporary name, synced, and given its name last. An existing file is never replaced.
 */
import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import type { Disk } from '../base/disk.ts'
import { fail } from '../base/errors.ts'

export interface ByteSink {
  write(bytes: Uint8Array): Promise<void>
}

export interface FileSink extends ByteSink {
  /** Makes the file durable and visible. @throws `file-exists` */
  commit(): Promise<void>
  /** Removes what was written. Harmless after `commit`. */
  discard(): Promise<void>
}

/** @throws `file-exists`; `file-not-found` when the directory is missing */
export async function openFileSink(disk: Disk, file: string): Promise<FileSink> {
  if ((await disk.stat(file)) !== undefined) refuseExisting(file)
  const temporary = `${file}.${randomBytes(4).toString('hex')}.tmp`
  const handle = await disk.open(temporary, 'create')
  let position = 0
  let open = true
  const close = async () => {
    if (open) await handle.close()
    open = false
  }
  return {
    async write(bytes) {
      await handle.write(bytes, position)
      position += bytes.length
    },
    async commit() {
      await handle.sync()
      await close()
      await publish(disk, temporary, file)
      await disk.syncDirectory(dirname(file))
    },
    async discard() {
      await close()
      await disk.unlink(temporary)
    },
  }
}

/** A link, unlike a rename, does not replace a file that appeared meanwhile. */
async function publish(disk: Disk, temporary: string, file: string): Promise<void> {
  const linked = await disk.link(temporary, file).catch(() => undefined)
  if (linked === undefined && (await disk.stat(file)) === undefined) {
    return disk.rename(temporary, file) // a file system without hard links, such as exFAT
  }
  if (linked !== true) refuseExisting(file)
  await disk.unlink(temporary)
}

function refuseExisting(file: string): never {
  return fail(
    'file-exists',
    `there is already something at ${file}`,
    'Choose another name, or remove it first.',
    { place: { file } },
  )
}
