/**
 * Scratch files: hnswlib saves to and loads from paths, so bytes pass through a file that nobody else
 * reads and that is never synced. It is removed whatever happens, also when the thread that wrote it
 * was ended; only a process that dies leaves one behind, in a directory its owner clears.
 */
import { randomUUID } from 'node:crypto'
import * as path from 'node:path'
import { nodeDisk } from '../base/disk.ts'

/** Runs `work` with a path in `directory` where no file is, and removes the file afterwards. */
export async function withScratchFile<Result>(
  directory: string,
  work: (scratchFile: string) => Promise<Result>,
): Promise<Result> {
  await nodeDisk.makeDirectory(directory)
  const scratchFile = newPath(directory)
  try {
    return await work(scratchFile)
  } finally {
    await nodeDisk.unlink(scratchFile)
  }
}

const newPath = (directory: string): string => path.join(directory, `${randomUUID()}.hnswlib`)

/**
 * Scratch files of one directory that are written over again while others are in use: pages that the kernel
 * has cost a third of fresh ones. All are removed as soon as nobody uses any.
 */
export class ScratchFiles {
  readonly #free: string[] = []
  #inUse = 0

  /** Files that somebody works with now. */
  get inUse(): number {
    return this.#inUse
  }

  /** Runs `work` with the path of a file, which may hold anything and is nobody else's meanwhile. */
  async use<Result>(
    directory: string,
    work: (scratchFile: string) => Promise<Result>,
  ): Promise<Result> {
    this.#inUse++
    try {
      const scratchFile = this.#take(directory) ?? (await create(directory))
      try {
        return await work(scratchFile)
      } finally {
        this.#free.push(scratchFile)
      }
    } finally {
      if (--this.#inUse === 0) await Promise.all(this.#free.splice(0).map(nodeDisk.unlink))
    }
  }

  #take(directory: string): string | undefined {
    const at = this.#free.findIndex((file) => path.dirname(file) === directory)
    return at < 0 ? undefined : this.#free.splice(at, 1)[0]
  }
}

async function create(directory: string): Promise<string> {
  await nodeDisk.makeDirectory(directory)
  const file = newPath(directory)
  await (await nodeDisk.open(file, 'create')).close()
  return file
}
