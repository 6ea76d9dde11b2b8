/** Repositories through the engine that defines their format. */
import {
  type Clock,
  type Disk,
  fail,
  listSnapshots,
  readSnapshot,
  verifyRepository,
} from '../../engine/index.ts'
import { type Locate, plainLocation } from './locations.ts'
import type { Repositories } from './repositories.ts'

/** @param locate what opens a repository, by its URL */
export const engineRepositories = (
  disk: Disk,
  clock: Clock,
  locate: Locate = plainLocation,
): Repositories => ({
  async verify(request, { signal, progress, remark }) {
    const result = await verifyRepository({
      ...request,
      source: await locate(request.source, signal),
      disk,
      clock,
      signal,
      progress,
      onWarning: remark,
    })
    return {
      snapshots: result.snapshots.map(({ collection, snapshotId, ok, lsn, digest }) => ({
        collection,
        snapshotId,
        ok,
        lsn,
        digest,
      })),
      objects: result.objects.checked,
      bytes: result.objects.checkedBytes,
      damage: result.damage.map(({ problem }) => problem),
    }
  },

  async latest(url, collection) {
    const source = await locate(url)
    // by collection, then oldest first
    const newest = (await listSnapshots({ source, collection, disk })).snapshots.at(-1)
    return (
      newest?.snapshotId ??
      fail(
        'snapshot-not-found',
        `there is no snapshot of ${collection} in ${url}`,
        'Back the collection up first, or name another destination.',
      )
    )
  },

  async expectation(url, collection, snapshotId) {
    const source = await locate(url)
    const { manifest } = await readSnapshot({ source, collection, snapshotId, disk })
    const { lsn, count, digest, config, aliases, golden } = manifest
    return {
      snapshotId,
      source: url,
      lsn,
      count,
      digest,
      shape: {
        dimension: config.dimension,
        metric: config.metric,
        index: { ...config.index },
        aliases,
      },
      ...(golden.queries.length > 0 && { golden: { k: golden.k, queries: golden.queries } }),
    }
  },
})
