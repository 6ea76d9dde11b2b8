import { writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type RowSource, readRows, readRowsBlocking } from '../../../engine/ann/row-source.ts'
import { copyToBlock } from '../../../engine/ann/vector-block.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const [count, dimension, byteOffset] = [50, 3, 64]
const values = Float32Array.from({ length: count * dimension }, (_, i) => i / 7)

async function rowsFile(length = count): Promise<RowSource> {
  const file = path.join(await temporaryDirectory(), 'rows')
  const bytes = Buffer.from(values.slice(0, length * dimension).buffer)
  await writeFile(file, Buffer.concat([Buffer.alloc(byteOffset), bytes]))
  return { path: file, byteOffset, count, dimension }
}

/** Every reader of every source gives the same rows, in chunks of the stride but the last one. */
test('rows come whole and in order, from memory and from a file, with waiting and without', async () => {
  const sources = [copyToBlock(values, dimension), await rowsFile()]
  const range = fc
    .tuple(fc.nat(count), fc.nat(count))
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b)])
  await fc.assert(
    fc.asyncProperty(range, fc.integer({ min: 1, max: 60 }), async ([from = 0, to = 0], stride) => {
      for (const source of sources) {
        for (const read of [readRows, readRowsBlocking]) {
          const found: number[] = []
          let at = from
          for await (const rows of read(source, from, to, stride)) {
            expect([rows.from, rows.to]).toEqual([at, Math.min(to, at + stride)])
            found.push(...rows.values)
            at = rows.to
          }
          expect(found).toEqual([...values.slice(from * dimension, to * dimension)])
        }
      }
    }),
  )
})

test('case 21: a file that ends before its last row is damaged, named with the offset', async () => {
  const source = await rowsFile(count - 1)
  const damaged = expect.objectContaining({ code: 'damaged', place: expect.anything() })
  expect(() => [...readRowsBlocking(source, 0, count, 8)]).toThrow(damaged)
  await expect(async () => {
    for await (const _ of readRows(source, 0, count, 8));
  }).rejects.toThrow(damaged)
})
