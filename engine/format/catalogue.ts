/**
 * The catalogue of a data directory: which collection name means which directory.
 *
 * Its replacement is the commit of create, drop and restore. A directory is noted under `leftovers`
 * before it is filled and after its name is gone, so that whatever a crash leaves is known to be
 * nobody's; a directory that the catalogue does not know at all is never touched.
 */

import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { nameProblem } from '../base/name.ts'
import { type DocumentKind, decodeDocument, encodeDocument } from './document.ts'
import { Fields, patterns } from './fields.ts'

export interface CatalogueEntry {
  /** Name of the directory below `collections/`. */
  readonly directory: string
  readonly uuid: string
}

export interface Catalogue {
  readonly sequence: number
  readonly collections: ReadonlyMap<string, CatalogueEntry>
  readonly leftovers: readonly string[]
}

const kind: DocumentKind = { format: 'vectra-catalogue', version: 1 }
const directoryPattern = /^[0-9a-f-]{36}-[0-9a-f]{16}$/

/** The directory of one history of a collection. */
export const collectionDirectory = (uuid: string, history: string): string => `${uuid}-${history}`

export const emptyCatalogue: Catalogue = { sequence: 0, collections: new Map(), leftovers: [] }

/** @throws `limit-exceeded`: what could not be read back is not written */
export function encodeCatalogue(catalogue: Catalogue): Buffer {
  const { sequence, collections, leftovers } = catalogue
  if (Math.max(collections.size, leftovers.length) > limits.collections) {
    fail(
      'limit-exceeded',
      `a data directory holds at most ${limits.collections} collections`,
      'Drop collections, or use a second data directory.',
    )
  }
  return encodeDocument(kind, {
    sequence,
    collections: [...collections].map(([name, entry]) => ({ name, ...entry })),
    leftovers,
  })
}

/** @throws `damaged`, `newer-format` */
export function decodeCatalogue(bytes: Uint8Array, file: string): Catalogue {
  const fields = new Fields(decodeDocument(kind, bytes, file), file)
  const collections = new Map<string, CatalogueEntry>()
  for (const entry of fields.objects('collections', limits.collections)) {
    const name = entry.text('name')
    if (nameProblem(name) !== undefined || collections.has(name)) {
      fail(
        'damaged',
        `${file} is damaged: the name ${JSON.stringify(name)}`,
        'Restore from a backup.',
        {
          place: { file },
        },
      )
    }
    const directory = entry.text('directory', directoryPattern)
    collections.set(name, { directory, uuid: entry.text('uuid', patterns.uuid) })
  }
  return {
    sequence: fields.integer('sequence', 1),
    collections,
    leftovers: fields.texts('leftovers', limits.collections, directoryPattern),
  }
}
