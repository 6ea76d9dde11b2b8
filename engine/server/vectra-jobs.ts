/** Jobs below `/vectra/v1/jobs`: backups, restores and verifications, begun, watched, ended. */
import { createBackup } from '../backup/create.ts'
import { parseMoment } from '../backup/moment.ts'
import { restoreSnapshot } from '../backup/restore.ts'
import { type VerifyDepth, verifyRepository } from '../backup/verify.ts'
import type { JsonObject } from '../base/canonical-json.ts'
import { limits } from '../base/limits.ts'
import { indexKinds, makeConfig } from '../format/config.ts'
import type { JobWorld } from './jobs.ts'
import { json, type Route, type RouteRequest, type Schema, type Served } from './route.ts'
import { type GoldenQuestions, goldenQuestions, toQuestions } from './wire-golden.ts'
import { checkLocation, toLocation, type WireLocation, wireLocation } from './wire-location.ts'

const text: Schema = { type: 'string' }
const flag: Schema = { type: 'boolean' }

/** An object of these properties and no others. */
export const objectSchema = (
  properties: Record<string, Schema>,
  required: readonly string[],
): Schema => ({
  type: 'object',
  additionalProperties: false,
  properties,
  required,
})

/** What a backup is asked for with. */
export interface BackupRequest {
  readonly collection: string
  readonly destination: WireLocation
  readonly snapshotId: string
  readonly mode?: 'incremental' | 'full'
  readonly tags?: readonly string[]
  readonly goldenK?: number
  readonly goldenSample?: number
  readonly questions?: GoldenQuestions
  readonly embedding?: JsonObject
}

const backupBody = objectSchema(
  {
    collection: text,
    destination: wireLocation,
    snapshotId: text,
    mode: { enum: ['incremental', 'full'] },
    tags: { type: 'array', items: text },
    goldenK: { type: 'integer', minimum: 1, maximum: limits.searchK },
    goldenSample: { type: 'integer', minimum: 0, maximum: limits.goldenQueries },
    questions: goldenQuestions,
    embedding: { type: 'object', description: 'provenance that the snapshot keeps' },
  },
  ['collection', 'destination', 'snapshotId'],
)

/** What a restore is asked for with. */
export interface RestoreRequest {
  readonly collection: string
  /** At least one, asked in this order. */
  readonly sources: readonly WireLocation[]
  readonly snapshotId?: string
  /** `latest`, `lsn:N` or an instant with its offset. */
  readonly at?: string
  readonly epoch?: string
  readonly newName?: string
  readonly replace?: boolean
  readonly reindex?: boolean
  readonly index?: (typeof indexKinds)[number]
}

const restoreBody = objectSchema(
  {
    collection: text,
    sources: { type: 'array', items: wireLocation, minItems: 1 },
    snapshotId: text,
    at: { ...text, description: 'latest, lsn:N, or an instant with its offset' },
    epoch: text,
    newName: text,
    replace: flag,
    reindex: flag,
    index: { enum: indexKinds },
  },
  ['collection', 'sources'],
)

/** What a verification is asked for with. */
export interface VerifyRequest {
  readonly source: WireLocation
  readonly collection?: string
  readonly snapshotId?: string
  readonly depth?: VerifyDepth
  readonly sample?: { readonly share: number; readonly seed?: number }
  readonly record?: boolean
}

const verifyBody = objectSchema(
  {
    source: wireLocation,
    collection: text,
    snapshotId: text,
    depth: { enum: ['manifest', 'objects', 'content'] },
    sample: objectSchema(
      {
        share: { type: 'number', exclusiveMinimum: 0, maximum: 1 },
        seed: { type: 'integer', minimum: 0 },
      },
      ['share'],
    ),
    record: flag,
  },
  ['source'],
)

/** How a job is told. */
export const jobAnswer: Schema = {
  type: 'object',
  required: ['id', 'kind', 'about', 'state', 'startedAt'],
  properties: {
    id: text,
    kind: text,
    about: text,
    state: { enum: ['running', 'done', 'failed', 'cancelled'] },
    startedAt: text,
    endedAt: { type: ['string', 'null'] },
    progress: { type: ['object', 'null'] },
    warnings: { type: 'array', items: text },
    result: { type: ['object', 'null'] },
    error: { type: ['object', 'null'] },
  },
}

