/**
 * The catalogue of a data directory: which collection name means which directory.
 *
 * Its replacement is the commit of create, drop and restore. A directory is noted under `leftovers`
 * before it is filled and after its name is gone, so that whatever a crash leaves is known to be
 * nobody's; a directory that the catalogue does not know at all is never touched.
 *
 * Aliases are further names of collections; they share the name space, and switching one is the same
 * atomic replacement. Version 2 adds them.
 */

import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { nameProblem } from '../base/name.ts'
import { type DocumentKind, decodeDocument, encodeDocument } from './document.ts'
import { Fields, patterns } from './fields.ts'
import type { Identity } from './identity.ts'

export interface CatalogueEntry {
  /** Name of the directory below `collections/`. */
  readonly directory: string
  readonly uuid: string
}

export interface Catalogue {
  readonly sequence: number
  readonly collections: ReadonlyMap<string, CatalogueEntry>
  /** Alias → name of a collection that is there. */
  readonly aliases: ReadonlyMap<string, string>
  readonly leftovers: readonly string[]
}

const kind: DocumentKind = { format: 'vectra-catalogue', version: 2 }
const directoryPattern = /^[0-9a-f-]{36}-[0-9a-f]{16}$/

/** What the catalogue says of one history of a collection. */
export const entryOf = ({ uuid, epoch }: Identity): CatalogueEntry => ({
  directory: collectionDirectory(uuid, epoch.history),
  uuid,
})

/** The directory of one history of a collection. */
export const collectionDirectory = (uuid: string, history: string): string => `${uuid}-${history}`

export const emptyCatalogue: Catalogue = {
  sequence: 0,
  collections: new Map(),
  aliases: new Map(),
  leftovers: [],
}

/** @throws `limit-exceeded`: what could not be read back is not written */
export function encodeCatalogue(catalogue: Catalogue): Buffer {
  const { sequence, collections, aliases, leftovers } = catalogue
  if (Math.max(collections.size, aliases.size, leftovers.length) > limits.collections) {
    fail(
      'limit-exceeded',
      `a data directory holds at most ${limits.collections} collections, and as many aliases`,
      'Drop collections, or use a second data directory.',
    )
  }
  return encodeDocument(kind, {
    sequence,
    collections: [...collections].map(([name, entry]) => ({ name, ...entry })),
    aliases: [...aliases].map(([alias, collection]) => ({ alias, collection })),
    leftovers,
  })
}

/** @throws `damaged`, `newer-format` */
export function decodeCatalogue(bytes: Uint8Array, file: string): Catalogue {
  const fields = new Fields(decodeDocument(kind, bytes, file), file)
  const refuse = (problem: string): never =>
    fail('damaged', `${file} is damaged: ${problem}`, 'Restore from a backup.', { place: { file } })
  const collections = new Map<string, CatalogueEntry>()
  for (const entry of fields.objects('collections', limits.collections)) {
    const name = entry.text('name')
    if (nameProblem(name) !== undefined || collections.has(name)) {
      refuse(`the name ${JSON.stringify(name)}`)
    }
    const directory = entry.text('directory', directoryPattern)
    collections.set(name, { directory, uuid: entry.text('uuid', patterns.uuid) })
  }
  const aliases = new Map<string, string>()
  const entries = fields.has('aliases') ? fields.objects('aliases', limits.collections) : []
  for (const entry of entries) {
    const alias = entry.text('alias')
    const collection = entry.text('collection')
    const taken = collections.has(alias) || aliases.has(alias)
    if (nameProblem(alias) !== undefined || taken || !collections.has(collection)) {
      refuse(`the alias ${JSON.stringify(alias)}`)
    }
    aliases.set(alias, collection)
  }
  return {
    sequence: fields.integer('sequence', 1),
    collections,
    aliases,
    leftovers: fields.texts('leftovers', limits.collections, directoryPattern),
  }
}
