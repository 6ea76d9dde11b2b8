/** Directories that are still there after the power went. */
import * as path from 'node:path'
import type { Disk } from '../../engine/index.ts'

/** Makes `directory` and its parents, and makes the names of those it made durable. */
export async function makeDurableDirectory(disk: Disk, directory: string): Promise<void> {
  const made: string[] = []
  let at = path.resolve(directory)
  while (at !== path.dirname(at) && (await disk.stat(at)) === undefined) {
    made.push(at)
    at = path.dirname(at)
  }
  if (made.length === 0) return
  await disk.makeDirectory(directory)
  for (const each of made.toReversed()) await disk.syncDirectory(path.dirname(each))
}
