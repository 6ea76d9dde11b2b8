/**
 * Recall and latency from an earlier snapshot.
 *
 * Measuring them searches the source with its graphs. On a collection that nobody has searched yet that
 * would read every vector and every graph, so that the smallest backup would cost as much as a full one;
 * on one that serves searches they would wait for it, every few minutes. So an incremental backup states an
 * earlier measurement again, under the name of the snapshot that made it, as long as it is of nearly the
 * same vectors under the same settings. It is never stated as a new one, and a full backup always measures.
 */
import { canonicalJson } from '../base/canonical-json.ts'
import type { PinnedState } from '../collection/pinned-state.ts'
import { newestSnapshot } from '../repository/read-snapshots.ts'
import type { StoredSnapshot } from '../repository/repository.ts'
import type { SnapshotManifest } from '../repository/snapshot-manifest.ts'
import type { MeasuredRecall } from './golden.ts'

/** Share of the vectors now that the measurement must have been of, and of its points that live on. */
const sharedLeast = 0.9

/**
 * What the newest of `earlier` states as measured, when that holds for `state` too.
 * @param earlier snapshots of the same history
 */
export function carriedRecall(
  state: Pick<PinnedState, 'config' | 'count' | 'files'>,
  { k }: { readonly k: number },
  earlier: readonly StoredSnapshot[],
): MeasuredRecall | undefined {
  const id = newestSnapshot(earlier)?.manifest.golden.measuredIn
  const measured = earlier.find(({ manifest }) => manifest.id === id)?.manifest
  if (measured === undefined) return undefined
  const { golden, config, count } = measured
  const { recall, latencyMs, measuredIn } = golden
  const comparable =
    measuredIn === measured.id &&
    recall !== null &&
    golden.k === k &&
    canonicalJson(config) === canonicalJson(state.config) &&
    state.count >= sharedLeast * count &&
    sharedVectors(state, measured) >= sharedLeast
  return comparable ? { recall, latencyMs, measuredIn } : undefined
}

/** The share of the bytes of vectors now, those still in the log too, that were there then. */
function sharedVectors(
  { files }: Pick<PinnedState, 'files'>,
  { files: before }: SnapshotManifest,
): number {
  const known = new Set(before.filter(isVectors).map(({ pieces }) => namesOf(pieces)))
  let all = 0
  let shared = 0
  for (const file of files) {
    if (!isVectors(file) && !file.path.startsWith('wal/')) continue
    all += file.sizeBytes
    if (isVectors(file) && known.has(file.pieces?.join() ?? '')) shared += file.sizeBytes
  }
  return all === 0 ? 0 : shared / all
}

const isVectors = ({ path }: { readonly path: string }): boolean => path.endsWith('.vectors')

const namesOf = (pieces: readonly { readonly sha256: string }[]): string =>
  pieces.map(({ sha256 }) => sha256).join()
