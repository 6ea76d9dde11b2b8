/**
 * The bundled engine as a target, embedded: a data directory on this machine.
 *
 * Each operation opens the data directory, which takes its lock, and closes it before it returns. So
 * a program that a step runs in between may open it too, and what is read is what lies on disk.
 */
import {
  type Clock,
  type Collection,
  type DataDirectory,
  type Disk,
  isOperatingError,
  parseMoment,
} from '../../engine/index.ts'
import {
  archiveOnce,
  createBackup,
  fileSource,
  gapError,
  importCollection,
  openDataDirectory,
  restoreSnapshot,
} from '../../engine/operations.ts'
import type { EmbeddedTarget } from '../plan/plan.ts'
import { capabilitiesOf } from './capabilities.ts'
import { toArchived, toBackedUp, toPosition, toRestored, toShape } from './engine-results.ts'
import { type Locate, plainLocation } from './locations.ts'
import { questionsIn, searchOf } from './search-collection.ts'
import type {
  Archived,
  BackedUp,
  Dropped,
  GoldenChoice,
  Imported,
  Measurement,
  Position,
  Switched,
  TargetAdapter,
  Work,
} from './target.ts'
import { Turns } from './turns.ts'

/** Ids in one write. */
const batchIds = 1_000

/** @param locate what opens a destination, by its URL */
export function vectraTarget(
  target: EmbeddedTarget,
  disk: Disk,
  clock: Clock,
  locate: Locate = plainLocation,
): TargetAdapter {
  const turns = new Turns()
  /** `create` makes a directory that is not there; the others fail then. */
  const within = async <T>(
    access: 'use' | 'create',
    work: Work,
    act: (directory: DataDirectory) => Promise<T>,
  ): Promise<T> => {
    const giveBack = await turns.take()
    try {
      work.signal.throwIfAborted()
      const directory = await openDataDirectory(target.path, {
        disk,
        clock,
        create: access === 'create',
        progress: work.progress,
        onWarning: work.remark,
        compaction: 'manual', // a step ends before a merge would
      })
      try {
        return await act(directory)
      } finally {
        await directory.close()
      }
    } finally {
      giveBack()
    }
  }
  const watch = ({ signal, progress }: Work) => ({ disk, clock, signal, progress })

  return {
    kind: target.kind,
    name: target.name,
    capabilities: capabilitiesOf(target),

    position: (name, work) =>
      within('use', work, async (directory) => positionOf(await directory.open(name), clock)),

    importFile: (request, work) =>
      within('create', work, async (directory): Promise<Imported> => {
        const { collection: name, file, metadata, format, dimension, ...config } = request
        const before = directory.has(name) ? positionOf(await directory.open(name), clock) : null
        await work.found?.({ at: clock.nowMs(), before })
        const result = await importCollection(directory, {
          ...watch(work),
          name,
          source: await fileSource(disk, file),
          ...(metadata !== undefined && { metadata: await fileSource(disk, metadata) }),
          format,
          dimension,
          config,
        })
        for (const each of result.remarks) work.remark(each)
        const { collection, created, points, bytes } = result
        const { count, digest } = collection
        return { created, points, bytes, count, digest, position: positionOf(collection, clock) }
      }),

    backup: (request, work) =>
      within('use', work, async (directory): Promise<BackedUp> => {
        const collection = await directory.open(request.collection)
        const { snapshotId, mode, golden, embedding, destination } = request
        const result = await createBackup(collection, {
          ...watch(work),
          destination: await locate(destination, work.signal),
          snapshotId,
          mode,
          golden: await goldenOf(golden, collection, disk),
          ...(embedding && { provenance: { embedding: { ...embedding } } }),
        })
        return toBackedUp(result, destination)
      }),

    archive: (request, work) =>
      within('use', work, async (directory): Promise<Archived> => {
        const collection = await directory.open(request.collection)
        const result = await archiveOnce(collection, {
          ...watch(work),
          destination: await locate(request.destination, work.signal),
        })
        for (const each of result.remarks) work.remark(each)
        return toArchived(result, gapError)
      }),

    restore: (request, work) =>
      within('create', work, async (directory) => {
        const { collection, sources, snapshotId, at, as, replace, reindex } = request
        const before =
          replace && directory.has(as) ? await positionIfReadable(directory, as, clock, work) : null
        const result = await restoreSnapshot(directory, {
          ...watch(work),
          collection,
          source: await Promise.all(sources.map((url) => locate(url, work.signal))),
          ...(snapshotId !== undefined && { snapshotId }),
          ...(at !== undefined && { at: parseMoment(at) }),
          newName: as,
          replace,
          reindex,
          onChosen: async ({ uuid, epoch, lsn, asOfAt, count, digest, bytes, ...from }) =>
            work.found?.({
              at: clock.nowMs(),
              ...(before !== undefined && { before }),
              chosen: {
                ...from,
                recoveryPoint: { uuid, history: epoch.history, lsn },
                takenAt: Date.parse(asOfAt),
                count,
                ...(at === undefined && { digest }),
                bytes,
              },
            }),
        })
        for (const each of result.remarks) work.remark(each)
        return toRestored(result)
      }),

    async drop(name, ifExists, work): Promise<Dropped> {
      try {
        return await within('use', work, async (directory) => {
          if (ifExists && !directory.has(name)) return { dropped: false, at: clock.nowMs() }
          const before = await positionIfReadable(directory, name, clock, work)
          await work.found?.({ at: clock.nowMs(), ...(before && { before }) })
          const at = clock.nowMs()
          const dropped = await directory.drop(name, { ifExists })
          return { dropped, ...(before && { before }), at }
        })
      } catch (error) {
        // no data directory, no collection
        if (!ifExists || !isOperatingError(error, 'file-not-found')) throw error
        return { dropped: false, at: clock.nowMs() }
      }
    },

    measure: (request, work) =>
      within('use', work, async (directory): Promise<Measurement> => {
        const collection = await directory.open(request.collection)
        const position = positionOf(collection, clock)
        const digest = request.digest ? await collection.proveDigest(work.signal) : undefined
        const contentKnownAt = clock.nowMs()
        return {
          position,
          shape: toShape(collection),
          ...(digest !== undefined && { digest }),
          contentKnownAt,
          ...(request.search && {
            search: await searchOf(collection, request, { disk, clock }, work),
          }),
        }
      }),

    async writeAlong(request, work) {
      const { collection: name, point, acknowledged, keepOpen } = request
      let next = 0
      let uuid: string | undefined
      const writeOne = async (collection: Collection): Promise<Position> => {
        await collection.upsert([point(next, collection.config.dimension)])
        next += 1
        return positionOf(collection, clock)
      }
      for (;;) {
        const written = await within('use', work, async (directory) => {
          if (!directory.has(name)) return undefined
          const collection = await directory.open(name)
          uuid ??= collection.uuid
          if (uuid !== collection.uuid) return undefined
          let position = await writeOne(collection)
          while (keepOpen && !turns.isWanted) {
            if ((await acknowledged(next - 1, position)) === 'end') return undefined
            position = await writeOne(collection)
          }
          return position
        })
        if (written === undefined) return
        if ((await acknowledged(next - 1, written)) === 'end') return
      }
    },

    missing: (name, ids, work) =>
      within('use', work, async (directory) => {
        const collection = await directory.open(name)
        const lost: string[] = []
        for (const id of ids) {
          work.signal.throwIfAborted()
          if ((await collection.get(id)) === undefined) lost.push(id)
        }
        return lost
      }),

    deletePoints: (name, ids, work) =>
      within('use', work, async (directory) => {
        const collection = await directory.open(name)
        for (let from = 0; from < ids.length; from += batchIds) {
          work.signal.throwIfAborted()
          await collection.delete(ids.slice(from, from + batchIds))
        }
      }),

    switchAlias: (request, work) =>
      within('use', work, async (directory): Promise<Switched> => {
        const { alias, collection } = request
        const before = meaningOf(directory, alias)
        if (request.while !== undefined && request.while !== before) {
          return { switched: false, before }
        }
        await work.found?.({ at: clock.nowMs(), meant: before })
        if (collection !== null) await directory.aliases.set(alias, collection)
        else if (before !== null) await directory.aliases.delete(alias)
        return { switched: true, before }
      }),

    meaning: (alias, work) => within('use', work, async (directory) => meaningOf(directory, alias)),
  }
}

const goldenOf = async ({ file, ...golden }: GoldenChoice, collection: Collection, disk: Disk) =>
  file === undefined
    ? golden
    : { k: golden.k, questions: await questionsIn(file, collection, disk) }

const meaningOf = ({ aliases }: DataDirectory, alias: string): string | null =>
  aliases.list().find((each) => each.alias === alias)?.collection ?? null

const positionOf = (collection: Collection, clock: Clock): Position =>
  toPosition(collection.describe(), clock.nowMs())

/** A collection that is too damaged to open can still be dropped or replaced. */
async function positionIfReadable(
  directory: DataDirectory,
  name: string,
  clock: Clock,
  work: Work,
): Promise<Position | undefined> {
  try {
    return positionOf(await directory.open(name), clock)
  } catch (error) {
    if (!isOperatingError(error) || error.code === 'collection-not-found') throw error
    work.remark(`${name} cannot be opened as it is: ${error.message}`)
    return undefined
  }
}
