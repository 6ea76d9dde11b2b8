import { afterAll, describe, expect, test } from 'vitest'
import { sha256Hex } from '../../../engine/base/checksum.ts'
import { HashThreads } from '../../../engine/base/hash-threads.ts'
import { limits } from '../../../engine/base/limits.ts'
import { decodePoints } from '../../../engine/format/points-file.ts'
import { decodeTombstones, Tombstones } from '../../../engine/format/tombstones-file.ts'
import { decodeVectorsHeader, rowOffset } from '../../../engine/format/vectors-file.ts'
import {
  pieceHashes,
  writeEntry,
  writeSegment,
  writeTombstones,
} from '../../../engine/segment/write-segment.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { readAll } from '../wal/logs.ts'
import {
  dimension,
  directory,
  emptyDirectory,
  fileOf,
  memorySegment,
  threePoints,
} from './segments.ts'

const hashes = new HashThreads()
afterAll(() => hashes.close())

const stamp = { number: 5, count: 3, dimension, lsn: 41 }
const expected = { number: 5, count: 3, dimension }

describe('a sealed segment', () => {
  test('has the rows and points of the memory segment, and entries that fit the files', async () => {
    const disk = await emptyDirectory()
    const points = threePoints(1)
    const {
      vectors,
      points: table,
      rows,
    } = await writeSegment(disk, directory, memorySegment(points), stamp, hashes)
    expect([vectors.path, table.path]).toEqual([
      'segments/00000005.vectors',
      'segments/00000005.points',
    ])
    for (const entry of [vectors, table]) {
      const bytes = await readAll(disk, fileOf(entry))
      expect(entry).toEqual({
        path: entry.path,
        sizeBytes: bytes.length,
        pieces: [sha256Hex(bytes)],
      })
    }
    const file = await readAll(disk, fileOf(vectors))
    expect(decodeVectorsHeader(file, file.length, expected, 'x').lsn).toBe(41)
    points.forEach(({ vector }, ordinal) => {
      const at = rowOffset(ordinal, dimension)
      expect([0, 4, 8].map((offset) => file.readFloatLE(at + offset))).toEqual([...vector])
    })
    const decoded = decodePoints(await readAll(disk, fileOf(table)), expected, 'x')
    expect(points.map((_, ordinal) => decoded.id(ordinal))).toEqual(['a', 'b', 7])
    expect(Buffer.from(rows.vectors)).toEqual(file)
    expect(rows).toMatchObject({ byteOffset: rowOffset(0, dimension), count: 3, dimension })
  })

  test('is durable but for its names before the manifest can name it', async () => {
    const disk = await emptyDirectory()
    await disk.syncDirectory('/')
    await disk.syncDirectory(directory)
    await writeSegment(disk, directory, memorySegment(threePoints(1)), stamp, hashes)
    await disk.syncDirectory(`${directory}/segments`)
    const survivor = disk.crashLosingAll()
    for (const name of await disk.list(`${directory}/segments`)) {
      const path = `${directory}/segments/${name}`
      expect(await readAll(survivor, path)).toEqual(await readAll(disk, path))
    }
  })

  test('is written as a whole or not at all: a segment that grew meanwhile is a bug', async () => {
    const disk = await emptyDirectory()
    const segment = memorySegment(threePoints(1))
    for (const count of [2, 4]) {
      const wrong = writeSegment(disk, directory, segment, { ...stamp, count }, hashes)
      await expect(wrong).rejects.toThrow(/sealed as a whole/)
    }
    expect(await disk.list(`${directory}/segments`)).toEqual([])
  })

  test('never takes the place of a file that is there', async () => {
    const disk = await emptyDirectory()
    const write = () => writeSegment(disk, directory, memorySegment(threePoints(1)), stamp, hashes)
    await write()
    await expect(write()).rejects.toMatchObject({ code: 'disk-error' })
  })

  test('says which file could not be written', async () => {
    for (const [call, code] of [
      ['write', 'disk-full'],
      ['sync', 'fsync-failed'],
      ['create', 'disk-full'],
    ] as const) {
      for (const path of [/vectors$/, /points$/]) {
        const disk = new FaultyDisk(await emptyDirectory(), {
          calls: [call],
          path,
          errno: 'ENOSPC',
        })
        const written = writeSegment(disk, directory, memorySegment(threePoints(1)), stamp, hashes)
        await expect(written).rejects.toMatchObject({
          code,
          place: { file: expect.stringMatching(path) },
        })
      }
    }
  })
})

describe('the pieces of a file', () => {
  test('are of 16 MiB, the last one shorter', () => {
    const bytes = Buffer.alloc(2 * limits.pieceBytes + 5, 7)
    const [first, second, third, ...rest] = pieceHashes(bytes)
    expect(first).toBe(sha256Hex(bytes.subarray(0, limits.pieceBytes)))
    expect(second).toBe(first)
    expect(third).toBe(sha256Hex(Buffer.alloc(5, 7)))
    expect(rest).toEqual([])
    expect(pieceHashes(bytes.subarray(0, limits.pieceBytes))).toEqual([first])
    expect(pieceHashes(Buffer.alloc(0))).toEqual([])
  })
})

describe('tombstones', () => {
  test('are written beside older ones, under the LSN of their state', async () => {
    const disk = await emptyDirectory()
    const tombstones = new Tombstones()
    tombstones.add(1)
    const older = await writeTombstones(disk, directory, tombstones, stamp)
    tombstones.add(2)
    const newer = await writeTombstones(disk, directory, tombstones, { ...stamp, lsn: 42 })
    expect([older.path, newer.path]).toEqual([
      'segments/00000005.0000000000000041.tombstones',
      'segments/00000005.0000000000000042.tombstones',
    ])
    for (const [entry, ordinals] of [
      [older, [1]],
      [newer, [1, 2]],
    ] as const) {
      const read = decodeTombstones(await readAll(disk, fileOf(entry)), expected, 'x')
      expect([...read.ordinals(3)]).toEqual(ordinals)
    }
  })
})

describe('an entry', () => {
  test('says what was written', async () => {
    const disk = await emptyDirectory()
    const bytes = Buffer.from('graph')
    const entry = await writeEntry(disk, directory, 'segments/00000005.graph', bytes)
    expect(entry).toEqual({
      path: 'segments/00000005.graph',
      sizeBytes: 5,
      pieces: [sha256Hex(bytes)],
    })
    expect(await readAll(disk, fileOf(entry))).toEqual(bytes)
  })
})
