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
  const scratchFile = path.join(directory, `${randomUUID()}.hnswlib`)
  try {
    return await work(scratchFile)
  } finally {
    await nodeDisk.unlink(scratchFile)
  }
}
