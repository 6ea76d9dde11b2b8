/**
 * A process of its own that loads every graph file of a directory over the same vectors and searches it,
 * plainly, with a filter and with removed elements. It prints each name before it begins with it, so
 * that a native crash leaves the name of the file that caused it.
 */
import { readdir, readFile } from 'node:fs/promises'
import * as path from 'node:path'
import { AnnThreads } from '../../../engine/ann/ann-threads.ts'
import { loadGraph } from '../../../engine/ann/load-graph.ts'
import { copyToBlock } from '../../../engine/ann/vector-block.ts'
import { clusteredVectors, rowOf } from '../../support/clustered-vectors.ts'
import { forgedFixture } from './forged-fixture.ts'

const directory = process.argv[2] ?? ''
const { shape, settings } = forgedFixture
const vectors = clusteredVectors(shape)
const block = copyToBlock(vectors, shape.dimension)
const threads = new AnnThreads(1)
for (const name of (await readdir(directory)).filter((each) => each.endsWith('.graph'))) {
  process.stdout.write(`${name}\n`)
  const graph = await readFile(path.join(directory, name))
  const options = { scratchDirectory: path.join(directory, 'scratch'), file: name }
  const index = await loadGraph(threads, graph, block, settings, options)
  for (let row = 0; row < shape.count; row += 10) {
    const query = rowOf(vectors, shape.dimension, row)
    index.search(query, 10, 64)
    index.search(query, 10, 64, (ordinal) => ordinal % 3 === 0)
    index.remove(row)
  }
  index.close()
}
await threads.close()
process.stdout.write('done\n')
