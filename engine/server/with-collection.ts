/**
 * Work on a collection that may be replaced or dropped at any moment by somebody else: what fails because of
 * that is done again on what the name means then. Searches and reads can be repeated, and so can writes: an
 * upsert or delete that was done before is done by doing it again.
 */
import type { Collection } from '../collection/collection.ts'
import type { DataDirectory } from '../collection/data-directory.ts'

/** @throws `collection-not-found`; what `work` throws while the collection is still the same */
export async function withCollection<T>(
  directory: Pick<DataDirectory, 'open'>,
  name: string,
  work: (collection: Collection) => Promise<T>,
): Promise<T> {
  let collection = await directory.open(name)
  for (;;) {
    try {
      return await work(collection)
    } catch (error) {
      const now = await directory.open(name)
      if (now === collection) throw error
      collection = now
    }
  }
}
