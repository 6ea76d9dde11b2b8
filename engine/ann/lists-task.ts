/** The worker's side of building lists: train on a sample, then find each row's list. */
import { encodeLists } from '../format/lists-file.ts'
import type { ListsTask } from './build-lists.ts'
import { Centroids, sampleRows, trainCentroids } from './k-means.ts'
import { NativeRows } from './native-rows.ts'
import { rowsOf } from './vector-block.ts'

/**
 * Fewer points in a list on average make poor centroids and save nothing: a segment has as many lists
 * as this allows, or as were asked for. (The bound that Faiss warns below, `min_points_per_centroid`.)
 */
const leastPointsPerList = 39

/** Lists of a segment of `count` points when `asked` are asked for. */
export const listCount = (count: number, asked: number): number =>
  Math.max(1, Math.min(asked, Math.floor(count / leastPointsPerList)))

/** `progress` is given the number of points that have their place so far. */
export function buildListsBytes(
  { block, settings }: ListsTask,
  progress: (done: number) => void,
): Uint8Array<ArrayBuffer> {
  const { count, dimension } = block
  const { segment, metric, lists: asked, seed } = settings
  const rows = new NativeRows(rowsOf(block), dimension, metric)
  const lists = listCount(count, asked)
  const sample = sampleRows(count, lists, seed)
  const sampled = new Float32Array(sample.length * dimension)
  for (const [index, row] of sample.entries()) rows.put(row, sampled, index * dimension)
  const centroids = trainCentroids({
    rows: sampled,
    dimension,
    centroids: lists,
    spherical: metric === 'cosine',
    seed,
  })
  const places = placesOf(rows, count, new Centroids(centroids, dimension), progress)
  const settled = { segment, count, dimension, metric, lists: asked }
  return encodeLists({ centroids, ...gather(places, lists) }, settled)
}

/** The nearest centroid of each row. */
function placesOf(
  rows: NativeRows,
  count: number,
  centroids: Centroids,
  progress: (done: number) => void,
): Uint32Array {
  const places = new Uint32Array(count)
  const stride = Math.ceil(count / 100)
  for (let row = 0; row < count; row++) {
    places[row] = centroids.nearest(rows.row(row), 0).index
    if ((row + 1) % stride === 0) progress(row + 1)
  }
  if (count % stride !== 0) progress(count)
  return places
}

/** The rows of each list, rising, list after list. */
function gather(
  places: Uint32Array,
  lists: number,
): { starts: Uint32Array; ordinals: Uint32Array } {
  const starts = new Uint32Array(lists + 1)
  for (const place of places) starts[place + 1] = (starts[place + 1] ?? 0) + 1
  for (let list = 0; list < lists; list++) {
    starts[list + 1] = (starts[list + 1] ?? 0) + (starts[list] ?? 0)
  }
  const next = starts.slice(0, lists)
  const ordinals = new Uint32Array(places.length)
  for (const [ordinal, place] of places.entries()) {
    const at = next[place] ?? 0
    ordinals[at] = ordinal
    next[place] = at + 1
  }
  return { starts, ordinals }
}
