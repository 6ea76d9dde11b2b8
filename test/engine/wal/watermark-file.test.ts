import { describe, expect, test } from 'vitest'
import { crc32 } from '../../../engine/base/checksum.ts'
import type { Disk } from '../../../engine/base/disk.ts'
import {
  encodeWatermark,
  WATERMARK_SLOT_BYTES,
  WATERMARK_STRIDE_BYTES,
  type Watermark,
} from '../../../engine/format/watermark.ts'
import { createWatermark, WatermarkFile } from '../../../engine/wal/watermark-file.ts'
import { FaultyDisk, killAtEveryCall } from '../../support/faulty-disk.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { putFile, readAll } from './logs.ts'

const file = '/watermark'
const stride = WATERMARK_STRIDE_BYTES[2]
/** Offsets of the bytes that mean something. */
const slotBytes = [0, stride].flatMap((start) =>
  Array.from({ length: WATERMARK_SLOT_BYTES }, (_, index) => start + index),
)
const history = '0123456789abcdef'
const first = { lsn: 10, sequence: 2, history }

async function created(): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  await createWatermark(disk, file, first)
  await disk.syncDirectory('/')
  return disk
}

async function open(disk: Disk): Promise<{ mark: WatermarkFile; warnings: string[] }> {
  const warnings: string[] = []
  return { mark: await WatermarkFile.open(disk, file, (text) => warnings.push(text)), warnings }
}

/** What a fresh open of `disk` says. */
async function latestOf(disk: Disk): Promise<Watermark> {
  const { mark } = await open(disk)
  await mark.close()
  return mark.latest
}

/** A file whose slots differ: the fsynced one at LSN 20, the newer one at LSN 30. */
async function advanced(): Promise<{ disk: MemoryDisk; bytes: Buffer; newer: number }> {
  const disk = await created()
  const { mark } = await open(disk)
  await mark.advance(20)
  await mark.commit(3)
  await mark.advance(29)
  await mark.advance(30)
  await mark.close()
  return { disk, bytes: await readAll(disk, file), newer: mark.latest.turn % 2 }
}

const damage = expect.objectContaining({
  code: 'damaged',
  exitCode: 13,
  place: { file, offset: 0 },
})

