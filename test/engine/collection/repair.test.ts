import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Disk } from '../../../engine/base/disk.ts'
import { makeConfig } from '../../../engine/format/config.ts'
import { breakLock, openTest, randomPoint, somePoints } from '../../support/collections.ts'
import { killAtEveryCall } from '../../support/faulty-disk.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const config = makeConfig({ dimension: 8, metric: 'l2', index: 'flat' })

/** A closed collection: manifest at LSN 2, then one record a write up to LSN 7; digests by LSN. */
async function written() {
  const disk = new MemoryDisk()
  const data = await openTest('/d', { disk })
  const items = await data.create('items', config)
  const random = seededRandom(21)
  const digests: string[] = [items.digest]
  await items.upsert(somePoints(random, 3))
  digests.push(items.digest)
  await items.delete(['p1'])
  digests.push(items.digest)
  await items.checkpoint()
  for (const id of ['a', 'b', 'a', 'c', 'p0']) {
    await items.upsert([randomPoint(random, id)])
    digests.push(items.digest)
  }
  await data.close()
  const [name = ''] = await disk.list('/d/collections')
  const directory = join('/d/collections', name)
  const [epoch = ''] = await disk.list(join(directory, 'wal'))
  const wal = join(directory, 'wal', epoch)
  const [log = ''] = await disk.list(wal)
  const bytes = await disk.readFile(join(wal, log), 1e6)
  // one record a group: offsets by LSN
  const offsets: number[] = []
  for (let at = 64, lsn = 3; at < bytes.length; lsn++) {
    offsets[lsn] = at
    at += 64 + bytes.readUInt32LE(at + 4)
  }
  return { disk, directory, wal, file: join(wal, log), digests, offsets }
}

async function flip(disk: Disk, file: string, at: number): Promise<void> {
  const handle = await disk.open(file, 'append')
  const byte = Buffer.alloc(1)
  await handle.read(byte, at)
  await handle.write(Buffer.from([byte.readUInt8(0) ^ 1]), at)
  await handle.sync()
  await handle.close()
}

async function withData<T>(
  disk: Disk,
  work: (data: Awaited<ReturnType<typeof openTest>>) => Promise<T>,
): Promise<T> {
  await breakLock(disk, '/d') // a power cut may bring it back
  const data = await openTest('/d', { disk })
  try {
    return await work(data)
  } finally {
    await data.close()
  }
}

const stateOf = (disk: Disk) =>
  withData(disk, async (data) => {
    const { lsn, digest, count } = await data.open('items')
    return { lsn, digest, count }
  })

