/**
 * Aliases: further names by which a collection is opened, searched and written.
 *
 * They share one name space with collections. Switching one to another collection is one replacement
 * of the catalogue: at each moment, and after a crash at any, it means the old collection or the new
 * one. An alias means a collection, never another alias, and goes when its collection is dropped.
 */
import { fail } from '../base/errors.ts'
import { checkName } from '../base/name.ts'
import type { Catalogue } from '../format/catalogue.ts'
import type { CatalogueFile } from './catalogue-file.ts'

export interface Alias {
  readonly alias: string
  readonly collection: string
}

/** What became of aliases that a restore brought along. */
export interface KeptAliases {
  readonly aliases: ReadonlyMap<string, string>
  /** Those that mean something else now and were left alone, one sentence each. */
  readonly remarks: readonly string[]
}

export class Aliases {
  readonly #catalogue: CatalogueFile

  constructor(catalogue: CatalogueFile) {
    this.#catalogue = catalogue
  }

  /** All of them, by alias. */
  list(): readonly Alias[] {
    return [...this.#catalogue.current.aliases]
      .map(([alias, collection]) => ({ alias, collection }))
      .sort((a, b) => (a.alias < b.alias ? -1 : 1))
  }

  /** The aliases that mean `collection`, sorted. */
  of(collection: string): readonly string[] {
    return aliasesOf(this.#catalogue.current, collection)
  }

  /** The name of the collection that `name` means: itself when it is no alias. */
  resolve(name: string): string {
    return this.#catalogue.current.aliases.get(name) ?? name
  }

  /**
   * Lets `alias` mean `collection` from now on, whatever it meant before.
   * @returns what it meant before
   * @throws `invalid-name`; `collection-exists` when a collection has that name;
   *   `collection-not-found`; `usage` when `collection` is itself an alias
   */
  async set(alias: string, collection: string): Promise<string | undefined> {
    const [before] = await this.change([{ kind: 'set', alias, collection }])
    return before
  }

  /** Removes `alias`, not what it means. @returns what it meant @throws `name-not-found` */
  async delete(alias: string): Promise<string> {
    const [before = ''] = await this.change([{ kind: 'delete', alias }])
    return before
  }

  /**
   * Several changes, one after the other, in one replacement of the catalogue: all or none.
   * @returns what each alias meant before
   * @throws what {@link set} and {@link delete} throw
   */
  async change(changes: readonly AliasChange[]): Promise<readonly (string | undefined)[]> {
    let before: (string | undefined)[] = []
    await this.#catalogue.change((now) => {
      let next = now
      before = changes.map((change) => {
        const meant = next.aliases.get(change.alias)
        next = change.kind === 'set' ? withAlias(next, change) : withoutAlias(next, change.alias)
        return meant
      })
      return next
    })
    return before
  }
}

export type AliasChange =
  | { readonly kind: 'set'; readonly alias: string; readonly collection: string }
  | { readonly kind: 'delete'; readonly alias: string }

function withAlias(now: Catalogue, { alias, collection }: Alias): Catalogue {
  checkName('alias', alias)
  if (now.collections.has(alias)) {
    fail(
      'collection-exists',
      `${alias} is a collection; aliases and collections share their names`,
      'Choose another alias, or drop that collection first.',
    )
  }
  const means = now.aliases.get(collection)
  if (means !== undefined) {
    fail(
      'usage',
      `${collection} is itself an alias, of ${means}`,
      `An alias means a collection: aliases set ${alias} ${means}.`,
    )
  }
  if (!now.collections.has(collection)) {
    fail(
      'collection-not-found',
      `there is no collection ${JSON.stringify(collection)} for the alias ${alias}`,
      'See them with: vectra-cli collections list.',
    )
  }
  return { ...now, aliases: new Map([...now.aliases, [alias, collection]]) }
}

function withoutAlias(now: Catalogue, alias: string): Catalogue {
  if (!now.aliases.has(alias)) {
    fail(
      'name-not-found',
      now.collections.has(alias)
        ? `${alias} is a collection, not an alias`
        : `there is no alias ${JSON.stringify(alias)}`,
      'See them with: vectra-cli aliases list.',
    )
  }
  return { ...now, aliases: new Map([...now.aliases].filter(([each]) => each !== alias)) }
}

/** The aliases that mean `collection`, sorted. */
export const aliasesOf = ({ aliases }: Catalogue, collection: string): readonly string[] =>
  [...aliases]
    .filter(([, each]) => each === collection)
    .map(([alias]) => alias)
    .sort()

/** The aliases of `now`, and those of `wanted` that are free for `collection`. */
export function keepAliases(
  now: Catalogue,
  collection: string,
  wanted: readonly string[],
): KeptAliases {
  const aliases = new Map(now.aliases)
  const remarks: string[] = []
  for (const alias of wanted) {
    const means = now.collections.has(alias) ? alias : aliases.get(alias)
    if (alias === collection || means === collection) continue
    if (means === undefined) {
      aliases.set(alias, collection)
      continue
    }
    const what = means === alias ? 'is a collection' : `means ${means}`
    remarks.push(`the alias ${alias} of ${collection} was not restored: ${alias} ${what} now`)
  }
  return { aliases, remarks }
}
