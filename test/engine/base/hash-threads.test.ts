import { createHash, randomBytes } from 'node:crypto'
import { afterAll, expect, test } from 'vitest'
import { HashThreads } from '../../../engine/base/hash-threads.ts'
import { limits } from '../../../engine/base/limits.ts'

const threads = new HashThreads()
afterAll(() => threads.close())

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

function sharedBytes(length: number): { shared: SharedArrayBuffer; bytes: Uint8Array } {
  const shared = new SharedArrayBuffer(length)
  const bytes = new Uint8Array(shared)
  bytes.set(randomBytes(Math.min(length, 65_536)))
  return { shared, bytes }
}

test('hashes a part of shared memory as the hash of those bytes', async () => {
  const { shared, bytes } = sharedBytes(10_000)
  const copy = Uint8Array.from(bytes)
  expect(await threads.sha256(shared, 0, 10_000)).toBe(hashOf(copy))
  expect(await threads.sha256(shared, 17, 300)).toBe(hashOf(copy.subarray(17, 317)))
  expect(await threads.sha256(shared, 5, 0)).toBe(hashOf(new Uint8Array()))
})

test('hashes pieces in order, the last one shorter, and ignores what lies behind the length', async () => {
  const length = limits.pieceBytes + 1_000
  const { shared, bytes } = sharedBytes(length + 50)
  const copy = Uint8Array.from(bytes)
  expect(await threads.pieces(shared, length)).toEqual([
    hashOf(copy.subarray(0, limits.pieceBytes)),
    hashOf(copy.subarray(limits.pieceBytes, length)),
  ])
  expect(await threads.pieces(shared, limits.pieceBytes)).toHaveLength(1)
  expect(await threads.pieces(shared, 0)).toEqual([])
})
