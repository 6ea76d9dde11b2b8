/** What stands where a data directory is to be opened: ours, nothing yet, or somebody else's files. */
import * as path from 'node:path'
import type { Disk } from '../base/disk.ts'
import { fail, OperatingError } from '../base/errors.ts'
import type { Catalogue } from '../format/catalogue.ts'
import { catalogueName } from './catalogue-file.ts'
import { lockName } from './directory-lock.ts'

/** What an open that was cut off may leave in an otherwise empty directory. */
const ownNames = [lockName, `${catalogueName}.tmp`, 'collections', 'scratch']

export const noDirectoryHint =
  'Give the directory with --data or VECTRA_DATA, or create a collection to make one.'

/**
 * A directory with other things in it is not turned into a data directory.
 * @throws `usage`, `missing-file`, `file-not-found`
 */
export async function refuseForeign(disk: Disk, root: string, create: boolean): Promise<void> {
  const names = await disk.list(root)
  if (names.includes(catalogueName)) return
  if (
    names.includes('collections') &&
    (await disk.list(path.join(root, 'collections'))).length > 0
  ) {
    fail(
      'missing-file',
      `${path.join(root, catalogueName)} is missing, but there are collections beside it`,
      'Put the file back, or restore the collections from a backup into another directory.',
      { place: { file: path.join(root, catalogueName) } },
    )
  }
  const own = names.every((name) => ownNames.some((own) => name.startsWith(own)))
  if (!own) {
    fail(
      'usage',
      `${root} is not a data directory`,
      'Give an empty directory, or one made by vectra-cli.',
      {
        place: { file: root },
      },
    )
  }
  if (!create) fail('file-not-found', `there is no data directory at ${root}`, noDirectoryHint)
}

/** The error for a name that is none of `names`, which the data directory `root` holds. */
export const notFound = (name: string, names: readonly string[], root: string): OperatingError =>
  new OperatingError(
    'collection-not-found',
    `there is no collection ${JSON.stringify(name)} in ${root}`,
    names.length === 0
      ? 'The data directory is empty; check --data.'
      : `It holds: ${names.slice(0, 10).join(', ')}${names.length > 10 ? ', …' : ''}.`,
  )

/** Tells of directories of collections that the catalogue does not know: they are somebody's, and stay. */
export async function tellUnknown(
  disk: Disk,
  root: string,
  { collections, leftovers }: Catalogue,
  onWarning: (text: string) => void,
): Promise<void> {
  const known = new Set([...[...collections.values()].map((each) => each.directory), ...leftovers])
  for (const name of await disk.list(path.join(root, 'collections'))) {
    if (known.has(name)) continue
    onWarning(`collections/${name} is not in the catalogue of ${root}; it is left alone`)
  }
}
