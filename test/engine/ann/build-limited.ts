/** Builds and loads a graph in a process whose files may not grow, and prints how both ended. */
import { readdir, readFile } from 'node:fs/promises'
import * as path from 'node:path'
import { AnnThreads } from '../../../engine/ann/ann-threads.ts'
import { buildGraph } from '../../../engine/ann/build-graph.ts'
import { loadGraph } from '../../../engine/ann/load-graph.ts'
import { copyToBlock } from '../../../engine/ann/vector-block.ts'
import { isOperatingError } from '../../../engine/base/errors.ts'
import { clusteredVectors } from '../../support/clustered-vectors.ts'
import { forgedFixture } from './forged-fixture.ts'

const [, , directory = '', graphFile = ''] = process.argv
const scratchDirectory = path.join(directory, 'scratch')
const { shape, settings, seed } = forgedFixture
const block = copyToBlock(clusteredVectors(shape), shape.dimension)
const threads = new AnnThreads(1)
const outcome = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (isOperatingError(error) ? error.code : String(error)),
  )
const build = await outcome(buildGraph(threads, block, { ...settings, seed }, { scratchDirectory }))
const graph = await readFile(graphFile)
const load = await outcome(
  loadGraph(threads, graph, block, settings, { scratchDirectory, file: graphFile }),
)
const scratch = await readdir(scratchDirectory)
await threads.close()
process.stdout.write(JSON.stringify({ build, load, scratch }))
