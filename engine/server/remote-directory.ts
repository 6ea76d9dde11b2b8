/**
 * A data directory that a server has, asked as if it were opened here. What is known without asking (names,
 * aliases, counts, settings) is of the moment in which it was opened.
 */
import { fromSerialised, type SerialisedError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Alias } from '../collection/aliases.ts'
import type { CollectionDescription, CollectionStats } from '../collection/collection-stats.ts'
import type { CompactionResult } from '../collection/compactor.ts'
import type { ReindexResult } from '../collection/reindex.ts'
import type { Neighbour, SearchOptions } from '../collection/search.ts'
import type { CollectionConfig, IndexSettings } from '../format/config.ts'
import type { Point, PointId, PointInput } from '../format/point.ts'
import { escaped, type VectraClient } from './client.ts'
import { toFilterJson } from './filter-json.ts'
import { runJob } from './remote-jobs.ts'

interface Listing {
  readonly data: string
  readonly collections: readonly {
    readonly name: string
    readonly count?: number
    readonly config?: CollectionConfig
    readonly error?: SerialisedError
  }[]
  readonly aliases: readonly Alias[]
}

const base = '/vectra/v1/collections'

/** See the head of this file. */
export class RemoteDirectory {
  readonly aliases: RemoteAliases
  readonly #client: VectraClient
  readonly #listing: Listing

  private constructor(client: VectraClient, listing: Listing) {
    this.#client = client
    this.#listing = listing
    this.aliases = new RemoteAliases(client, listing.aliases)
  }

  /** @throws `unreachable`, `credential-refused` */
  static async open(client: VectraClient): Promise<RemoteDirectory> {
    return new RemoteDirectory(client, await client.ask<Listing>('GET', base))
  }

  /** The directory on the machine of the server. */
  get path(): string {
    return `${this.#listing.data} at ${this.#client.endpoint}`
  }

  names(): string[] {
    return this.#listing.collections.map(({ name }) => name)
  }

  has(name: string): boolean {
    return this.names().includes(this.aliases.resolve(name))
  }

  async open(name: string): Promise<RemoteCollection> {
    const broken = this.#listing.collections.find((each) => each.name === name)?.error
    if (broken !== undefined) throw fromSerialised(broken)
    return RemoteCollection.open(this.#client, name)
  }

  async create(name: string, config: CollectionConfig): Promise<RemoteCollection> {
    await this.#client.ask('PUT', `${base}/${escaped(name)}`, config)
    return RemoteCollection.open(this.#client, name)
  }

  async drop(name: string, { ifExists = false } = {}): Promise<boolean> {
    const path = `${base}/${escaped(name)}?ifExists=${ifExists}`
    const { dropped } = await this.#client.ask<{ dropped: boolean }>('DELETE', path)
    return dropped
  }
}

/** The aliases of a directory that a server has. */
class RemoteAliases {
  readonly #client: VectraClient
  readonly #known: readonly Alias[]

  constructor(client: VectraClient, known: readonly Alias[]) {
    this.#client = client
    this.#known = known
  }

  list(): readonly Alias[] {
    return this.#known
  }

  of(collection: string): readonly string[] {
    return this.#known
      .filter((each) => each.collection === collection)
      .map(({ alias }) => alias)
      .sort()
  }

  resolve(name: string): string {
    return this.#known.find(({ alias }) => alias === name)?.collection ?? name
  }

  async set(alias: string, collection: string): Promise<string | undefined> {
    const path = `/vectra/v1/aliases/${escaped(alias)}`
    const { before } = await this.#client.ask<{ before: string | null }>('PUT', path, {
      collection,
    })
    return before ?? undefined
  }

  async delete(alias: string): Promise<string> {
    const path = `/vectra/v1/aliases/${escaped(alias)}`
    return (await this.#client.ask<{ collection: string }>('DELETE', path)).collection
  }
}

/** A collection that a server has. */
export class RemoteCollection {
  readonly #client: VectraClient
  readonly #path: string
  readonly #description: CollectionDescription
  #lsn: number

  private constructor(client: VectraClient, description: CollectionDescription) {
    this.#client = client
    this.#path = `${base}/${escaped(description.name)}`
    this.#description = description
    this.#lsn = description.lsn
  }

