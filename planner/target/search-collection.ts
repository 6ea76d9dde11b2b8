/** How a collection of the bundled engine searches: its answers held against golden queries. */
import type { Clock, Collection } from '../../engine/index.ts'
import type { GoldenQuery } from './expectation.ts'
import { measureSearch } from './measure-search.ts'
import type { MeasureRequest, SearchMeasurement, Work } from './target.ts'

/** Golden queries of the snapshot, or a truth computed here by exact search. */
export async function searchOf(
  collection: Collection,
  { expectation, golden }: MeasureRequest,
  clock: Clock,
  work: Work,
): Promise<SearchMeasurement> {
  const recorded = expectation?.golden
  const k = recorded?.k ?? golden.k
  return measureSearch(
    {
      truth: recorded === undefined ? 'exact search' : 'snapshot',
      k,
      queries: recorded?.queries ?? (await exactTruth(collection, golden)),
      async search(id) {
        const point = await collection.get(id)
        return point === undefined ? [] : collection.search(point.vector, { k, exclude: id })
      },
    },
    clock,
    work,
  )
}

async function exactTruth(
  collection: Collection,
  request: { readonly sample: number; readonly k: number },
): Promise<GoldenQuery[]> {
  const state = await collection.pin()
  try {
    const questions = await state.golden({ ...request, fresh: true })
    return questions.map(({ id, neighbours }) => ({ id, neighbours }))
  } finally {
    await state.release()
  }
}
