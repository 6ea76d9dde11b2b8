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
import {
  encodeVector,
  type GoldenQuery,
  type SnapshotManifest,
} from '../repository/snapshot-manifest.ts'
import type { CheckedRequest, MeasuredRecall, OwnQuestion } from './golden.ts'

/** Share of the vectors now that the measurement must have been of, and of its points that live on. */
const sharedLeast = 0.9

/**
 * What the newest of `earlier` states as measured, when that holds for `state` too.
 * @param earlier snapshots of the same history
 */
export function carriedRecall(
  state: Pick<PinnedState, 'config' | 'count' | 'files'>,
  { k, questions }: CheckedRequest,
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
    sameQuestions(golden.queries, questions) &&
    canonicalJson(config) === canonicalJson(state.config) &&
    state.count >= sharedLeast * count &&
    sharedVectors(state, measured) >= sharedLeast
  return comparable ? { recall, latencyMs, measuredIn } : undefined
}

/** Samples stand for each other; questions of the user's own do not. */
function sameQuestions(
  measured: readonly GoldenQuery[],
  questions: readonly OwnQuestion[] | undefined,
): boolean {
  if (questions === undefined) return measured.every(({ vector }) => vector === undefined)
  return (
    measured.length === questions.length &&
    questions.every(({ id, vector }, index) => {
      const each = measured[index]
      return each?.id === id && each.vector === encodeVector(vector)
    })
  )
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
