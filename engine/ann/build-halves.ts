/**
 * Building a large graph in two halves: hnswlib builds a graph on one thread, and two threads are nearly
 * twice as fast.
 *
 * 1. *Halves*: each has a graph of its own, in which each point of the other half is searched (half-task.ts).
 * 2. *Join*: the links of a point are its own and those across, both ways, or the best of them where it
 *    has room for fewer (join-task.ts).
 *
 * None of it depends on threads or on time: the same points give the same bytes. A half is built with a
 * smaller beam than a whole graph, because half of a point's neighbours are found across; an equal beam of
 * a search finds no less in the result than in a graph that hnswlib built by itself.
 */
import type { GraphSettings } from '../format/graph-file.ts'
import type { Build, BuiltHalf, FinishTask, HalfTask, Halves, JoinTask } from './graph-build.ts'
import { countOfHalf, type Half } from './halves.ts'
import { withScratchFile } from './scratch-file.ts'

/** The beam that a half is built with, of the one for a whole graph. */
const halfBeam = (efConstruction: number): number => Math.ceil((efConstruction * 3) / 4)

/** Points whose links one thread joins at least: each one reads all that was found across first. */
const leastShare = 2_000

/** Builds the graph of at least two points. `giveUp` stops the tasks that run, when one of them failed. */
export async function buildHalves(build: Build, giveUp: () => void): Promise<Uint8Array> {
  const { block, settings, stop, run, progress } = build
  const { count } = block
  const done = [0, 0]
  const half = (which: Half) =>
    buildHalf(build, which, (points) => {
      done[which] = points
      progress((done[0] ?? 0) + (done[1] ?? 0))
    })
  const [first, second] = await all([half(0), half(1)], giveUp)
  if (first === undefined || second === undefined) throw new Error('two halves')
  const halves: Halves = {
    built: [first, second],
    settings: [settingsOf(build, 0), settingsOf(build, 1)],
  }
  // soon: a graph that is nearly done goes before others that are not begun
  const share = Math.max(leastShare, Math.ceil(count / build.threads))
  const joins: Promise<Uint32Array>[] = []
  for (let from = 0; from < count; from += share) {
    const task: JoinTask = { halves, block, from, to: Math.min(count, from + share), stop }
    joins.push(run<Uint32Array>('join-links', task, { rank: 'soon' }))
  }
  const level0 = await all(joins, giveUp)
  const { segment, metric, m, efConstruction } = settings
  const joined = { segment, count, dimension: block.dimension, metric, m, efConstruction }
  const task: FinishTask = { halves, settings: joined, level0 }
  const bytes = await run<Uint8Array>('finish-join', task, { rank: 'soon' })
  progress(count)
  return bytes
}

function buildHalf(
  { block, settings, scratchDirectory, stop, run }: Build,
  half: Half,
  progress: (done: number) => void,
): Promise<BuiltHalf> {
  return withScratchFile(scratchDirectory, (scratchFile) => {
    const efConstruction = halfBeam(settings.efConstruction)
    const seed = (settings.seed + half) >>> 0
    const task: HalfTask = {
      block,
      half,
      settings: { ...settings, efConstruction, seed },
      scratchFile,
      stop,
    }
    // the worker posts the number of its points that are done
    return run<BuiltHalf>('build-half', task, {
      endsItself: true,
      onProgress: (done) => progress(done as number),
    })
  })
}

function settingsOf({ block, settings }: Build, half: Half): GraphSettings {
  const { segment, metric, m } = settings
  const efConstruction = halfBeam(settings.efConstruction)
  const { dimension } = block
  return { segment, count: countOfHalf(half, block.count), dimension, metric, m, efConstruction }
}

/** Waits for all tasks also when one fails, which stops the others. @throws what failed first */
async function all<Result>(
  tasks: readonly Promise<Result>[],
  giveUp: () => void,
): Promise<Result[]> {
  try {
    return await Promise.all(tasks)
  } catch (error) {
    giveUp()
    await Promise.allSettled(tasks)
    throw error
  }
}
