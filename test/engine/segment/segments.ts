/** Segments on a disk in memory, for the tests of segments. */
import type { Disk, DiskFile, OpenMode } from '../../../engine/base/disk.ts'
import type { HashThreads } from '../../../engine/base/hash-threads.ts'
import type { FileEntry, SegmentEntry } from '../../../engine/format/manifest.ts'
import { acceptPoint, hashPoint, type StoredPoint } from '../../../engine/format/point.ts'
import { Tombstones } from '../../../engine/format/tombstones-file.ts'
import { MemorySegment } from '../../../engine/segment/memory-segment.ts'
import type { SegmentPlace } from '../../../engine/segment/sealed-segment.ts'
import { writeEntry, writeSegment, writeTombstones } from '../../../engine/segment/write-segment.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { plainConfig } from '../format/samples.ts'

export const directory = '/items'
export const dimension = plainConfig.dimension

export const placeOn = (disk: Disk): SegmentPlace => ({ disk, directory, dimension })

export async function emptyDirectory(): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  await disk.makeDirectory(`${directory}/segments`)
  return disk
}

export function memorySegment(points: readonly StoredPoint[]): MemorySegment {
  const segment = new MemorySegment(points[0]?.vector.length ?? dimension)
  for (const point of points) segment.append(point, hashPoint(point))
  return segment
}

/** Three points; `salt` tells segments apart. */
export const threePoints = (salt: number): StoredPoint[] =>
  ['a', 'b', 7].map((id, index) =>
    acceptPoint({ id, vector: [salt, index, -1.5], metadata: { salt } }, plainConfig),
  )

/** Seals `points` as segment `number`, with one tombstone and bytes in place of a graph. */
export async function seal(
  disk: Disk,
  hashes: HashThreads,
  number: number,
  points: readonly StoredPoint[],
): Promise<SegmentEntry> {
  const stamp = { number, count: points.length, dimension, lsn: 41 }
  const written = await writeSegment(disk, directory, memorySegment(points), stamp, hashes)
  const tombstones = new Tombstones()
  tombstones.add(1)
  const graph = Buffer.from(`not a graph, but bytes of segment ${number}`)
  return {
    number,
    count: points.length,
    vectors: written.vectors,
    points: written.points,
    graph: await writeEntry(disk, directory, `segments/0000000${number}.graph`, graph),
    lists: null,
    truth: null,
    tombstones: await writeTombstones(disk, directory, tombstones, stamp),
  }
}

export const fileOf = (entry: FileEntry | null): string => `${directory}/${entry?.path}`

/** A disk that counts the handles that are open. */
export class CountingDisk extends FaultyDisk {
  handles = 0

  override async open(path: string, mode: OpenMode): Promise<DiskFile> {
    const file = await super.open(path, mode)
    this.handles++
    return {
      ...file,
      close: async () => {
        this.handles--
        await file.close()
      },
    }
  }
}
