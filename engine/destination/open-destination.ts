/** From what a person wrote, a URL or a path, to a destination. */
import { fileURLToPath } from 'node:url'
import type { Disk } from '../base/disk.ts'
import { fail } from '../base/errors.ts'
import type { Destination } from './destination.ts'
import { DirectoryDestination } from './directory.ts'

const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//

/**
 * Opens `file:///path`, or a plain path (relative to the working directory of this moment). Touches
 * nothing yet.
 * @throws `unsupported-destination`, `usage`
 */
export function openDestination(location: string, disk: Disk): Destination {
  if (location === '' || location.includes('\0')) {
    fail(
      'usage',
      'the destination is empty or has a NUL in it',
      'Give a directory or a file:// URL.',
    )
  }
  const protocol = scheme.exec(location)?.[1]?.toLowerCase()
  if (protocol === undefined) return new DirectoryDestination(disk, location)
  if (protocol === 'file') return new DirectoryDestination(disk, filePath(location))
  return fail(
    'unsupported-destination',
    `destinations of the kind ${protocol}:// are not supported by this version`,
    'Use file:///path or a plain path, for example a mounted share.',
  )
}

function filePath(location: string): string {
  try {
    return fileURLToPath(location)
  } catch {
    return fail(
      'usage',
      `${location} is not a file URL of this machine`,
      'Write file:///absolute/path with three slashes, and percent-encode special characters.',
    )
  }
}
