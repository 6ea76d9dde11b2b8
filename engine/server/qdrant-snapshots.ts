/**
 * Snapshots of a collection in Qdrant's shapes: backups in the repository that the server keeps for them,
 * by default `snapshots` in the data directory. They stand on the disk of what they are copies of; what
 * survives a disaster is a backup somewhere else.
 */
import { basename, join } from 'node:path'
import { createBackup } from '../backup/create.ts'
import { listSnapshots, readSnapshot, type SnapshotSummary } from '../backup/list.ts'
import { restoreSnapshot } from '../backup/restore.ts'
import { isOperatingError } from '../base/errors.ts'
import { forgetSnapshots } from '../retention/forget.ts'
import { closed, count, flag, listOf, qdrantRoute, text } from './qdrant-shapes.ts'
import type { Route, RouteRequest, Served } from './route.ts'

const description = closed({ name: text, creation_time: text, size: count })

/** Where the snapshots of a data directory stand unless somebody says otherwise. */
export const snapshotsOf = (data: string): string => join(data, 'snapshots')

/** See the head of this file. */
export function qdrantSnapshots(served: Served): Route[] {
  const { directory, disk, clock, timer, snapshots: source } = served
  const base = '/collections/:name/snapshots'
  const query = { wait: 'answered when it is done, whatever this says' }
  const world = ({ signal }: RouteRequest) => ({ disk, clock, timer, signal })
  const nameOf = ({ params: { name = '' } }: RouteRequest) => directory.aliases.resolve(name)
  return [
    qdrantRoute(
      served,
      {
        method: 'POST',
        path: base,
        query,
        summary: 'Takes a snapshot of a collection into the repository of the server.',
        answer: description,
      },
      async (request) => {
        const collection = await directory.open(nameOf(request))
        const now = new Date(clock.nowMs()).toISOString()
        const snapshotId = `snapshot-${now.replace(/[^0-9]+/g, '-').replace(/-$/, '')}`
        await createBackup(collection, { destination: source, snapshotId, ...world(request) })
        const named = { collection: collection.name, snapshotId }
        const { manifest } = await readSnapshot({ source, ...named, disk })
        const { createdAt, sizes } = manifest
        return toDescription({ snapshotId, createdAt, totalBytes: sizes.totalBytes })
      },
    ),
    qdrantRoute(
      served,
      {
        method: 'GET',
        path: base,
        summary: 'Snapshots of a collection, oldest first.',
        answer: listOf(description),
      },
      async (request) => {
        const { name } = await directory.open(nameOf(request))
        try {
          const found = await listSnapshots({ source, collection: name, ...world(request) })
          return found.snapshots.map(toDescription)
        } catch (error) {
          // the first snapshot makes the repository
          if (isOperatingError(error, 'repository-not-found')) return []
          throw error
        }
      },
    ),
    qdrantRoute(
      served,
      {
        method: 'DELETE',
        path: `${base}/:snapshot`,
        query,
        summary: 'Forgets a snapshot, unless it is the last one; a prune frees its room.',
        answer: flag,
      },
      async (request) => {
        const { snapshot = '' } = request.params
        const named = { collection: nameOf(request), snapshotIds: [snapshot] }
        // somebody named it: what looks wrong elsewhere is no reason to keep it
        await forgetSnapshots({ repository: source, ...named, force: true, ...world(request) })
        return true
      },
    ),
    qdrantRoute(
      served,
      {
        method: 'PUT',
        path: `${base}/recover`,
        query,
        summary: 'Puts the collection back as a snapshot of the server has it, proven before.',
        body: closed({ location: text, priority: { ...text, description: 'without effect' } }, [
          'location',
        ]),
        answer: flag,
        writes: true,
      },
      async (request) => {
        const { location } = request.body as { location: string } // checked against the schema
        const collection = nameOf(request)
        const snapshotId = basename(location)
        const options = { source, collection, snapshotId, replace: true, ...world(request) }
        await restoreSnapshot(directory, options)
        return true
      },
    ),
  ]
}

const toDescription = ({
  snapshotId,
  createdAt,
  totalBytes,
}: Pick<SnapshotSummary, 'snapshotId' | 'createdAt' | 'totalBytes'>) => ({
  name: snapshotId,
  creation_time: withoutZone(createdAt),
  size: totalBytes,
})

/** Qdrant writes UTC without saying so. */
const withoutZone = (instant: string): string => instant.replace(/Z$/, '')
