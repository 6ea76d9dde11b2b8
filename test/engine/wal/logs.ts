/** Logs on a disk in memory, for the tests of the write-ahead log. */
import type { Clock } from '../../../engine/base/clock.ts'
import type { Disk } from '../../../engine/base/disk.ts'
import { systemTimer } from '../../../engine/base/timer.ts'
import { decodeOperation, type Operation } from '../../../engine/format/operation.ts'
import type { WalRecord } from '../../../engine/format/wal-record.ts'
import type { Commit } from '../../../engine/wal/log-group.ts'
import { type LogEnd, type LogPosition, replayWal } from '../../../engine/wal/replay.ts'
import { createWal, walFileName } from '../../../engine/wal/wal-files.ts'
import { WalWriter, type WalWriterOptions } from '../../../engine/wal/wal-writer.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { identity, plainConfig, pointOf } from '../format/samples.ts'

export const directory = '/wal'
export const logFile = (firstLsn: number): string => `${directory}/${walFileName(firstLsn)}`

export const beginning: LogPosition = { lsn: 0, chain: 0, committedAtUs: 0 }

/** An empty log, durable. */
export async function emptyLog(disk: Disk = new MemoryDisk()): Promise<void> {
  await disk.makeDirectory(directory)
  await disk.syncDirectory('/')
  await createWal(disk, directory, { identity, firstLsn: 1, chain: 0 })
}

export async function memoryLog(): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  await emptyLog(disk)
  return disk
}

export interface Replayed {
  readonly records: readonly WalRecord[]
  readonly operations: readonly Operation[]
  readonly end: LogEnd
}

export async function replay(disk: Disk, from = beginning, owner = identity): Promise<Replayed> {
  const records: WalRecord[] = []
  const end = await replayWal(disk, directory, owner, from, (record) => records.push(record))
  const operations = records.map((record) => decodeOperation(record, plainConfig.dimension))
  return { records, operations, end }
}

export interface OpenLog {
  readonly writer: WalWriter
  /** What was applied by this writer, in order. */
  readonly commits: Commit[]
  /** The LSNs that the watermark was told. */
  readonly durable: number[]
}

export async function openLog(
  disk: Disk,
  options: Partial<WalWriterOptions> & { clock?: Clock; from?: LogPosition } = {},
): Promise<OpenLog> {
  const { end } = await replay(disk, options.from ?? beginning)
  const commits: Commit[] = []
  const durable: number[] = []
  const writer = await WalWriter.open(
    {
      disk,
      clock: manualClock(),
      directory,
      identity,
      onCommit: (commit) => commits.push(commit),
      prepare: () => {},
      onDurable: async (lsn) => {
        durable.push(lsn)
      },
      before: () => undefined,
      durability: { mode: 'always' },
      timer: systemTimer,
      onFailure: () => {},
      ...options,
    },
    end,
  )
  return { writer, commits, durable }
}

/** An upsert of one point that is told apart by its number. */
export const upsertOf = (number: number, bytes = 0): Operation => ({
  kind: 'upsert',
  points: [pointOf(number, bytes === 0 ? {} : { text: 'x'.repeat(bytes) })],
})

/** Records of every kind and several sizes. */
export const someOperations: readonly Operation[] = [
  upsertOf(1),
  { kind: 'delete', ids: ['a', 7, 'é'] },
  { kind: 'upsert', points: [pointOf('a', { b: [1, 'two'] }), pointOf(2 ** 40)] },
  { kind: 'digest', digest: 'ab'.repeat(32), count: 3 },
  { kind: 'upsert', points: [] },
  upsertOf(6, 40),
]

/** Puts other bytes at `file`, whatever was there. */
export async function putFile(disk: Disk, file: string, bytes: Uint8Array): Promise<void> {
  await disk.unlink(file)
  const handle = await disk.open(file, 'create')
  await handle.write(bytes, 0)
  await handle.sync()
  await handle.close()
}

export const readAll = (disk: Disk, file: string): Promise<Buffer> => disk.readFile(file, 2 ** 30)

export interface WrittenLog {
  readonly disk: MemoryDisk
  readonly file: string
  readonly bytes: Buffer
  /** Offset at which each record ends; the first entry is the end of the file header. */
  readonly ends: readonly number[]
}

/** A log of one file, each operation in a group of its own. */
export async function writtenLog(operations = someOperations): Promise<WrittenLog> {
  const disk = await memoryLog()
  const { writer } = await openLog(disk)
  const ends = [writer.tail.offset]
  for (const operation of operations) {
    await writer.append(operation)
    ends.push(writer.tail.offset)
  }
  const { file } = writer.tail
  await writer.close()
  return { disk, file, bytes: await readAll(disk, file), ends }
}
