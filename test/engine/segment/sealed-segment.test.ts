import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import type { Disk } from '../../../engine/base/disk.ts'
import { HashThreads } from '../../../engine/base/hash-threads.ts'
import { limits } from '../../../engine/base/limits.ts'
import { makeConfig } from '../../../engine/format/config.ts'
import type { FileEntry, SegmentEntry } from '../../../engine/format/manifest.ts'
import { acceptPoint, hashPoint } from '../../../engine/format/point.ts'
import { HASH_BYTES } from '../../../engine/format/points-file.ts'
import { SEGMENT_HEADER_BYTES } from '../../../engine/format/segment-header.ts'
import { rowOffset } from '../../../engine/format/vectors-file.ts'
import { SealedSegment } from '../../../engine/segment/sealed-segment.ts'
import { pieceHashes, writeSegment } from '../../../engine/segment/write-segment.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import type { MemoryDisk } from '../../support/memory-disk.ts'
import { checkProperty } from '../format/property.ts'
import { anyPointInput, plainConfig } from '../format/samples.ts'
import { putFile, readAll } from '../wal/logs.ts'
import {
  CountingDisk,
  dimension,
  directory,
  emptyDirectory,
  fileOf,
  memorySegment,
  placeOn,
  seal,
  threePoints,
} from './segments.ts'

const hashes = new HashThreads()
afterAll(() => hashes.close())

const points = threePoints(1)

async function sealed(): Promise<{ disk: MemoryDisk; entry: SegmentEntry }> {
  const disk = await emptyDirectory()
  return { disk, entry: await seal(disk, hashes, 1, points) }
}

/** Opens the segment and reads all of it. @returns what was read */
async function readWhole(disk: Disk, entry: SegmentEntry) {
  const segment = await SealedSegment.open(placeOn(disk), entry)
  try {
    const rows = await segment.loadRows(hashes)
    const graph = entry.graph && (await segment.loadGraph(entry.graph)).toString()
    const tombstones = [...(await segment.loadTombstones()).ordinals(segment.count)]
    const values = [...new Float32Array(rows.vectors, rows.byteOffset, rows.count * dimension)]
    return { values, graph, tombstones }
  } finally {
    await segment.close()
  }
}

const outcomeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.catch((error: unknown) => error)

const parts = ['vectors', 'points', 'graph', 'tombstones'] as const
const entryOf = (entry: SegmentEntry, part: (typeof parts)[number]): FileEntry => {
  const found = entry[part]
  if (found === null) throw new Error(`no ${part}`)
  return found
}