/** See the head of this file. */
export function vectraJobs(served: Served): Route[] {
  const { jobs } = served
  const tag = 'Jobs'
  const path = '/vectra/v1/jobs'
  const idOf = ({ params: { id = '' } }: RouteRequest) => id
  return [
    jobRoute(served, {
      kind: 'backup',
      summary: 'Takes a snapshot of a collection.',
      body: backupBody,
      plan: (body: BackupRequest) => backupJob(served, body),
    }),
    jobRoute(served, {
      kind: 'restore',
      summary: 'Brings a collection back, proven before it gets its name.',
      body: restoreBody,
      plan: (body: RestoreRequest) => restoreJob(served, body),
      writes: true,
    }),
    jobRoute(served, {
      kind: 'verify',
      summary: 'Proves that snapshots are whole.',
      body: verifyBody,
      plan: (body: VerifyRequest) => verifyJob(served, body),
    }),
    {
      method: 'GET',
      path,
      tag,
      summary: 'Jobs under way and those of late, newest first.',
      answer: { type: 'object', properties: { jobs: { type: 'array', items: jobAnswer } } },
      handle: async () => json({ jobs: jobs.list() }),
    },
    {
      method: 'GET',
      path: `${path}/:id`,
      tag,
      summary: 'One job.',
      answer: jobAnswer,
      handle: async (request) => json(jobs.status(idOf(request))),
    },
    {
      method: 'GET',
      path: `${path}/:id/events`,
      tag,
      summary: 'A job as it goes on: a line of JSON now and after each change, until it has ended.',
      answerType: 'application/x-ndjson',
      handle: async (request) => {
        jobs.status(idOf(request)) // one that is not there is told with its status
        return {
          kind: 'stream',
          contentType: 'application/x-ndjson',
          chunks: linesOf(jobs.follow(idOf(request), request.signal)),
        }
      },
    },
    {
      method: 'POST',
      path: `${path}/:id/cancel`,
      tag,
      summary: 'Asks a job to stop. It undoes what it began, and has ended a little later.',
      answer: jobAnswer,
      status: 202,
      handle: async (request) => json(jobs.cancel(idOf(request))),
    },
  ]
}

/** A kind of job: `POST /vectra/v1/KIND` begins one. */
export interface JobKind<Request> {
  readonly kind: string
  readonly summary: string
  readonly body: Schema
  /** Looks at a request, which fits the schema, before anything is begun. */
  readonly plan: (request: Request) => JobPlan
  readonly writes?: boolean
}

/** The route that begins jobs of a kind. */
export const jobRoute = <Request>(
  { jobs }: Served,
  { kind, summary, body, plan, writes = false }: JobKind<Request>,
): Route => ({
  method: 'POST',
  path: `/vectra/v1/${kind}`,
  tag: 'Jobs',
  summary: `${summary} Answers with the job that does it.`,
  body,
  answer: jobAnswer,
  status: 202,
  writes,
  handle: async (request) => {
    const { about, work } = plan(request.body as Request) // checked against its schema
    return json(jobs.start(kind, about, work))
  },
})

/** A request that was looked at, before anything is begun. */
export interface JobPlan {
  readonly about: string
  readonly work: (world: JobWorld) => Promise<object>
}

async function* linesOf(values: AsyncIterable<object>): AsyncGenerator<string> {
  for await (const value of values) yield `${JSON.stringify(value)}\n`
}

function backupJob(served: Served, request: BackupRequest): JobPlan {
  const { disk, clock, timer, directory } = served
  const {
    collection: name,
    destination,
    snapshotId,
    mode,
    tags,
    goldenK,
    goldenSample,
    questions,
    embedding,
  } = request
  checkLocation(destination)
  return {
    about: `${name} to ${destination.location} as ${snapshotId}`,
    async work({ signal, progress }) {
      const collection = await directory.open(name)
      const golden = {
        ...(goldenK !== undefined && { k: goldenK }),
        ...(goldenSample !== undefined && { sample: goldenSample }),
        ...(questions && { questions: toQuestions(questions, collection.config) }),
      }
      const result = await createBackup(collection, {
        destination: toLocation(destination, served, signal),
        snapshotId,
        golden,
        ...{ disk, clock, timer, signal, progress },
        ...(mode && { mode }),
        ...(tags && { tags }),
        ...(embedding && { provenance: { embedding } }),
      })
      served.onCopied('backup', result.collection.uuid, result.asOfAt)
      return result
    },
  }
}

function restoreJob(served: Served, request: RestoreRequest): JobPlan {
  const { disk, clock, timer, directory } = served
  const { sources, at, index, ...rest } = request
  for (const each of sources) checkLocation(each)
  const moment = at === undefined ? undefined : parseMoment(at)
  const from = sources.map(({ location }) => location).join(', ')
  return {
    about: `${request.newName ?? request.collection} from ${from}`,
    work: ({ signal, progress }) =>
      restoreSnapshot(directory, {
        ...rest,
        source: sources.map((each) => toLocation(each, served, signal)),
        ...(moment && { at: moment }),
        // the defaults of a kind are the same in every dimension
        ...(index && { index: makeConfig({ dimension: 1, index }).index }),
        ...{ disk, clock, timer, signal, progress },
      }),
  }
}

function verifyJob(served: Served, { source, ...rest }: VerifyRequest): JobPlan {
  const { disk, clock, timer } = served
  checkLocation(source)
  return {
    about: source.location,
    work: ({ signal, progress, warn }) =>
      // damage is a result: whoever asked tells it as its own
      verifyRepository({
        ...rest,
        source: toLocation(source, served, signal),
        ...{ disk, clock, timer, signal, progress },
        onWarning: warn,
      }),
  }
}
