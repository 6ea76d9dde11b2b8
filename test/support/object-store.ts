/**
 * An object store for tests: the protocol of S3 over real HTTP on the loopback, its content in memory.
 *
 * It does what AWS does where the product relies on it (conditional puts, versions, object lock, checksums,
 * signatures), forgets it where a test says so (`behaviour`), and fails on request (`inject`, see
 * object-store-faults.ts). Every request is kept in `requests`.
 *
 * ```
 * const store = await startObjectStore()
 * const destination = store.open()                        // S3Destination on a bucket of its own, no waiting
 * const hits = store.inject({ fault: { kind: 'reset', stage: 'after' }, every: 3 })
 * ```
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { type Clock, systemClock } from '../../engine/base/clock.ts'
import { S3Destination } from '../../engine/destination/s3.ts'
import type { S3Options } from '../../engine/destination/s3-client.ts'
import { type Fault, type FaultRule, Faults, type SeenRequest } from './object-store-faults.ts'
import {
  type Answer,
  type Behaviour,
  failed,
  ordinary,
  StoreOperations,
} from './object-store-operations.ts'
import { type KnownKey, signatureProblem } from './object-store-signature.ts'
import { StoreState } from './object-store-state.ts'

export const testKey = { accessKeyId: 'test-key', secretAccessKey: 'test-secret' } as const

export interface ObjectStore {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string
  readonly state: StoreState
  readonly behaviour: Behaviour
  readonly requests: readonly SeenRequest[]
  readonly keys: Map<string, KnownKey>
  /** @returns how often the rule has struck, to be asked later */
  inject(rule: FaultRule): () => number
  /** No rule strikes any more. */
  heal(): void
  /** A bucket nobody used yet. */
  newBucket(options?: { versioned?: boolean; lock?: boolean }): string
  /** A URL for the command line; credentials go into the environment. */
  url(bucket: string, prefix?: string): string
  /** A client of `bucket` (default: a new one) that retries without waiting. */
  open(bucket?: string, prefix?: string, options?: S3Options): S3Destination
  close(): Promise<void>
}

