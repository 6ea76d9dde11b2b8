/** From what a person wrote, a URL or a path, to a destination. */
import { fileURLToPath } from 'node:url'
import type { Disk } from '../base/disk.ts'
import { fail } from '../base/errors.ts'
import type { Destination } from './destination.ts'
import { DirectoryDestination } from './directory.ts'
import { RsyncDestination } from './rsync.ts'
import type { RsyncOptions } from './rsync-place.ts'
import { isShellPlace, parseRsyncUrl, shellPlaceHint } from './rsync-url.ts'
import { S3Destination } from './s3.ts'
import type { S3Options } from './s3-client.ts'
import { S3Past } from './s3-past.ts'
import { parseS3Url } from './s3-url.ts'

const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//

export interface OpenOptions {
  readonly s3?: S3Options
  readonly rsync?: RsyncOptions
}

/**
 * Opens `file:///path`, a plain path (relative to the working directory of this moment),
 * `s3://bucket/prefix?…` or `rsync://user@host/path`. Touches nothing yet, asks no store.
 * @throws `unsupported-destination`, `usage`
 */
export function openDestination(
  location: string,
  disk: Disk,
  { s3, rsync }: OpenOptions = {},
): Destination {
  if (location === '' || location.includes('\0')) {
    fail(
      'usage',
      'the destination is empty or has a NUL in it',
      'Give a directory, a file://, an s3:// or an rsync:// URL.',
    )
  }
  if (isShellPlace(location)) {
    fail('usage', `${location} is how ssh names a place, and would be a path here`, shellPlaceHint)
  }
  const protocol = scheme.exec(location)?.[1]?.toLowerCase()
  if (protocol === undefined) return new DirectoryDestination(disk, location)
  if (protocol === 'file') return new DirectoryDestination(disk, filePath(location))
  if (protocol === 's3') return openS3(location, s3)
  if (protocol === 'rsync') return new RsyncDestination(parseRsyncUrl(location), rsync)
  return fail(
    'unsupported-destination',
    `destinations of the kind ${protocol}:// are not supported by this version`,
    'Use s3://bucket/prefix, rsync://user@host/path, file:///path or a plain path.',
  )
}

function openS3(location: string, options: S3Options | undefined): Destination {
  const { asOfMs, ...place } = parseS3Url(location)
  return asOfMs === undefined
    ? new S3Destination(place, options)
    : new S3Past({ ...place, asOfMs }, options)
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
