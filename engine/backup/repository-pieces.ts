/** Pieces of files by their hash, from a repository: objects are named by it, whichever snapshot has them. */
import type { Disk } from '../base/disk.ts'
import type { PieceSource } from '../collection/mend.ts'
import { type Location, openSources } from './sources.ts'

/** @throws what opening the first one throws when none can be opened */
export async function repositoryPieces(
  locations: readonly Location[],
  disk: Disk,
): Promise<PieceSource[]> {
  if (locations.length === 0) return []
  const { repositories } = await openSources(locations, disk)
  return repositories.map((repository) => ({
    name: repository.destination.url,
    read: async ({ sha256, sizeBytes }) => {
      const bytes = Buffer.alloc(sizeBytes)
      const found = await repository.getObject(sha256, bytes)
      return found?.readBytes === sizeBytes && found.authentic ? bytes : undefined
    },
  }))
}
