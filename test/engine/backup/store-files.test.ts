/** Pieces from file to file by threads: on the real disk, where threads can. */
import { randomBytes } from 'node:crypto'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createBackup } from '../../../engine/backup/create.ts'
import { verifyRepository } from '../../../engine/backup/verify.ts'
import { nodeDisk } from '../../../engine/base/disk.ts'
import { limits, MiB } from '../../../engine/base/limits.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { type PinnedSource, pinnedSource, segment } from './pinned-source.ts'

const world = { disk: nodeDisk, clock: manualClock() }
const large = { path: segment(1, 'vectors'), bytes: randomBytes(limits.pieceBytes + 2 * MiB) }
const small = { path: segment(1, 'points'), bytes: randomBytes(1000) }
/** The same bytes as a piece of the first: one object. */
const again = { path: segment(2, 'vectors'), bytes: large.bytes.subarray(limits.pieceBytes) }
const files = [large, small, again]

/** The source, its files on the disk too. */
async function onDisk(): Promise<{ source: PinnedSource; directory: string }> {
  const directory = await temporaryDirectory()
  const placed = new Map<string, string>()
  for (const { path, bytes } of files) {
    const file = join(directory, path.replaceAll('/', '-'))
    await writeFile(file, bytes)
    placed.set(path, file)
  }
  const source = pinnedSource(files)
  const pin = source.pin
  source.pin = async () => {
    const state = await pin()
    return {
      ...state,
      files: state.files.map((each) => ({ ...each, threadPath: placed.get(each.path) })),
    }
  }
  return { source, directory }
}

describe('a piece that is known, in a file that threads can open', () => {
  it.each(['incremental', 'full'] as const)(
    'is copied and hashed by a thread, %s, and an equal one is stored once',
    async (mode) => {
      const { source } = await onDisk()
      const destination = await temporaryDirectory()
      const result = await createBackup(source, { ...world, destination, snapshotId: 's1', mode })
      expect(source.reads.filter((each) => each.startsWith(large.path))).toEqual([])
      expect(result.objects).toEqual({ total: 3, written: 3, reused: 0 })
      expect(result.sizes.addedBytes).toBe(large.bytes.length + small.bytes.length)
      expect(await readdir(join(destination, '.tmp'))).toEqual([])
      const verified = await verifyRepository({ ...world, source: destination, depth: 'objects' })
      expect(verified.ok).toBe(true)
    },
  )

  it('is refused when the file holds other bytes now, and nothing of it is left', async () => {
    const { source, directory } = await onDisk()
    const damaged = Buffer.from(large.bytes)
    damaged.writeUInt8(damaged.readUInt8(5) ^ 1, 5)
    await writeFile(join(directory, large.path.replaceAll('/', '-')), damaged)
    const pin = source.pin
    source.pin = async () => {
      const state = await pin()
      const read = async (target: Uint8Array, position: number) => {
        const part = damaged.subarray(position, position + target.length)
        target.set(part)
        return part.length
      }
      return {
        ...state,
        files: state.files.map((each) => (each.path === large.path ? { ...each, read } : each)),
      }
    }
    const destination = await temporaryDirectory()
    const backup = createBackup(source, { ...world, destination, snapshotId: 's1' })
    await expect(backup).rejects.toMatchObject({ code: 'damaged', place: { file: large.path } })
    expect(await readdir(join(destination, '.tmp'))).toEqual([])
  })
})