/** Starts it; it stops when the test ends, or by `close` where `keep` is true. */
export async function startObjectStore(
  clock: Clock = systemClock,
  { keep = false } = {},
): Promise<ObjectStore> {
  const state = new StoreState(clock)
  const behaviour = ordinary()
  const operations = new StoreOperations(state, behaviour)
  const faults = new Faults()
  const requests: SeenRequest[] = []
  const keys = new Map<string, KnownKey>([
    [testKey.accessKeyId, { secret: testKey.secretAccessKey }],
  ])
  const sockets = new Set<Socket>()
  const server = createServer((request, response) => {
    const seen = toSeen(request, requests.length + 1)
    requests.push(seen)
    const fault = faults.of(seen)
    respond({ request, response, seen, fault, keys, operations }).catch(() => response.destroy())
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // it listens on a port
  const endpoint = `http://127.0.0.1:${port}`
  let buckets = 0
  const store: ObjectStore = {
    endpoint,
    state,
    behaviour,
    requests,
    keys,
    inject: (rule) => faults.add(rule),
    heal: () => faults.clear(),
    newBucket(options) {
      const name = `bucket-${++buckets}`
      state.addBucket(name, options)
      return name
    },
    url: (bucket, prefix = '') => `s3://${bucket}/${prefix}?endpoint=${endpoint}`,
    open(bucket = store.newBucket(), prefix = '', options = {}) {
      const location = { bucket, prefix: prefix === '' ? '' : `${prefix}/`, endpoint }
      return new S3Destination(location, {
        credentials: async () => testKey,
        retryDelayMs: () => 0,
        clock,
        ...options,
      })
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
  if (!keep) onTestFinished(() => store.close())
  return store
}

async function respond(each: {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly seen: SeenRequest
  readonly fault: Fault | undefined
  readonly keys: ReadonlyMap<string, KnownKey>
  readonly operations: StoreOperations
}): Promise<void> {
  const { request, response, seen, fault, operations } = each
  const stage = fault !== undefined && 'stage' in fault ? fault.stage : undefined
  if (fault?.kind === 'reset' && stage === 'before') return reset(request)
  if (fault?.kind === 'reset' && stage === 'body') {
    const isBodyless = Number(request.headers['content-length'] ?? 0) === 0
    if (isBodyless) return reset(request)
    request.once('data', () => reset(request))
    return
  }
  const body = await readBody(request)
  if (stage === 'before') return // silence
  const problem = signatureProblem(request, each.keys)
  const refused = problem === undefined ? undefined : refusal(seen, problem)
  const answer =
    refused ?? (fault && insteadOf(fault)) ?? operations.do(seen, spoil(body, seen, fault))
  if (stage === 'after') {
    if (fault?.kind === 'reset') reset(request)
    return
  }
  send(request, response, seen, answer, fault)
}

const refusal = (seen: SeenRequest, code: string): Answer => {
  const status = code === 'ExpiredToken' ? 400 : 403
  return seen.method === 'HEAD' ? { status } : failed(status, code)
}

function insteadOf(fault: Fault): Answer | undefined {
  if (fault.kind === 'status') return failed(fault.status, fault.code)
  if (fault.kind === 'error-body') return { ...failed(200, fault.code), status: 200 }
  return undefined
}

/** The body as it is stored: a put may be damaged behind the checksum's back. */
const spoil = (body: Buffer, seen: SeenRequest, fault: Fault | undefined): Buffer => {
  const isPut = seen.operation === 'PutObject' || seen.operation === 'UploadPart'
  return fault?.kind === 'corrupt' && isPut ? flipped(body) : body
}

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  const middle = copy.length >> 1
  copy[middle] = (copy[middle] ?? 0) ^ 1
  return copy
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  seen: SeenRequest,
  answer: Answer,
  fault: Fault | undefined,
): void {
  const headers: Record<string, string> = {
    'x-amz-request-id': `request-${seen.number}`,
    ...answer.headers,
    ...(fault?.kind === 'header' && { [fault.name]: fault.value }),
  }
  let body = answer.body ?? Buffer.alloc(0)
  if (fault?.kind === 'corrupt' && seen.operation === 'GetObject') body = flipped(body)
  if (fault?.kind === 'truncate' && seen.operation === 'GetObject') {
    response.writeHead(answer.status, headers) // no length: it ends where the connection says so
    response.end(body.subarray(0, fault.bytes))
    return
  }
  const isHead = seen.method === 'HEAD'
  response.writeHead(answer.status, {
    ...(!isHead && answer.status !== 204 && { 'content-length': String(body.length) }),
    ...headers,
  })
  if (fault?.kind === 'reset') {
    response.write(body.subarray(0, body.length >> 1), () => reset(request))
    return
  }
  response.end(isHead ? undefined : body)
}

const reset = (request: IncomingMessage): void => {
  request.socket.resetAndDestroy()
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function toSeen(request: IncomingMessage, number: number): SeenRequest {
  const { method = '', headers } = request
  const [path = '', query = ''] = (request.url ?? '').split('?')
  const [, bucket = '', ...rest] = path.split('/')
  const name = decodeURIComponent(rest.join('/'))
  const parameters = new URLSearchParams(query)
  const operation = operationOf(method, name, parameters, 'x-amz-copy-source' in headers)
  return { number, method, operation, bucket, name, query: parameters, headers }
}

function operationOf(
  method: string,
  name: string,
  query: URLSearchParams,
  isCopy: boolean,
): string {
  if (name === '') {
    if (query.has('uploads')) return 'ListMultipartUploads'
    if (query.has('versions')) return 'ListObjectVersions'
    if (query.has('object-lock')) return 'GetObjectLockConfiguration'
    return method === 'GET' ? 'ListObjectsV2' : `${method} bucket`
  }
  if (query.has('uploads')) return 'CreateMultipartUpload'
  if (query.has('retention')) return 'PutObjectRetention'
  if (query.has('uploadId')) {
    const byMethod = {
      PUT: 'UploadPart',
      POST: 'CompleteMultipartUpload',
      DELETE: 'AbortMultipartUpload',
    }
    return Object.entries(byMethod).find(([each]) => each === method)?.[1] ?? method
  }
  if (method === 'PUT') return isCopy ? 'CopyObject' : 'PutObject'
  const byMethod = { GET: 'GetObject', HEAD: 'HeadObject', DELETE: 'DeleteObject' }
  return Object.entries(byMethod).find(([each]) => each === method)?.[1] ?? method
}
