import { execFile } from 'node:child_process'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AnnThreads } from '../../../engine/ann/ann-threads.ts'
import { buildGraph } from '../../../engine/ann/build-graph.ts'
import { loadGraph } from '../../../engine/ann/load-graph.ts'
import { copyToBlock } from '../../../engine/ann/vector-block.ts'
import { isOperatingError } from '../../../engine/base/errors.ts'
import { decodeGraph } from '../../../engine/format/graph-check.ts'
import { clusteredVectors } from '../../support/clustered-vectors.ts'
import { copyGraph, forgeGraph } from '../../support/graphs.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { suiteDirectory, temporaryDirectory } from '../../support/temporary-directory.ts'
import { forgedFixture } from './forged-fixture.ts'

const { shape, settings, seed } = forgedFixture
const { count, dimension } = shape
const expected = { ...settings, count, dimension }
const block = copyToBlock(clusteredVectors(shape), dimension)
const file = 'segments/00000004.graph'
const scratch = suiteDirectory()
const threads = new AnnThreads(2)
let graph: Uint8Array

const build = () =>
  buildGraph(threads, block, { ...settings, seed }, { scratchDirectory: scratch.path })
const load = (bytes: Uint8Array) =>
  loadGraph(threads, bytes, block, settings, { scratchDirectory: scratch.path, file })
const codeOf = (error: unknown) => (isOperatingError(error) ? error.code : String(error))

beforeAll(async () => {
  graph = await build()
})
afterAll(() => threads.close())

const loader = new URL('../../support/typescript-loader.mjs', import.meta.url).href
const sibling = (name: string) => fileURLToPath(new URL(name, import.meta.url))

describe('a damaged graph', () => {
  it('case 17: 2,000 flipped bits are all refused before native code, and a rebuild is the same', async () => {
    const random = seededRandom(17)
    for (let flip = 0; flip < 2_000; flip++) {
      const damaged = Uint8Array.from(graph)
      const byte = random.integer(damaged.length)
      damaged[byte] = (damaged[byte] ?? 0) ^ (1 << random.integer(8))
      const refusal = await load(damaged).catch((error: unknown) => error)
      expect(codeOf(refusal), `seed ${random.seed}, flip ${flip}, byte ${byte}`).toBe('damaged')
      expect(isOperatingError(refusal) && refusal.place.file).toBe(file)
    }
    expect(await readdir(scratch.path)).toEqual([])
    expect(Buffer.from(await build()).equals(graph)).toBe(true)
  })

  it('case 89: crafted and hashed again it is refused, or leads native code nowhere it must not go', async () => {
    const random = seededRandom(89)
    const directory = await temporaryDirectory()
    const sound = decodeGraph(graph, expected, file)
    let refused = 0
    let accepted = 0
    for (let forgery = 0; forgery < 1_000; forgery++) {
      let forged = graph
      for (let change = 0; change <= forgery % 4; change++) {
        if (!passes(forged)) break
        forged = forgeGraph(random, { ...copyGraph(sound), ...decodeGraph(forged, expected, file) })
      }
      if (passes(forged)) {
        accepted++
        await writeFile(path.join(directory, `${forgery}.graph`), forged)
      } else {
        refused++
        if (refused % 20 === 0)
          await expect(load(forged)).rejects.toMatchObject({ code: 'damaged' })
      }
    }
    expect(refused).toBeGreaterThan(300)
    expect(accepted).toBeGreaterThan(150)
    const child = await promisify(execFile)(process.execPath, [
      '--import',
      loader,
      sibling('load-and-search.ts'),
      directory,
    ]).catch((error: { stdout: string; code?: number; signal?: string }) => error)
    const seen = child.stdout.trim().split('\n')
    expect(seen.at(-1), `the last file before the process died (seed ${random.seed})`).toBe('done')
    expect(seen).toHaveLength(accepted + 1)
  })

  function passes(bytes: Uint8Array): boolean {
    try {
      decodeGraph(bytes, expected, file)
      return true
    } catch (error) {
      if (codeOf(error) === 'damaged') return false
      throw error
    }
  }

  it('of other settings is refused and nothing is written', async () => {
    const options = { scratchDirectory: scratch.path, file }
    for (const other of [
      { m: 7 },
      { metric: 'ip' },
      { segment: 5 },
      { efConstruction: 41 },
    ] as const) {
      const loading = loadGraph(threads, graph, block, { ...settings, ...other }, options)
      await expect(loading).rejects.toMatchObject({ code: 'damaged', place: { file } })
    }
    const fewer = { ...block, count: count - 1 }
    await expect(loadGraph(threads, graph, fewer, settings, options)).rejects.toMatchObject({
      code: 'damaged',
    })
    expect(await readdir(scratch.path)).toEqual([])
  })
})

describe('a disk without space', () => {
  /** Runs a build and a load where no file may grow beyond `blocks` × 512 or 1024 bytes. */
  async function runLimited(blocks: number, directory: string): Promise<unknown> {
    const graphFile = path.join(directory, 'good.graph')
    await writeFile(graphFile, graph)
    const { stdout } = await promisify(execFile)('sh', [
      '-c',
      // ignored, the signal becomes an error of write(), which hnswlib does not look at
      `trap '' XFSZ; ulimit -f ${blocks}; exec "$@"`,
      'sh',
      process.execPath,
      '--import',
      loader,
      sibling('build-limited.ts'),
      directory,
      graphFile,
    ])
    return JSON.parse(stdout)
  }

  it('case 26: a graph that hnswlib could not write in full is refused, although it reports success', async () => {
    const directory = await temporaryDirectory()
    await mkdir(path.join(directory, 'scratch'))
    expect(await runLimited(32, directory)).toEqual({
      build: 'disk-full',
      load: 'disk-error',
      scratch: [],
    })
    expect(await runLimited(1_000_000, directory)).toEqual({
      build: 'done',
      load: 'done',
      scratch: [],
    })
  })
})

describe('closing the threads', () => {
  it('ends a build that is under way, rejects it and leaves no scratch file', async () => {
    const own = new AnnThreads(1)
    const directory = await temporaryDirectory()
    const large = copyToBlock(clusteredVectors({ count: 20_000, dimension: 32 }), 32)
    const building = new Promise<void>((resolve, reject) => {
      buildGraph(
        own,
        large,
        { segment: 1, metric: 'l2', m: 8, efConstruction: 60, seed },
        { scratchDirectory: directory, progress: () => resolve() },
      ).then(() => reject(new Error('it was not ended')), reject)
    })
    await building
    await own.close()
    expect(await readdir(directory)).toEqual([])
  })
})
