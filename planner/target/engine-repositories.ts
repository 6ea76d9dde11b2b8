/** Repositories through the engine that defines their format. */
import {
  type Clock,
  type Disk,
  fail,
  fromSerialised,
  isOperatingError,
  type VerifyResult,
} from '../../engine/index.ts'
import {
  copyError,
  copySnapshots,
  decodeVector,
  forgetSnapshots,
  listSnapshots,
  pruneRepository,
  readSnapshot,
  verifyRepository,
} from '../../engine/operations.ts'
import { type Locate, plainLocation } from './locations.ts'
import { pathInside } from './path-inside.ts'
import type { Repositories, VerifiedLog } from './repositories.ts'

const readShareOf = ({ read, all }: { readonly read: number; readonly all: number }): number =>
  all === 0 ? 1 : read / all

const verifiedLog = ({ archive, damage }: VerifyResult): VerifiedLog => ({
  ranges: archive.ranges.map(({ uuid, epoch: { history }, firstLsn, lastLsn }) => ({
    ...{ uuid, history, firstLsn, lastLsn },
  })),
  damaged: [
    ...new Set(
      damage
        .filter(({ kind }) => kind === 'archive' || kind === 'archive-gap')
        .flatMap(({ key }) => /^wal\/([^/]+)\//.exec(key)?.[1] ?? []),
    ),
  ],
})

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
      ...(request.snapshotId === undefined && { log: verifiedLog(result) }),
      damage: result.damage.map(({ problem }) => problem),
      ...(result.sample && {
        sample: { readShare: readShareOf(result.sample.bytes), seed: result.sample.seed },
      }),
    }
  },

  async prune({ url, keep, collection, timezone }, { signal, progress, remark }) {
    const world = { repository: await locate(url, signal), disk, clock, signal }
    const forgotten = await forgetSnapshots({
      ...world,
      ...(collection !== undefined && { collection }),
      rules: keep,
      timezone,
    })
    for (const each of forgotten.remarks) remark(each)
    const pruned = await pruneRepository({ ...world, progress })
    for (const each of pruned.remarks) remark(each)
    const refused = forgotten.refused ?? pruned.refused[0]?.error
    return {
      snapshots: forgotten.snapshots,
      objects: pruned.removed.count,
      bytes: pruned.removed.bytes,
      locked: pruned.locked.length,
      ...(refused && { error: fromSerialised(refused) }),
    }
  },

  async copy({ from, to, collection, snapshotId }, { signal, progress }) {
    const result = await copySnapshots({
      from: await locate(from, signal),
      to: await locate(to, signal),
      ...(collection !== undefined && { collection }),
      ...(snapshotId !== undefined && { snapshotIds: [snapshotId] }),
      disk,
      clock,
      signal,
      progress,
    })
    const { objects, archive } = result
    return {
      snapshots: result.snapshots.map((each) => ({
        collection: each.collection,
        snapshotId: each.snapshotId,
        outcome: each.outcome,
        path: `snapshots/${each.collection}/${each.snapshotId}.json`,
        manifestSha256: each.manifestSha256,
        bytes: each.copiedBytes,
        readShare: each.readShare,
      })),
      objects: objects.copied.objects,
      bytes: objects.copied.bytes,
      archived: archive.copied,
      ...(!result.ok && { error: copyError(result) }),
    }
  },

  async since(url, { collection, since }) {
    const source = await locate(url)
    const { snapshots } = await listSnapshots({ source, collection, disk })
    return snapshots
      .filter(({ createdAt }) => Date.parse(createdAt) >= since)
      .map(({ snapshotId }) => snapshotId)
  },

  async holding(url) {
    try {
      const { snapshots, ranges } = await listSnapshots({ source: await locate(url), disk })
      return {
        snapshots: snapshots.map(({ collection, snapshotId, uuid, epoch, lsn, asOfAt }) => ({
          ...{ collection, snapshotId, uuid, lsn },
          history: epoch.history,
          asOfAt: Date.parse(asOfAt),
        })),
        reaches: ranges.map(({ uuid, epoch, lastLsn }) => ({
          ...{ uuid, history: epoch.history, lsn: lastLsn },
        })),
      }
    } catch (error) {
      if (!isOperatingError(error, 'repository-not-found')) throw error
      return { snapshots: [], reaches: [] }
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

  async backup(url, collection, snapshotId) {
    const source = await locate(url)
    const stored = await readSnapshot({ source, collection, snapshotId, disk }).catch(
      (error: unknown) => {
        if (isOperatingError(error, 'snapshot-not-found', 'repository-not-found')) return undefined
        throw error
      },
    )
    if (stored === undefined) return undefined
    const { manifest, path, sha256 } = stored
    const { lsn, count, digest, sizes, epoch, committedAtUs } = manifest
    return {
      ...{ snapshotId, lsn, count, digest },
      position: {
        uuid: manifest.collection.uuid,
        epoch,
        lsn,
        ...(committedAtUs > 0 && { committedAt: Math.floor(committedAtUs / 1_000) }),
        count,
        observedAt: Date.parse(manifest.asOfAt),
      },
      manifest: { path: pathInside(url, path), sha256 },
      storedBytes: sizes.addedBytes,
      totalBytes: sizes.totalBytes,
      createdAt: Date.parse(manifest.createdAt),
    }
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
      ...(golden.queries.length > 0 && {
        golden: {
          k: golden.k,
          queries: golden.queries.map(({ vector, ...query }) => ({
            ...query,
            ...(vector !== undefined && { vector: decodeVector(vector) }),
          })),
        },
      }),
    }
  },
})
