/** Directories that are still there after the power went, and are where they seem to be. */
import * as path from 'node:path'
import { type Disk, fail } from '../../engine/index.ts'

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

/**
 * Sees to it that `directory` lies below `above`, which may itself be a link: somebody moved it to a larger disk.
 * @throws `disk-refused` for a symbolic link between the two: what is kept there would lie elsewhere
 */
export async function refuseLinks(disk: Disk, above: string, directory: string): Promise<void> {
  let at = above
  for (const name of path.relative(above, directory).split(path.sep)) {
    at = path.join(at, name)
    const entry = await disk.stat(at)
    if (entry === undefined) return
    if (entry.kind === 'link') {
      fail('disk-refused', `${at} is a symbolic link`, 'Put what it leads to in its place.', {
        place: { file: at },
      })
    }
  }
}
