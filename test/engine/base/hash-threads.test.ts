import { createHash, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { HashThreads } from '../../../engine/base/hash-threads.ts'
import { limits } from '../../../engine/base/limits.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

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

test.each([100, 256 * 1024, 256 * 1024 + 1, 3_000_000])(
  'hashes and copies %i bytes of a file, on this thread or on another',
  async (length) => {
    const root = await temporaryDirectory()
    const [source, target] = [path.join(root, 'source'), path.join(root, 'target')]
    const bytes = randomBytes(length + 20)
    await writeFile(source, bytes)
    await writeFile(target, 'head')
    const part = bytes.subarray(7, 7 + length)
    const copyTo = { path: target, offset: 4 }
    expect(await threads.file({ path: source, offset: 7, length, copyTo })).toBe(hashOf(part))
    expect((await readFile(target)).equals(Buffer.concat([Buffer.from('head'), part]))).toBe(true)
    // a file that ends before has another hash
    const rest = bytes.subarray(50)
    expect(await threads.file({ path: source, offset: 50, length })).toBe(hashOf(rest))
  },
)

test.each([1, 256 * 1024, 256 * 1024 + 1, 3_000_000])(
  'seals %i bytes and opens them from a file, on this thread or on another',
  async (length) => {
    const root = await temporaryDirectory()
    const [source, target] = [path.join(root, 'source'), path.join(root, 'target')]
    const { shared, bytes } = sharedBytes(length + 9)
    const plain = Uint8Array.from(bytes.subarray(0, length))
    const box = { rootKey: randomBytes(32), label: 'here' }
    const sealed = Buffer.from(await threads.seal(shared, length, box))
    await writeFile(source, sealed)
    await writeFile(target, 'head')
    const memory = new SharedArrayBuffer(sealed.length)
    new Uint8Array(memory).set(sealed)
    const opened = { box, sealed: memory, target: new SharedArrayBuffer(length + 5), length }
    expect(await threads.unseal(opened)).toBe(true)
    expect(hashOf(new Uint8Array(opened.target).slice(0, length))).toBe(hashOf(plain))
    expect(await threads.unseal({ ...opened, box: { ...box, label: 'there' } })).toBe(false)
    expect(new Uint8Array(opened.target).every((byte) => byte === 0)).toBe(true)
    const task = { path: source, length, box, copyTo: { path: target, offset: 4 } }
    expect(await threads.unsealFile(task)).toBe(hashOf(plain))
    expect((await readFile(target)).equals(Buffer.concat([Buffer.from('head'), plain]))).toBe(true)
    expect(await threads.unsealFile({ ...task, box: { ...box, label: 'there' } })).toBeNull()
    for (const at of [0, 9, 40, sealed.length - 17, sealed.length - 1]) {
      const flipped = Buffer.from(sealed)
      flipped.writeUInt8(flipped.readUInt8(at) ^ 1, at)
      await writeFile(source, flipped)
      expect(await threads.unsealFile(task), `byte ${at}`).toBeNull()
    }
    for (const short of [0, 10, 40, 56, sealed.length - 1]) {
      if (short >= sealed.length) continue
      await writeFile(source, sealed.subarray(0, short))
      expect(await threads.unsealFile(task), `${short} bytes`).toBeNull()
    }
  },
)
