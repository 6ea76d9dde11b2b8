/**
 * The bundled engine as a target, served: everything is asked of the server, which has the data directory.
 *
 * Long work is a job over there, watched from here; when whoever waits stops, the job is cancelled, and waited
 * for until it has undone what it began. Paths of destinations mean the server's machine. What an operation
 * found before it changed something is told before the server is asked, not under its lock.
 */
import {
  type ArchiveResult,
  type BackupResult,
  type Clock,
  type CollectionDescription,
  type Disk,
  isOperatingError,
  type RestoreResult,
  type TruthResult,
  type WireLocation,
} from '../../engine/index.ts'
import {
  fileSource,
  gapError,
  importCollection,
  RemoteCollection,
  RemoteDirectory,
  readGoldenFile,
  runJob,
  VectraClient,
} from '../../engine/operations.ts'
import type { ServedTarget } from '../plan/plan.ts'
import { capabilitiesOf } from './capabilities.ts'
import { toArchived, toBackedUp, toPosition, toRestored, toShape } from './engine-results.ts'
import type { GoldenQuery } from './expectation.ts'
import { measureSearch } from './measure-search.ts'
import { servedStandby } from './served-standby.ts'
import type {
  GoldenChoice,
  Imported,
  Measurement,
  MeasureRequest,
  Position,
  SearchMeasurement,
  Switched,
  TargetAdapter,
  Work,
} from './target.ts'

/** Ids in one write. */
const batchIds = 1_000

const v1 = '/vectra/v1'