describe('a damaged log', () => {
  test('case 14: is refused by LSN with the command that repairs it, and repaired only when told to', async () => {
    const { disk, directory, file, digests, offsets } = await written()
    await flip(disk, file, (offsets[5] ?? 0) + 70)
    const before = await disk.readFile(file, 1e6)
    await expect(stateOf(disk)).rejects.toMatchObject({
      code: 'damaged',
      place: { file, lsn: 5, offset: offsets[5] },
      hint: expect.stringContaining('repair NAME --to-lsn 4'),
    })
    expect((await disk.readFile(file, 1e6)).equals(before)).toBe(true)
    const result = await withData(disk, (data) => data.repair('items', 4))
    expect(result).toMatchObject({
      lsn: 4,
      digest: digests[4],
      lost: { firstLsn: 5, lastLsn: 7, readableRecords: 2 },
      keptAside: [join(directory, 'cut-4-3.bytes')],
    })
    expect(result.lost?.bytes).toBe(before.length - (offsets[5] ?? 0))
    const kept = await disk.readFile(result.keptAside[0] ?? '', 1e6)
    expect(kept.equals(before.subarray(offsets[5]))).toBe(true)
    expect(await stateOf(disk.crashLosingAll())).toMatchObject({ lsn: 4, digest: digests[4] })
    await withData(disk, async (data) => {
      const items = await data.open('items')
      expect(await items.upsert(somePoints(seededRandom(1), 1))).toMatchObject({ lsn: 5 })
      await items.checkpoint()
    })
    expect((await stateOf(disk)).lsn).toBe(5)
    expect(await disk.stat(result.keptAside[0] ?? '')).toBeDefined()
  })

  test('case 15: that ends below what was acknowledged is repaired the same way', async () => {
    const { disk, file, digests, offsets } = await written()
    const handle = await disk.open(file, 'append')
    await handle.truncate((offsets[7] ?? 0) + 10)
    await handle.close()
    await expect(stateOf(disk)).rejects.toMatchObject({
      code: 'possible-loss',
      hint: expect.stringContaining('repair NAME --to-lsn 6'),
    })
    const result = await withData(disk, (data) => data.repair('items', 6))
    expect(result.lost).toEqual({ firstLsn: 7, lastLsn: 7, readableRecords: 0, bytes: 10 })
    expect(await stateOf(disk)).toMatchObject({ lsn: 6, digest: digests[6] })
  })

  test('whose file is missing, or has no header, is begun anew at the manifest', async () => {
    for (const act of ['missing', 'header'] as const) {
      const { disk, file, digests } = await written()
      if (act === 'missing') await disk.unlink(file)
      else await flip(disk, file, 20)
      await expect(stateOf(disk)).rejects.toMatchObject({ exitCode: 13 })
      await expect(withData(disk, (data) => data.repair('items', 3))).rejects.toMatchObject({
        code: 'usage',
        hint: 'Give an LSN from 2, the manifest’s, to 2, the last valid record’s.'.replaceAll(
          '’',
          "'",
        ),
      })
      const result = await withData(disk, (data) => data.repair('items', 2))
      expect(result.lost).toMatchObject({ firstLsn: 3, lastLsn: 7 })
      expect(await stateOf(disk)).toMatchObject({ lsn: 2, digest: digests[2] })
    }
  })

  test('is not cut below the manifest or above the last valid record: nothing is changed', async () => {
    const { disk, directory, file, offsets } = await written()
    await flip(disk, file, (offsets[6] ?? 0) + 3)
    const before = await disk.list(directory)
    const bytes = await disk.readFile(file, 1e6)
    for (const toLsn of [0, 1, 6, 7, 8, 1e9]) {
      const refused = withData(disk, (data) => data.repair('items', toLsn))
      await expect(refused).rejects.toMatchObject({
        code: 'usage',
        hint: expect.stringMatching(/from 2, .* to 5,/),
      })
    }
    expect(await disk.list(directory)).toEqual(before)
    expect((await disk.readFile(file, 1e6)).equals(bytes)).toBe(true)
  })

  test('that is sound is cut too, when somebody says so; what the next repair cuts gets another name', async () => {
    const { disk, digests } = await written()
    for (const attempt of [1, 2]) {
      const result = await withData(disk, (data) => data.repair('items', 3))
      expect(result).toMatchObject({ digest: digests[3], lost: { firstLsn: 4 } })
      expect(result.keptAside[0]).toMatch(attempt === 1 ? /cut-3-3\.bytes$/ : /cut-3-3-2\.bytes$/)
      await withData(disk, async (data) => {
        const items = await data.open('items')
        await items.upsert([randomPoint(seededRandom(attempt), 'again')])
      })
    }
    const same = await withData(disk, (data) => data.repair('items', 4))
    expect(same).toMatchObject({ lost: null, keptAside: [] })
  })

  test('case 1, case 2: a repair killed anywhere still refuses or is done; run again, it completes', async () => {
    const { digests, offsets } = await written()
    let file = ''
    const kills = await killAtEveryCall({
      prepare: async () => {
        const made = await written()
        ;({ file } = made)
        await flip(made.disk, file, (offsets[5] ?? 0) + 70)
        return made.disk
      },
      work: (disk) => withData(disk, (data) => data.repair('items', 4)),
      check: async ({ disk, survived }) => {
        for (const survivor of [disk.crashLosingNothing(), disk.crash(survived)]) {
          const opened = await stateOf(survivor).catch((error: unknown) => error)
          if (opened instanceof Error) expect(opened).toMatchObject({ exitCode: 13 })
          else expect(opened).toMatchObject({ lsn: 4, digest: digests[4] })
          await withData(survivor, (data) => data.repair('items', 4))
          expect(await stateOf(survivor.crashLosingAll())).toMatchObject({
            lsn: 4,
            digest: digests[4],
          })
        }
      },
    })
    expect(kills).toBeGreaterThan(15)
  })
})
