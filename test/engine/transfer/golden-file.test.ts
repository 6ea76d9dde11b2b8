import { expect, test } from 'vitest'
import { fileSource } from '../../../engine/transfer/byte-source.ts'
import { readGoldenFile } from '../../../engine/transfer/golden-file.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'

const config = { dimension: 2, metric: 'cosine' } as const

async function read(...lines: string[]) {
  const disk = new MemoryDisk()
  await disk.makeDirectory('/d')
  const file = await disk.open('/d/q.jsonl', 'create')
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
  if (bytes.length > 0) await file.write(bytes, 0)
  await file.close()
  return readGoldenFile(await fileSource(disk, '/d/q.jsonl'), config)
}

test('questions come with their names, in the order of the file', async () => {
  expect(
    await read('{"id":"shoes","vector":[1,2],"metadata":{"asked":7}}', '{"id":7,"vector":[3,4]}'),
  ).toEqual([
    { id: 'shoes', vector: Float32Array.of(1, 2) },
    { id: 7, vector: Float32Array.of(3, 4) },
  ])
})

test.each([
  ['a file without any', [], 'invalid-input-file'],
  ['a file of empty lines', [''], 'invalid-input-file'],
  ['one of another dimension', ['{"id":1,"vector":[1]}'], 'invalid-vector'],
  ['one that no cosine has', ['{"id":1,"vector":[0,0]}'], 'invalid-vector'],
  ['one without a name', ['{"vector":[1,2]}'], 'invalid-input-file'],
  ['two of a name', ['{"id":1,"vector":[1,2]}', '{"id":1,"vector":[1,3]}'], 'invalid-input-file'],
  ['what is no question', ['{"id":1,"text":"shoes"}'], 'invalid-input-file'],
])('%s is refused', async (_, lines, code) => {
  await expect(read(...lines)).rejects.toMatchObject({ code })
})