/** @param wire what a server opens a destination with, by its URL */
export function servedTarget(
  target: ServedTarget,
  disk: Disk,
  clock: Clock,
  wire: (url: string, signal?: AbortSignal) => Promise<WireLocation>,
): TargetAdapter {
  const endpoint = target.url
  const token = target.token?.reveal()
  const clientOf = ({ signal }: Pick<Work, 'signal'>) =>
    new VectraClient({ endpoint, token, signal })
  /** Asks for what is short, and would leave something behind by half. */
  const steady = new VectraClient({ endpoint, token })

  const describe = (name: string, work: Work): Promise<CollectionDescription> =>
    clientOf(work).ask('GET', `${v1}/collections/${encodeURIComponent(name)}`)
  const position = async (name: string, work: Work): Promise<Position> =>
    toPosition(await describe(name, work), clock.nowMs())

  /** A job over there, to its end. @throws what it failed with; the signal's reason, once it is cancelled */
  const job = <Result>(kind: string, request: object, work: Work): Promise<Result> =>
    runJob(clientOf(work), `${v1}/${kind}`, request, {
      progress: work.progress,
      warn: (sentence) => work.remark(sentence),
    })

  const questionsIn = async (file: string, name: string, work: Work) => {
    const { config } = await describe(name, work)
    const questions = await readGoldenFile(await fileSource(disk, file), config)
    return questions.map(({ id, vector }) => ({ id, vector: Array.from(vector) }))
  }

  const truth = async (
    name: string,
    { file, sample, k }: GoldenChoice,
    work: Work,
  ): Promise<GoldenQuery[]> => {
    const own = file === undefined ? undefined : await questionsIn(file, name, work)
    const request = { collection: name, k, ...(own ? { questions: own } : { sample }) }
    const { queries } = await job<TruthResult>('truth', request, work)
    return queries.map((query, index) => {
      const vector = own?.[index]?.vector
      return { ...query, ...(vector && { vector: Float32Array.from(vector) }) }
    })
  }

  const searchOf = async (
    collection: RemoteCollection,
    { expectation, golden }: MeasureRequest,
    work: Work,
  ): Promise<SearchMeasurement> => {
    const recorded = expectation?.golden
    const k = recorded?.k ?? golden.k
    return measureSearch(
      {
        truth: recorded === undefined ? 'exact search' : 'snapshot',
        k,
        queries: recorded?.queries ?? (await truth(collection.name, golden, work)),
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

  /** Where the collection of that name stands; absent when it cannot be opened, null when there is none. */
  const before = async (name: string, work: Work): Promise<{ before?: Position | null }> => {
    try {
      return { before: await position(name, work) }
    } catch (error) {
      if (isOperatingError(error, 'collection-not-found')) return { before: null }
      if (!isOperatingError(error, 'damaged', 'missing-file')) throw error
      work.remark(`${name} cannot be opened as it is: ${error.message}`)
      return {}
    }
  }

  return {
    kind: target.kind,
    name: target.name,
    capabilities: capabilitiesOf(target),
    standby: servedStandby(clientOf, wire),
    position,

    async importFile(request, work): Promise<Imported> {
      const { collection: name, file, metadata, format, dimension, ...config } = request
      const directory = await RemoteDirectory.open(clientOf(work))
      await work.found?.({ at: clock.nowMs(), ...(await before(name, work)) })
      const { created, points, bytes, remarks } = await importCollection(directory, {
        ...{ disk, clock, name, format, dimension, config },
        signal: work.signal,
        progress: work.progress,
        source: await fileSource(disk, file),
        ...(metadata !== undefined && { metadata: await fileSource(disk, metadata) }),
      })
      for (const each of remarks) work.remark(each)
      const after = await describe(name, work)
      const { count, digest } = after
      return { created, points, bytes, count, digest, position: toPosition(after, clock.nowMs()) }
    },

    async backup({ collection, destination, snapshotId, mode, golden, embedding }, work) {
      const { file, sample, k } = golden
      const request = {
        ...{ collection, snapshotId, mode, goldenK: k },
        destination: await wire(destination, work.signal),
        ...(file === undefined
          ? { goldenSample: sample }
          : { questions: await questionsIn(file, collection, work) }),
        ...(embedding && { embedding }),
      }
      return toBackedUp(await job<BackupResult>('backup', request, work), destination)
    },

    async archive({ collection, destination }, work) {
      const request = { collection, destination: await wire(destination, work.signal) }
      const result = await job<ArchiveResult>('archive', request, work)
      for (const each of result.remarks) work.remark(each)
      return toArchived(result, gapError)
    },

    async restore({ sources, as, ...rest }, work) {
      const found = rest.replace ? await before(as, work) : { before: null }
      await work.found?.({ at: clock.nowMs(), ...found })
      const request = {
        ...rest,
        newName: as,
        sources: await Promise.all(sources.map((url) => wire(url, work.signal))),
      }
      const result = await job<RestoreResult>('restore', request, work)
      for (const each of result.remarks) work.remark(each)
      return toRestored(result)
    },

    async drop(name, ifExists, work) {
      const found = await before(name, work)
      if (ifExists && found.before === null) return { dropped: false, at: clock.nowMs() }
      await work.found?.({ at: clock.nowMs(), ...found })
      const at = clock.nowMs()
      const path = `${v1}/collections/${encodeURIComponent(name)}?ifExists=${ifExists}`
      const { dropped } = await steady.ask<{ dropped: boolean }>('DELETE', path)
      return { dropped, ...(found.before && { before: found.before }), at }
    },

    async measure(request, work): Promise<Measurement> {
      const { collection: name } = request
      const proof = request.digest
        ? await job<{ digest: string; collection: CollectionDescription }>(
            'prove',
            { collection: name },
            work,
          )
        : undefined
      const described = proof?.collection ?? (await describe(name, work))
      const contentKnownAt = clock.nowMs()
      const collection = await RemoteCollection.open(clientOf(work), name)
      return {
        position: toPosition(described, contentKnownAt),
        shape: toShape(described),
        ...(proof && { digest: proof.digest }),
        contentKnownAt,
        ...(request.search && { search: await searchOf(collection, request, work) }),
      }
    },

    async writeAlong({ collection: name, point, acknowledged }, work) {
      let uuid: string | undefined
      for (let next = 0; ; next++) {
        const written = await writeOne(next).catch((error: unknown) => {
          // what was written along with is gone, or its server is: that is what is waited for
          if (next === 0 || !isOperatingError(error, 'collection-not-found', 'unreachable'))
            throw error
          work.remark(`writing along with ${name} ended: ${error.message}`)
          return undefined
        })
        if (written === undefined) return
        if ((await acknowledged(next, written)) === 'end') return
      }

      async function writeOne(number: number): Promise<Position | undefined> {
        const collection = await RemoteCollection.open(clientOf(work), name)
        uuid ??= collection.uuid
        if (uuid !== collection.uuid) return undefined
        await collection.upsert([point(number, collection.config.dimension)])
        return position(name, work)
      }
    },

    async missing(name, ids, work) {
      const collection = await RemoteCollection.open(clientOf(work), name)
      const lost: string[] = []
      for (const id of ids) {
        if ((await collection.get(id)) === undefined) lost.push(id)
      }
      return lost
    },

    async deletePoints(name, ids, work) {
      const collection = await RemoteCollection.open(clientOf(work), name)
      for (let from = 0; from < ids.length; from += batchIds) {
        await collection.delete(ids.slice(from, from + batchIds))
      }
    },

    async switchAlias(request, work): Promise<Switched> {
      const { alias, collection } = request
      const meant = await meaningOf(alias, work)
      if (request.while !== undefined && request.while !== meant) {
        return { switched: false, before: meant }
      }
      await work.found?.({ at: clock.nowMs(), meant })
      const { aliases } = await RemoteDirectory.open(steady)
      if (collection !== null) await aliases.set(alias, collection)
      else if (meant !== null) await aliases.delete(alias)
      return { switched: true, before: meant }
    },

    meaning: (alias, work) => meaningOf(alias, work),
  }

  async function meaningOf(alias: string, work: Work): Promise<string | null> {
    const { aliases } = await RemoteDirectory.open(clientOf(work))
    return aliases.list().find((each) => each.alias === alias)?.collection ?? null
  }
}
