/**
 * The AWS client behind one location: made at the first request, and made anew once its credentials expired.
 *
 * The SDK is loaded then and not before: it takes a quarter of a second that commands on directories do not
 * owe. Retries are the SDK's: throttling (429, SlowDown), 500, 502, 503, 504, time-outs and broken
 * connections, with jittered exponential back-off, {@link s3Bounds}.attempts in all. Its budget of retries
 * is a request's own here: one that all share would give up after a second where the store is away for ten.
 * Redirects are not followed. Requests carry SHA-256 checksums of ours and no others, which stores that are
 * not AWS refuse.
 */

import type { LookupFunction } from 'node:net'
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3'
import { type Clock, systemClock } from '../base/clock.ts'
import { guardedLookup } from '../base/reach.ts'
import { isExpired, toOperatingError } from './s3-errors.ts'
import type { S3Location } from './s3-url.ts'

/** What a store is granted before it counts as away. */
export const s3Bounds = {
  /** Tries of one request, the first included; about 13 s of waiting in the mean. */
  attempts: 8,
  /** The first wait is half of this in the mean, each next one twice as long, none longer than 20 s. */
  backOffMs: 200,
  /** Connections at once. */
  sockets: 32,
  connectMs: 10_000,
  /** A connection on which nothing moves is given up. */
  idleMs: 60_000,
  /** Values longer than this are sent in parts, where the put may replace what stands. */
  multipartBytes: 32 * 1024 * 1024,
  partBytes: 8 * 1024 * 1024,
  partsInFlight: 4,
  /** An upload in parts that began longer ago and has not ended is dead. */
  deadUploadMs: 24 * 3_600_000,
} as const

export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export interface S3Options {
  /** Default: the ordinary AWS chain. Asked again, once, when the store says that they expired. */
  readonly credentials?: () => Promise<S3Credentials>
  /** Milliseconds before the next try. Default: the SDK's, exponential with jitter. */
  readonly retryDelayMs?: (triesSoFar: number) => number
  /** Default: the system's. */
  readonly lookup?: LookupFunction
  readonly clock?: Clock
  readonly attempts?: number
  readonly idleMs?: number
  readonly multipartBytes?: number
  readonly partBytes?: number
}

export type Sdk = typeof import('@aws-sdk/client-s3')
type Retry = typeof import('@smithy/core/retry')

interface Opened {
  readonly sdk: Sdk
  readonly client: S3Client
  /** A budget of retries for one request. */
  readonly newStrategy: () => InstanceType<Retry['StandardRetryStrategy']>
}

/** Waits before each further try, as the SDK does; throws when there were enough. */
export type Patience = () => Promise<void>

export class S3Connection {
  readonly location: S3Location
  readonly options: S3Options
  readonly clock: Clock
  #opened: Promise<Opened> | undefined
  /** Whether the clients since the last answer are made with credentials asked for anew. */
  #renewed = false

  constructor(location: S3Location, options: S3Options) {
    this.location = location
    this.options = options
    this.clock = options.clock ?? systemClock
  }

  /**
   * Does some requests, and once more with new credentials when the store says that these have expired.
   * @param place what they are about, for messages
   * @throws operating errors, with the request's id, and bugs
   */
  async send<Out>(
    place: string,
    work: (client: S3Client, sdk: Sdk, patience: Patience) => Promise<Out>,
  ): Promise<Out> {
    try {
      const used = this.#current()
      try {
        const out = await run(await used, work)
        this.#renewed = false
        return out
      } catch (error) {
        if (!isExpired(error)) throw error
        return await run(await this.#after(used, error), work)
      }
    } catch (error) {
      throw toOperatingError(error, place, this.location)
    }
  }

  #current(): Promise<Opened> {
    this.#opened ??= open(this.location, this.options)
    return this.#opened
  }

  /** The client after `expired`: another request's new one, or one made here. */
  #after(expired: Promise<Opened>, error: unknown): Promise<Opened> {
    if (this.#opened === expired) {
      if (this.#renewed) throw error
      this.#renewed = true
      this.#opened = open(this.location, this.options)
    }
    return this.#current()
  }
}

function run<Out>(
  { client, sdk, newStrategy }: Opened,
  work: (client: S3Client, sdk: Sdk, patience: Patience) => Promise<Out>,
): Promise<Out> {
  const strategy = newStrategy()
  let token = strategy.acquireInitialRetryToken('vectra')
  return work(client, sdk, async () => {
    token = token.then((each) =>
      strategy.refreshRetryTokenForRetry(each, { errorType: 'TRANSIENT' }),
    )
    await token
  })
}

async function open(location: S3Location, options: S3Options): Promise<Opened> {
  const [sdk, { StandardRetryStrategy }] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('@smithy/core/retry'),
  ])
  const { attempts = s3Bounds.attempts, retryDelayMs } = options
  const newStrategy = () =>
    new StandardRetryStrategy({
      maxAttempts: attempts,
      baseDelay: s3Bounds.backOffMs,
      ...(retryDelayMs && {
        backoff: { setDelayBase: () => {}, computeNextBackoffDelay: retryDelayMs },
      }),
    })
  const client = new sdk.S3Client({
    ...toConfig(location, options),
    retryStrategy: oneBudgetEach(newStrategy),
  })
  return { sdk, client, newStrategy }
}

function toConfig(location: S3Location, options: S3Options): S3ClientConfig {
  const { region, endpoint, pathStyle = endpoint !== undefined, profile } = location
  const { credentials, idleMs = s3Bounds.idleMs } = options
  const agent = {
    maxSockets: s3Bounds.sockets,
    keepAlive: true,
    lookup: guardedLookup(options.lookup),
  }
  // without this the SDK would answer a renewal from the files as it read them first
  const freshFiles = { ignoreCache: true }
  return {
    ...freshFiles,
    ...(region !== undefined && { region }),
    // a store that is not AWS rarely has regions; the SDK wants one to sign with
    ...(region === undefined && endpoint !== undefined && { region: 'us-east-1' }),
    ...(endpoint !== undefined && { endpoint }),
    ...(profile !== undefined && { profile }),
    ...(credentials !== undefined && { credentials }),
    forcePathStyle: pathStyle,
    // waiting for a "continue" would take a connection of its own for each put
    expectContinueHeader: false,
    followRegionRedirects: false,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: s3Bounds.connectMs,
      socketTimeout: idleMs,
      httpAgent: agent,
      httpsAgent: agent,
    },
  }
}

/** The SDK's strategy, one of them for each request: see the head of this file. */
function oneBudgetEach(newStrategy: Opened['newStrategy']) {
  type Strategy = ReturnType<Opened['newStrategy']>
  type Token = Awaited<ReturnType<Strategy['acquireInitialRetryToken']>>
  const owners = new WeakMap<object, Strategy>()
  const owned = (owner: Strategy, token: Token): Token => {
    owners.set(token, owner)
    return token
  }
  return {
    mode: 'standard',
    async acquireInitialRetryToken(scope: string): Promise<Token> {
      const owner = newStrategy()
      return owned(owner, await owner.acquireInitialRetryToken(scope))
    },
    async refreshRetryTokenForRetry(
      token: Token,
      info: Parameters<Strategy['refreshRetryTokenForRetry']>[1],
    ): Promise<Token> {
      const owner = owners.get(token) ?? newStrategy()
      return owned(owner, await owner.refreshRetryTokenForRetry(token, info))
    },
    recordSuccess(): void {},
  }
}
