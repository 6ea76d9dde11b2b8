/**
 * Files for worker threads, which may block: the same rules and errors as {@link nodeDisk}, without a
 * promise and a change of threads for every megabyte. Never for the main thread, where a slow disk or
 * a network file system would hold up everything else.
 */
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { type OpenMode, openFlags, refuseIrregular } from './disk.ts'
import { diskError } from './disk-error.ts'

export class BlockingFile {
  readonly path: string
  readonly #descriptor: number

  private constructor(path: string, descriptor: number) {
    this.path = path
    this.#descriptor = descriptor
  }

  /** @throws what `Disk.open` throws */
  static open(path: string, mode: OpenMode): BlockingFile {
    return attempt('open', path, () => {
      const descriptor = openSync(path, openFlags[mode], 0o640)
      if (!fstatSync(descriptor).isFile()) {
        closeSync(descriptor)
        refuseIrregular(path)
      }
      return new BlockingFile(path, descriptor)
    })
  }

  /** Reads until `target` is full or the file ends; returns the bytes read. */
  read(target: Uint8Array, position: number): number {
    return attempt('read', this.path, () => {
      let done = 0
      while (done < target.length) {
        const bytes = readSync(
          this.#descriptor,
          target,
          done,
          target.length - done,
          position + done,
        )
        if (bytes === 0) break
        done += bytes
      }
      return done
    })
  }

  /** Writes all of `bytes` at `position`, or fails. */
  write(bytes: Uint8Array, position: number): void {
    attempt('write', this.path, () => {
      let done = 0
      while (done < bytes.length) {
        done += writeSync(this.#descriptor, bytes, done, bytes.length - done, position + done)
      }
    })
  }

  close(): void {
    attempt('close', this.path, () => closeSync(this.#descriptor))
  }
}

function attempt<T>(action: string, file: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw diskError(error, action, file)
  }
}
