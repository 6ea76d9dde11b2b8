/**
 * Upkeep of a collection below `/vectra/v1/`, as jobs: sealing, merging, other index settings, giving up the
 * end of a damaged log.
 */
import { repositoryPieces } from '../backup/repository-pieces.ts'
import type { Collection } from '../collection/collection.ts'
import { parseConfigText } from '../format/config-text.ts'
import { cutReplicatedLog } from '../replica/cut-log.ts'
import { nodeOf } from './cluster-routes.ts'
import type { JobWorld } from './jobs.ts'
import { json, type Route, type RouteRequest, type Schema, type Served } from './route.ts'
import { jobAnswer, objectSchema } from './vectra-jobs.ts'
import { checkLocation, toLocation, type WireLocation, wireLocation } from './wire-location.ts'

const path = '/vectra/v1/collections/:name'
const config: Schema = {
  type: 'object',
  description: 'what "collections config export" writes',
}
const index: Schema = {
  type: 'object',
  description: 'the index of such a config: its kind, and the parameters of that kind',
}

interface CutRequest {
  readonly toLsn: number
  readonly despiteCopies?: boolean
}

/** See the head of this file. */
export function vectraUpkeep(served: Served): Route[] {
  const { directory, jobs } = served
  const nameOf = ({ params: { name = '' } }: RouteRequest) => name
  const common = { tag: 'Collections', answer: jobAnswer, status: 202 }
  /** Opened now, so that what is not there or may not be written is told before a job begins. */
  const start = async (
    request: RouteRequest,
    kind: string,
    work: (collection: Collection, world: JobWorld) => Promise<object>,
    { writes = false } = {},
  ) => {
    const collection = await directory.open(nameOf(request))
    if (writes) collection.replication.admitWrites()
    return json(jobs.start(kind, collection.name, (world) => work(collection, world)))
  }
  return [
    {
      ...common,
      method: 'POST',
      path: `${path}/checkpoint`,
      summary: 'Seals what is in memory and indexes it. Answers with the job that does it.',
      handle: (request) =>
        start(request, 'checkpoint', async (collection) => {
          await collection.checkpoint()
          return { lsn: collection.lsn }
        }),
    },
    {
      ...common,
      method: 'POST',
      path: `${path}/compact`,
      summary: 'Merges segments, without what is deleted. Answers with the job that does it.',
      handle: (request) =>
        start(request, 'compact', (collection, { signal }) => collection.compact(signal)),
    },
    {
      ...common,
      method: 'POST',
      path: `${path}/reindex`,
      summary: 'Indexes a collection in another way. Answers with the job that does it.',
      body: index,
      writes: true,
      handle: async (request) => {
        // the defaults of a kind are the same in every dimension
        const text = JSON.stringify({ dimension: 1, index: request.body })
        const wanted = parseConfigText(text, 'the body').index
        return start(
          request,
          'reindex',
          (collection, { signal }) => collection.reindex(wanted, { signal }),
          { writes: true },
        )
      },
    },
    {
      ...common,
      method: 'POST',
      path: `${path}/config`,
      summary:
        'Gives a collection the index and durability of a config. Answers with the job that does it.',
      body: config,
      writes: true,
      handle: async (request) => {
        const wanted = parseConfigText(JSON.stringify(request.body), 'the body')
        return start(
          request,
          'config',
          (collection, { signal }) => collection.configure(() => wanted, { signal }),
          { writes: true },
        )
      },
    },
    {
      ...common,
      method: 'POST',
      path: `${path}/repair`,
      summary:
        'Cuts the log of a collection that does not open because of it; what is cut is lost. Refused while another copy is known to have it, without `despiteCopies`. Answers with the job that does it.',
      body: objectSchema(
        {
          toLsn: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
          despiteCopies: { type: 'boolean' },
        },
        ['toLsn'],
      ),
      writes: true,
      handle: async (request) => {
        const { toLsn, despiteCopies = false } = request.body as CutRequest // as the schema says
        const name = nameOf(request)
        const { transport } = nodeOf(served)
        const options = { transport, despiteCopies }
        return json(
          jobs.start('repair', name, () => cutReplicatedLog(directory, name, toLsn, options)),
        )
      },
    },
    {
      ...common,
      method: 'POST',
      path: `${path}/mend`,
      summary:
        'Fetches damaged data files by their hashes, from the nodes that have a copy and from repositories. Answers with the job that does it.',
      body: objectSchema({ sources: { type: 'array', items: wireLocation, maxItems: 16 } }, []),
      handle: async (request) => {
        const { sources = [] } = request.body as { sources?: readonly WireLocation[] } // as the schema says
        for (const each of sources) checkLocation(each)
        const name = nameOf(request)
        return json(
          jobs.start('mend', name, async ({ signal }) => {
            const locations = sources.map((each) => toLocation(each, served, signal))
            const pieces = await repositoryPieces(locations, served.disk)
            const node = served.node()
            return node === undefined
              ? directory.mend(name, () => pieces)
              : node.replica.mend(name, pieces)
          }),
        )
      },
    },
  ]
}
