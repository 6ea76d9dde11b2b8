/**
 * What an orchestrator asks of a server beside backups and restores, as jobs below `/vectra/v1/`: shipping the
 * log once, proving the content digest from stored bytes, and the exact answers to golden questions.
 */
import { archiveOnce } from '../backup/archive.ts'
import { checkGoldenRequest } from '../backup/golden.ts'
import { limits } from '../base/limits.ts'
import type { Collection } from '../collection/collection.ts'
import type { ExactNeighbour } from '../collection/golden-truth.ts'
import type { PointId } from '../format/point.ts'
import type { Route, Schema, Served } from './route.ts'
import { jobRoute, objectSchema } from './vectra-jobs.ts'
import { type GoldenQuestions, goldenQuestions, toQuestions } from './wire-golden.ts'
import { checkLocation, toLocation, type WireLocation, wireLocation } from './wire-location.ts'

const text: Schema = { type: 'string' }

/** What a run of the archive is asked for with. */
export interface ArchiveJobRequest {
  readonly collection: string
  readonly destination: WireLocation
}

/** Exact answers, of a sample or to questions of one's own. */
export interface TruthRequest {
  readonly collection: string
  readonly sample?: number
  readonly k: number
  readonly questions?: GoldenQuestions
}

/** Plain data. */
export interface TruthResult {
  readonly queries: readonly {
    readonly id: PointId
    readonly neighbours: readonly ExactNeighbour[]
  }[]
}

/** See the head of this file. */
export function orchestrationRoutes(served: Served): Route[] {
  const { directory, disk, clock } = served
  return [
    jobRoute(served, {
      kind: 'archive',
      summary: 'Ships the log that a repository lacks, once.',
      body: objectSchema({ collection: text, destination: wireLocation }, [
        'collection',
        'destination',
      ]),
      plan: ({ collection, destination }: ArchiveJobRequest) => {
        checkLocation(destination)
        return {
          about: `log of ${collection} to ${destination.location}`,
          async work({ signal, progress }) {
            const result = await archiveOnce(await directory.open(collection), {
              destination: toLocation(destination, served, signal),
              ...{ disk, clock, signal, progress },
            })
            // what no restore can reach is no success
            if (result.restorable) served.onCopied('archive', result.collection.uuid, result.asOfAt)
            return result
          },
        }
      },
    }),
    jobRoute(served, {
      kind: 'prove',
      summary: 'Computes the content digest of a collection from every stored byte.',
      body: objectSchema({ collection: text }, ['collection']),
      plan: ({ collection: name }: { readonly collection: string }) => ({
        about: name,
        work: async ({ signal }) => {
          const collection = await directory.open(name)
          const digest = await collection.proveDigest(signal)
          return { digest, collection: collection.describe() }
        },
      }),
    }),
    jobRoute(served, {
      kind: 'truth',
      summary: 'Exact neighbours of a sample of points, or of questions.',
      body: objectSchema(
        {
          collection: text,
          sample: { type: 'integer', minimum: 1, maximum: limits.goldenQueries },
          k: { type: 'integer', minimum: 1, maximum: limits.searchK },
          questions: goldenQuestions,
        },
        ['collection', 'k'],
      ),
      plan: (request: TruthRequest) => ({
        about: request.collection,
        work: async ({ signal }) =>
          truthOf(await directory.open(request.collection), request, signal),
      }),
    }),
  ]
}

async function truthOf(
  collection: Collection,
  { sample, k, questions }: TruthRequest,
  signal: AbortSignal,
): Promise<TruthResult> {
  const own = questions && toQuestions(questions, collection.config)
  checkGoldenRequest({ k, ...(sample !== undefined && { sample }), ...(own && { questions: own }) })
  const state = await collection.pin()
  try {
    if (own !== undefined) {
      const nearest = await state.nearest(
        own.map(({ vector }) => vector),
        k,
        signal,
      )
      return { queries: own.map(({ id }, index) => ({ id, neighbours: nearest[index] ?? [] })) }
    }
    const drawn = await state.golden({ k, sample: sample ?? 0, fresh: true, signal })
    return { queries: drawn.map(({ id, neighbours }) => ({ id, neighbours })) }
  } finally {
    await state.release()
  }
}
