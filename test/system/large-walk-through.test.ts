import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'vitest'
import { clusteredVectors } from '../support/clustered-vectors.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { walkThrough } from '../support/walk-through.ts'

test('the walk-through on 50,000 clustered vectors of 384 dimensions ends where it began', async () => {
  const root = await temporaryDirectory()
  const vectors = clusteredVectors({ count: 50_000, dimension: 384, seed: 50 })
  const file = join(root, 'clustered.f32')
  await writeFile(file, new Uint8Array(vectors.buffer))
  await walkThrough({
    root,
    collection: 'products',
    // a narrow beam: here counts what is carried, several pieces of vectors and their graph, not how well it was built
    importArguments: `${file} --dimension 384 --ef-construction 50`,
    count: 50_000,
    ids: ['0', '25000', '49999'],
  })
})
