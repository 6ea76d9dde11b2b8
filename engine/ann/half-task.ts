/**
 * The worker's side of one half of a graph: hnswlib builds it over the points of the half, and each point
 * of the other half is then searched in it.
 */
import { buildGraphBytes } from './build-task.ts'
import { type BuiltHalf, type HalfTask, linksAcross, notFound } from './graph-build.ts'
import { countOfHalf, ordinalOf, otherHalf } from './halves.ts'
import type { NativeGraph } from './hnswlib.ts'
import { NativeRows } from './native-rows.ts'
import { rowsOf } from './vector-block.ts'

/** Searching is the last eighth of what {@link buildHalf} tells as progress. */
const searchShare = 8

/** Builds half a graph and looks around in it. `progress` is given the points done so far. */
export async function buildHalf(
  task: HalfTask,
  progress: (done: number) => void,
): Promise<BuiltHalf> {
  const { half, block } = task
  const count = countOfHalf(half, block.count)
  let across: Uint32Array = new Uint32Array()
  const graph = await buildGraphBytes(
    task,
    (added) => progress(added - Math.ceil(added / searchShare)),
    (native, goOn) => {
      const tell = (searched: number) =>
        progress(count - Math.ceil((count * (1 - searched)) / searchShare))
      across = searchAcross(task, native, tell, goOn)
    },
  )
  const shared = new Uint8Array(new SharedArrayBuffer(graph.length))
  shared.set(graph)
  return { graph: shared, across }
}

function searchAcross(
  { half, block, settings }: HalfTask,
  native: NativeGraph,
  progress: (share: number) => void,
  goOn: () => void,
): Uint32Array<SharedArrayBuffer> {
  const other = otherHalf(half)
  const width = linksAcross(settings.m)
  const count = countOfHalf(other, block.count)
  const wanted = Math.min(width, countOfHalf(half, block.count))
  const rows = new NativeRows(rowsOf(block), block.dimension, settings.metric)
  const query = new Array<number>(block.dimension).fill(0.5)
  const across = new Uint32Array(new SharedArrayBuffer(4 * width * count)).fill(notFound)
  const stride = Math.ceil(count / 100)
  native.setEf(width)
  for (let index = 0; index < count; index++) {
    goOn()
    rows.toArray(ordinalOf(other, index), query)
    const { neighbors } = native.searchKnn(query, wanted)
    for (let i = 0; i < neighbors.length; i++) {
      across[index * width + i] = ordinalOf(half, neighbors[i] ?? 0)
    }
    if ((index + 1) % stride === 0) progress((index + 1) / count)
  }
  return across
}
