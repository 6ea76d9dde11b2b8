/** How a collection of the bundled engine searches: its answers held against golden queries. */
import type { Clock, Collection, Disk } from '../../engine/index.ts'
import { fileSource, readGoldenFile } from '../../engine/operations.ts'
import type { GoldenQuery } from './expectation.ts'
import { measureSearch } from './measure-search.ts'
import type { GoldenChoice, MeasureRequest, SearchMeasurement, Work } from './target.ts'

/** Golden queries of the snapshot, or a truth computed here by exact search. */
export async function searchOf(
  collection: Collection,
  { expectation, golden }: MeasureRequest,
  { disk, clock }: { readonly disk: Disk; readonly clock: Clock },
  work: Work,
): Promise<SearchMeasurement> {
  const recorded = expectation?.golden
  const k = recorded?.k ?? golden.k
  return measureSearch(
    {
      truth: recorded === undefined ? 'exact search' : 'snapshot',
      k,
      queries: recorded?.queries ?? (await exactTruth(collection, golden, disk, work.signal)),
      async search({ id, vector }) {
        if (vector !== undefined) return collection.search(vector, { k })
        const point = await collection.get(id)
        return point === undefined ? [] : collection.search(point.vector, { k, exclude: id })
      },
    },
    clock,
    work,
  )
}

/** The questions of a file, for a collection of these settings. @throws `invalid-input-file`, `invalid-vector` */
export const questionsIn = async (file: string, { config }: Collection, disk: Disk) =>
  readGoldenFile(await fileSource(disk, file), config)

async function exactTruth(
  collection: Collection,
  { file, ...request }: GoldenChoice,
  disk: Disk,
  signal: AbortSignal,
): Promise<GoldenQuery[]> {
  const own = file === undefined ? undefined : await questionsIn(file, collection, disk)
  const state = await collection.pin()
  try {
    if (own !== undefined) {
      const vectors = own.map(({ vector }) => vector)
      const nearest = await state.nearest(vectors, request.k, signal)
      return own.map((each, index) => ({ ...each, neighbours: nearest[index] ?? [] }))
    }
    const questions = await state.golden({ ...request, fresh: true, signal })
    return questions.map(({ id, neighbours }) => ({ id, neighbours }))
  } finally {
    await state.release()
  }
}