  static async open(client: VectraClient, name: string): Promise<RemoteCollection> {
    const description = await client.ask<CollectionDescription>('GET', `${base}/${escaped(name)}`)
    return new RemoteCollection(client, description)
  }

  get name(): string {
    return this.#description.name
  }

  get uuid(): string {
    return this.#description.uuid
  }

  get config(): CollectionConfig {
    return this.#description.config
  }

  get count(): number {
    return this.#description.count
  }

  /** LSN of the newest record that is known here. */
  get lsn(): number {
    return this.#lsn
  }

  describe(): CollectionDescription {
    return this.#description
  }

  stats(): Promise<CollectionStats> {
    return this.#client.ask('GET', `${this.#path}/stats`)
  }

  /** In several requests where one would be large: what was sent before one that fails is written then. */
  async upsert(points: readonly PointInput[]): Promise<{ lsn: number; count: number }> {
    const path = `${this.#path}/points`
    let count = 0
    for (const sent of inRequests(points)) {
      const body = { points: sent }
      const taken = await this.#client.ask<{ lsn: number; count: number }>('POST', path, body)
      this.#lsn = taken.lsn
      count += taken.count
    }
    return { lsn: this.#lsn, count }
  }

  delete(ids: readonly unknown[]): Promise<{ lsn: number; deleted: number }> {
    return this.#client.ask('POST', `${this.#path}/points/delete`, { ids })
  }

  async get(id: PointId): Promise<Point | undefined> {
    const path = `${this.#path}/points/get`
    const { point } = await this.#client.ask<{ point: SentPoint | null }>('POST', path, { id })
    return point === null ? undefined : toPoint(point)
  }

  async *points(): AsyncGenerator<Point> {
    for await (const point of this.#client.lines<SentPoint>(`${this.#path}/points`)) {
      yield toPoint(point)
    }
  }

  async search(vector: unknown, options: SearchOptions = {}): Promise<Neighbour[]> {
    const { filter, ...rest } = options
    const values = vector instanceof Float32Array ? Array.from(vector) : vector
    const body = { ...rest, vector: values, ...(filter && { filter: toFilterJson(filter) }) }
    const path = `${this.#path}/search`
    return (await this.#client.ask<{ neighbours: Neighbour[] }>('POST', path, body)).neighbours
  }

  // what may take longer than an answer may be waited for is a job

  async checkpoint(): Promise<void> {
    const path = `${this.#path}/checkpoint`
    this.#lsn = (await runJob<{ lsn: number }>(this.#client, path)).lsn
  }

  // the client's signal cancels these

  compact(_signal?: AbortSignal): Promise<CompactionResult> {
    return runJob(this.#client, `${this.#path}/compact`)
  }

  reindex(index: IndexSettings): Promise<ReindexResult> {
    return runJob(this.#client, `${this.#path}/reindex`, index)
  }

  configure(change: (now: CollectionConfig) => CollectionConfig): Promise<ReindexResult> {
    return runJob(this.#client, `${this.#path}/config`, change(this.config))
  }
}

type SentPoint = Omit<Point, 'vector'> & { readonly vector: readonly number[] }

const toPoint = ({ vector, ...rest }: SentPoint): Point => ({
  ...rest,
  vector: Float32Array.from(vector),
})

/** What a float32 needs as a number of JSON, with its comma. */
const numberBytes = 25

/** Points as they are sent, in one request or several. */
function* inRequests(points: readonly PointInput[]): Generator<readonly object[]> {
  let sent: object[] = []
  let bytes = 0
  for (const { id, vector, metadata } of points) {
    const values = vector instanceof Float32Array ? Array.from(vector) : vector
    const length = Array.isArray(values) ? values.length : 0
    const more = numberBytes * length + (metadata ? JSON.stringify(metadata).length : 0)
    if (sent.length > 0 && bytes + more > limits.upsertRequestBytes) {
      yield sent
      sent = []
      bytes = 0
    }
    sent.push({ id, vector: values, ...(metadata !== undefined && { metadata }) })
    bytes += more
  }
  yield sent
}