describe('a sealed segment', () => {
  test('holds what the memory segment held', () =>
    checkProperty(
      'sealed segments',
      40,
      fc.asyncProperty(fc.array(anyPointInput, { minLength: 1, maxLength: 20 }), async (inputs) => {
        const disk = await emptyDirectory()
        const accepted = inputs.map((each) => acceptPoint(each, plainConfig))
        const stamp = { number: 1, count: accepted.length, dimension, lsn: 9 }
        const written = await writeSegment(disk, directory, memorySegment(accepted), stamp, hashes)
        const entry = {
          ...stamp,
          ...written,
          graph: null,
          lists: null,
          truth: null,
          tombstones: null,
        }
        const segment = await SealedSegment.open(placeOn(disk), entry)
        expect(segment.count).toBe(accepted.length)
        for (const [ordinal, point] of accepted.entries()) {
          expect(segment.id(ordinal)).toBe(point.id)
          expect(segment.metadata(ordinal)).toBe(point.metadata)
          expect(await segment.vector(ordinal)).toEqual(point.vector)
          const { bytes, offset } = segment.hash(ordinal)
          expect(bytes.subarray(offset, offset + HASH_BYTES)).toEqual(hashPoint(point))
        }
        expect((await segment.loadTombstones()).count).toBe(0)
        await segment.close()
        const { values } = await readWhole(disk, entry)
        expect(values).toEqual(accepted.flatMap(({ vector }) => [...vector]))
      }),
    ))

  test('case 13: is refused with any bit of any of its files flipped', async () => {
    const { disk, entry } = await sealed()
    const rows: string[] = []
    for (const part of parts) {
      const file = fileOf(entry[part])
      const good = await readAll(disk, file)
      for (let bit = 0; bit < 8 * good.length; bit++) {
        const bad = Buffer.from(good)
        bad.writeUInt8(bad.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
        await putFile(disk, file, bad)
        const outcome = await outcomeOf(readWhole(disk, entry))
        expect(outcome, `${part} bit ${bit}`).toMatchObject({
          code: 'damaged',
          place: { file, offset: expect.any(Number) },
        })
      }
      await putFile(disk, file, good)
      rows.push(`${part}: ${8 * good.length} bits: all damaged; harmless: none`)
    }
    expect(await readWhole(disk, entry)).toMatchObject({ tombstones: [1] })
    console.log(['case 13, files of a segment:', ...rows].join('\n  '))
  })

  test('case 13: gives no vector with any bit flipped, and the others still', async () => {
    const { disk, entry } = await sealed()
    const file = fileOf(entry.vectors)
    const good = await readAll(disk, file)
    for (let bit = 8 * SEGMENT_HEADER_BYTES; bit < 8 * good.length; bit++) {
      const bad = Buffer.from(good)
      bad.writeUInt8(bad.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      await putFile(disk, file, bad)
      const segment = await SealedSegment.open(placeOn(disk), entry)
      const row = Math.floor(((bit >> 3) - SEGMENT_HEADER_BYTES) / (4 * dimension))
      for (const [ordinal, { vector }] of points.entries()) {
        const outcome = await outcomeOf(segment.vector(ordinal))
        if (ordinal === row) {
          const place = { file, offset: rowOffset(row, dimension) }
          expect(outcome, `bit ${bit}`).toMatchObject({ code: 'damaged', place })
        } else {
          expect(outcome).toEqual(vector)
        }
      }
      await segment.close()
    }
    console.log(
      `case 13, single vectors: ${8 * (good.length - SEGMENT_HEADER_BYTES)} flipped bits, all refused`,
    )
  })

  test('case 18: names each file that is missing', async () => {
    for (const part of parts) {
      const { disk, entry } = await sealed()
      const file = fileOf(entry[part])
      await disk.unlink(file)
      const outcome = await outcomeOf(readWhole(disk, entry))
      expect(outcome).toMatchObject({ code: 'missing-file', exitCode: 13, place: { file } })
      expect(await disk.stat(file)).toBeUndefined()
    }
  })

  test('case 19: is refused when a file is that of another segment, even if the manifest has its hash', async () => {
    for (const part of parts) {
      const { disk, entry } = await sealed()
      const other = await seal(disk, hashes, 2, threePoints(2))
      const [file, strange] = [fileOf(entry[part]), fileOf(other[part])]
      const [own, foreign] = [await readAll(disk, file), await readAll(disk, strange)]
      await putFile(disk, file, foreign)
      await putFile(disk, strange, own)
      expect(await outcomeOf(readWhole(disk, entry)), part).toMatchObject({
        code: 'damaged',
        place: { file },
      })
      expect(await outcomeOf(readWhole(disk, other)), part).toMatchObject({
        code: 'damaged',
        place: { file: strange },
      })
      if (part === 'graph') continue // its own format says which segment it is of
      const swapped = { ...entryOf(other, part), path: entryOf(entry, part).path }
      expect(await outcomeOf(readWhole(disk, { ...entry, [part]: swapped })), part).toMatchObject({
        code: 'damaged',
        place: { file },
        message: expect.stringContaining('segment 2, not of segment 1'),
      })
    }
  })

  test('case 19: gives no vector when the rows are of other points, whole as the file may be', async () => {
    const { disk, entry } = await sealed()
    const good = await readAll(disk, fileOf(entry.vectors))
    const rowBytes = 4 * dimension
    const swapped = Buffer.concat([
      good.subarray(0, SEGMENT_HEADER_BYTES),
      good.subarray(SEGMENT_HEADER_BYTES + rowBytes, SEGMENT_HEADER_BYTES + 2 * rowBytes),
      good.subarray(SEGMENT_HEADER_BYTES, SEGMENT_HEADER_BYTES + rowBytes),
      good.subarray(SEGMENT_HEADER_BYTES + 2 * rowBytes),
    ])
    await putFile(disk, fileOf(entry.vectors), swapped)
    const vectors = { ...entry.vectors, pieces: pieceHashes(swapped) }
    const segment = await SealedSegment.open(placeOn(disk), { ...entry, vectors })
    for (const ordinal of [0, 1]) {
      await expect(segment.vector(ordinal)).rejects.toMatchObject({ code: 'damaged' })
    }
    expect(await segment.vector(2)).toEqual(points[2]?.vector)
    await segment.close()
  })

  test('case 21: is refused when a file is cut anywhere or grown', async () => {
    let lengths = 0
    for (const part of parts) {
      const { disk, entry } = await sealed()
      const file = fileOf(entry[part])
      const good = await readAll(disk, file)
      const changed = [
        ...Array.from({ length: good.length }, (_, length) => good.subarray(0, length)),
        Buffer.concat([good, Buffer.alloc(1)]),
        Buffer.concat([good, good]),
      ]
      for (const bytes of changed) {
        await putFile(disk, file, bytes)
        const outcome = await outcomeOf(readWhole(disk, entry))
        expect(outcome, `${part}, ${bytes.length} bytes`).toMatchObject({
          code: 'damaged',
          place: { file },
        })
        lengths++
      }
    }
    console.log(`case 21: the files of a segment at ${lengths} other lengths`)
  })

  test('is refused when the manifest states a size that no file has, before memory is taken for it', async () => {
    const { disk, entry } = await sealed()
    for (const part of parts) {
      for (const sizeBytes of [1, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
        const wrong = { ...entry, [part]: { ...entry[part], sizeBytes } }
        expect(await outcomeOf(readWhole(disk, wrong)), `${part} ${sizeBytes}`).toMatchObject({
          code: 'damaged',
          place: { file: fileOf(entry[part]) },
        })
      }
    }
  })

  test('case 31: leaves no file open when it is refused, or closed', async () => {
    const { disk, entry } = await sealed()
    const counting = new CountingDisk(disk)
    await readWhole(counting, entry)
    expect(counting.handles).toBe(0)
    for (const part of parts) {
      const file = fileOf(entry[part])
      const good = await readAll(disk, file)
      for (const bad of [Buffer.alloc(good.length), good.subarray(1)]) {
        await putFile(disk, file, bad)
        await expect(readWhole(counting, entry)).rejects.toMatchObject({ code: 'damaged' })
        expect(counting.handles, part).toBe(0)
      }
      await putFile(disk, file, good)
    }
  })

  test('case 27: says when a file cannot be read: that is not damage, and not absence', async () => {
    const { disk, entry } = await sealed()
    for (const part of parts) {
      const failing = new FaultyDisk(disk, {
        calls: ['read'],
        path: new RegExp(`${part}$`),
        errno: 'EIO',
        times: Number.POSITIVE_INFINITY,
      })
      expect(await outcomeOf(readWhole(failing, entry)), part).toMatchObject({ code: 'disk-error' })
    }
  })

  test('names the piece of a large file in which a bit is flipped', async () => {
    const wide = makeConfig({ dimension: 65_536, metric: 'l2', index: 'flat' })
    const count = 70 // 17.5 MiB of vectors: two pieces
    const large = Array.from({ length: count }, (_, id) =>
      acceptPoint({ id, vector: new Float32Array(wide.dimension).fill(id) }, wide),
    )
    const disk = await emptyDirectory()
    const stamp = { number: 1, count, dimension: wide.dimension, lsn: 1 }
    const written = await writeSegment(disk, directory, memorySegment(large), stamp, hashes)
    expect(written.vectors.pieces).toHaveLength(2)
    const entry = { ...stamp, ...written, graph: null, lists: null, truth: null, tombstones: null }
    const segment = await SealedSegment.open({ disk, directory, dimension: wide.dimension }, entry)
    expect((await segment.loadRows(hashes)).count).toBe(count)
    const handle = await disk.open(fileOf(entry.vectors), 'append')
    await handle.write(Buffer.from([1]), limits.pieceBytes + 12_345)
    await handle.close()
    await expect(segment.loadRows(hashes)).rejects.toMatchObject({
      code: 'damaged',
      place: { file: fileOf(entry.vectors), offset: limits.pieceBytes },
    })
    await segment.close()
  })
})