describe('the watermark file', () => {
  test('says what it was created with, and what it was moved to', async () => {
    const disk = await created()
    expect(await latestOf(disk)).toMatchObject(first)
    const { mark, warnings } = await open(disk)
    await mark.advance(11)
    await mark.commit(3)
    expect(mark.latest).toMatchObject({ lsn: 11, sequence: 3, history })
    await mark.close()
    expect(await latestOf(disk)).toEqual(mark.latest)
    expect(warnings).toEqual([])
  })

  test('is moved forward only', async () => {
    const disk = new FaultyDisk(await created())
    const { mark } = await open(disk)
    const before = disk.count('write')
    for (const lsn of [10, 9, 0]) await mark.advance(lsn)
    expect(disk.count('write')).toBe(before)
    expect(mark.latest.lsn).toBe(10)
    await mark.close()
  })

  test('keeps both kinds of moves when they come at once', async () => {
    const disk = await created()
    const { mark } = await open(disk)
    await Promise.all([mark.advance(11), mark.commit(3), mark.advance(12), mark.commit(4)])
    expect(mark.latest).toMatchObject({ lsn: 12, sequence: 4 })
    await mark.close()
    expect(await latestOf(disk)).toEqual(mark.latest)
  })

  test('is fsynced by a commit, and not by an advance', async () => {
    const disk = new FaultyDisk(await created())
    const { mark } = await open(disk)
    const syncs = disk.count('sync')
    await mark.advance(11)
    expect(disk.count('sync')).toBe(syncs)
    await mark.commit(3)
    expect(disk.count('sync')).toBe(syncs + 1)
    await mark.close()
  })

  test('case 13: with any bit flipped warns, and says the other slot', async () => {
    const { disk, bytes, newer } = await advanced()
    const marks = { newer: 0, older: 0 }
    for (const bit of slotBytes.flatMap((at) =>
      [0, 1, 2, 3, 4, 5, 6, 7].map((of) => 8 * at + of),
    )) {
      const bad = Buffer.from(bytes)
      const at = bit >> 3
      bad.writeUInt8(bad.readUInt8(at) ^ (1 << (bit & 7)), at)
      await putFile(disk, file, bad)
      const { mark, warnings } = await open(disk)
      await mark.close()
      const lost = Math.floor(at / stride) === newer
      expect(warnings, `bit ${bit}`).toEqual([expect.stringContaining(file)])
      expect(mark.latest, `bit ${bit}`).toMatchObject({ lsn: lost ? 20 : 30, sequence: 3, history })
      marks[lost ? 'newer' : 'older']++
    }
    console.log(
      `case 13, every bit of the watermark flipped: ${marks.newer} in the newer slot warned of, the mark of the last checkpoint used; ${marks.older} in the other slot warned of, same mark; harmless: all, it is a lower bound`,
    )
  })

  test('case 13: has nothing to lose between its slots', async () => {
    const { disk, bytes } = await advanced()
    bytes.fill(0xff, WATERMARK_SLOT_BYTES, stride)
    await putFile(disk, file, bytes)
    const { mark, warnings } = await open(disk)
    expect([mark.latest.lsn, warnings]).toEqual([30, []])
    await mark.close()
  })

  test('case 82: of version 1 says what it said, and is one of version 2 afterwards, also after a power cut', async () => {
    const old = Buffer.concat(
      [4, 5].map((turn) => encodeWatermark({ ...first, turn, lsn: 100 + turn }, 1)),
    )
    for (const damaged of [false, true]) {
      const kills = await killAtEveryCall({
        prepare: async () => {
          const disk = new MemoryDisk()
          const bytes = Buffer.from(old)
          if (damaged) bytes[3] = 0
          await putFile(disk, file, bytes)
          await disk.syncDirectory('/')
          return disk
        },
        work: async (disk) => {
          const { mark } = await open(disk)
          expect(mark.latest).toMatchObject({ lsn: 105, sequence: 2, history })
          await mark.advance(106)
          await mark.close()
        },
        check: async ({ disk, survived }) => {
          expect((await latestOf(disk.crash(survived))).lsn).toBeGreaterThanOrEqual(105)
        },
      })
      expect(kills).toBeGreaterThan(4)
    }
  })

  test('case 13: with both slots damaged is refused', async () => {
    const { disk, bytes } = await advanced()
    for (const [one, other] of [
      [0, stride],
      [63, stride + 63],
      [20, stride + 36],
    ] as const) {
      const bad = Buffer.from(bytes)
      for (const at of [one, other]) bad[at] = (bad[at] ?? 0) ^ 1
      await putFile(disk, file, bad)
      await expect(open(disk)).rejects.toThrow(damage)
    }
  })

  test('heals its damaged slot with the next move', async () => {
    const { disk, bytes, newer } = await advanced()
    for (const slot of [0, 1]) {
      const bad = Buffer.from(bytes)
      bad.fill(0, slot * stride, slot * stride + WATERMARK_SLOT_BYTES)
      await putFile(disk, file, bad)
      const { mark } = await open(disk)
      await mark.advance(40)
      expect(mark.latest.turn % 2, slot === newer ? 'newer' : 'older').toBe(slot)
      await mark.close()
      const again = await open(disk)
      expect(again.warnings).toEqual([])
      expect(again.mark.latest.lsn).toBe(40)
      await again.mark.close()
    }
  })

  test('case 18: that is missing is named, and not created', async () => {
    const disk = new MemoryDisk()
    await expect(open(disk)).rejects.toMatchObject({ code: 'missing-file', place: { file } })
    expect(await disk.list('/')).toEqual([])
  })

  test('case 19: with its slots swapped is refused', async () => {
    const { disk, bytes } = await advanced()
    await putFile(
      disk,
      file,
      Buffer.concat([bytes.subarray(stride), bytes.subarray(64, stride), bytes.subarray(0, 64)]),
    )
    await expect(open(disk)).rejects.toThrow(damage)
  })

  test('case 21: cut anywhere or grown is refused', async () => {
    const { disk, bytes } = await advanced()
    const edges = [0, stride, bytes.length].flatMap((edge) =>
      Array.from({ length: 280 }, (_, index) => edge - 140 + index),
    )
    for (const length of edges.filter((each) => each >= 0 && each < bytes.length)) {
      await putFile(disk, file, bytes.subarray(0, length))
      await expect(open(disk), `${length} bytes`).rejects.toThrow(damage)
    }
    await putFile(disk, file, Buffer.concat([bytes, Buffer.alloc(1)]))
    await expect(open(disk)).rejects.toThrow(damage)
  })

  test('case 23: with a slot of a newer version is refused with the advice to upgrade', async () => {
    const { disk, bytes } = await advanced()
    for (const slot of [0, 1]) {
      const newer = Buffer.from(bytes)
      const own = newer.subarray(slot * stride, slot * stride + WATERMARK_SLOT_BYTES)
      own.writeUInt16LE(3, 8)
      own.writeUInt32LE(crc32(own.subarray(0, 60)), 60)
      await putFile(disk, file, newer)
      await expect(open(disk)).rejects.toMatchObject({
        code: 'newer-format',
        hint: expect.stringMatching(/upgrade/i),
      })
      expect(await readAll(disk, file)).toEqual(newer)
    }
  })

  test('case 2: after a power cut is never ahead, and never behind what was committed', async () => {
    let cuts = 0
    let committed = 2
    let attempted = 2
    const kills = await killAtEveryCall({
      prepare: async () => {
        committed = 2
        attempted = 2
        return created()
      },
      writtenBytes: 33,
      work: async (disk) => {
        const { mark } = await open(disk)
        for (const sequence of [3, 4, 5]) {
          await mark.advance(10 * sequence)
          await mark.advance(10 * sequence + 1)
          attempted = sequence
          await mark.commit(sequence)
          committed = sequence
        }
        await mark.close()
      },
      check: async ({ disk }) => {
        for (let seed = 0; seed < 20; seed++, cuts++) {
          const mark = await latestOf(disk.crash(seed))
          expect(mark.sequence).toBeGreaterThanOrEqual(committed)
          expect(mark.sequence).toBeLessThanOrEqual(attempted)
          expect(mark.lsn).toBeLessThanOrEqual(10 * attempted + 11)
          expect(mark.lsn).toBeGreaterThanOrEqual(committed === 2 ? 10 : 10 * committed + 1)
        }
      },
    })
    console.log(`case 2, watermark: killed at ${kills} calls, ${cuts} power cuts`)
  })

  test('case 2: keeps what was committed when the process dies first and the power goes after', async () => {
    for (let seed = 0; seed < 50; seed++) {
      const inner = await created()
      const dead = await open(inner)
      await dead.mark.commit(3)
      await dead.mark.advance(40) // in the page cache only
      const disk = new FaultyDisk(inner)
      const { mark } = await open(disk)
      expect(mark.latest).toMatchObject({ lsn: 40, sequence: 3 })
      disk.arm({ calls: ['write'], errno: 'EIO', writtenBytes: 33 })
      await expect(mark.advance(50)).rejects.toMatchObject({ code: 'disk-error' })
      expect(await latestOf(inner.crash(seed)), `seed ${seed}`).toMatchObject({
        lsn: 40,
        sequence: 3,
      })
    }
  })

  test('keeps its last mark when a move fails, and moves on later', async () => {
    const disk = new FaultyDisk(await created())
    const { mark } = await open(disk)
    disk.arm({ calls: ['write'], errno: 'ENOSPC', writtenBytes: 20 })
    await expect(mark.advance(11)).rejects.toMatchObject({ code: 'disk-full' })
    expect(await latestOf(disk)).toMatchObject({ lsn: 10 })
    await mark.advance(12)
    await mark.close()
    const again = await open(disk)
    expect(again.mark.latest.lsn).toBe(12)
    expect(again.warnings).toEqual([])
    await again.mark.close()
  })
})
