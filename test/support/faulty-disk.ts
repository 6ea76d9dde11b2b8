/**
 * A disk that fails on command, over any other disk.
 *
 * It numbers and records every call, and can make the Nth matching call fail with a given errno, once,
 * a few times or for ever, with or without a part of a write reaching the disk below. A fault that
 * lasts for ever on every call is a process that died: nothing after it takes effect.
 */
import assert from 'node:assert'
import type { Disk, DiskFile, EntryStat, OpenMode } from '../../engine/base/disk.ts'
import { diskError } from '../../engine/base/disk-error.ts'

/** The calls that change something. `close` is never failed: it only releases the descriptor. */
export const mutatingCalls = [
  'create',
  'write',
  'truncate',
  'sync',
  'rename',
  'link',
  'unlink',
  'makeDirectory',
  'removeTree',
  'syncDirectory',
] as const

export const readingCalls = ['open', 'read', 'readFile', 'list', 'stat', 'freeBytes'] as const

/** `create` is an open that makes a file; `sync` is fsync and fdatasync; a durable write is a `write` and a `sync`. */
export type DiskCall = (typeof mutatingCalls)[number] | (typeof readingCalls)[number]

export interface DiskRecord {
  /** Counts all calls of the disk, from 1. */
  readonly number: number
  readonly call: DiskCall
  /** For a rename or link the new name. */
  readonly path: string
  /** Bytes of a write or read. */
  readonly bytes?: number
}

export interface Fault {
  /** Which calls are counted and failed. Default: the mutating ones. */
  readonly calls?: readonly DiskCall[]
  /** Only paths that match. Default: all. */
  readonly path?: RegExp
  /** The first matching call to fail, counted from 1. Default 1. */
  readonly at?: number
  /** How many matching calls in a row fail. Default 1; `Infinity` is for ever. */
  readonly times?: number
  /** `EIO`, `ENOSPC`, `EROFS`, `EINTR`, … */
  readonly errno: string
  /** Bytes of a failing write that reach the disk before it fails. Default 0. */
  readonly writtenBytes?: number
}

interface ArmedFault extends Fault {
  seen: number
  hits: number
}

export class FaultyDisk implements Disk {
  readonly records: DiskRecord[] = []
  readonly #inner: Disk
  #faults: ArmedFault[] = []

  constructor(inner: Disk, ...faults: Fault[]) {
    this.#inner = inner
    for (const fault of faults) this.arm(fault)
  }

  /** Adds a fault; its calls are counted from now on. */
  arm(fault: Fault): void {
    this.#faults.push({ ...fault, seen: 0, hits: 0 })
  }

  /** The disk is well again. */
  disarm(): void {
    this.#faults = []
  }

  /** How many calls failed on purpose. */
  get hits(): number {
    return this.#faults.reduce((sum, fault) => sum + fault.hits, 0)
  }

  /** How often `call` was made, optionally on paths that match. */
  count(call: DiskCall, path = /^/): number {
    return this.records.filter((each) => each.call === call && path.test(each.path)).length
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    await this.#enter(mode === 'create' ? 'create' : 'open', path)
    return this.#wrap(await this.#inner.open(path, mode))
  }

  async readFile(path: string, maxBytes: number): Promise<Buffer> {
    await this.#enter('readFile', path)
    return this.#inner.readFile(path, maxBytes)
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#enter('rename', to)
    return this.#inner.rename(from, to)
  }

  async link(from: string, to: string): Promise<boolean> {
    await this.#enter('link', to)
    return this.#inner.link(from, to)
  }

  async unlink(path: string): Promise<void> {
    await this.#enter('unlink', path)
    return this.#inner.unlink(path)
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#enter('makeDirectory', path)
    return this.#inner.makeDirectory(path)
  }

  async list(path: string): Promise<string[]> {
    await this.#enter('list', path)
    return this.#inner.list(path)
  }

  async stat(path: string): Promise<EntryStat | undefined> {
    await this.#enter('stat', path)
    return this.#inner.stat(path)
  }

  async removeTree(path: string): Promise<void> {
    await this.#enter('removeTree', path)
    return this.#inner.removeTree(path)
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#enter('syncDirectory', path)
    return this.#inner.syncDirectory(path)
  }

  async freeBytes(path: string): Promise<number> {
    await this.#enter('freeBytes', path)
    return this.#inner.freeBytes(path)
  }

  threadPath(): undefined {
    return undefined
  }

  #wrap(file: DiskFile): DiskFile {
    const { path } = file
    return {
      path,
      read: async (target, position) => {
        await this.#enter('read', path, target.length)
        return file.read(target, position)
      },
      write: async (bytes, position) => {
        await this.#enterWrite(file, bytes, position)
        return file.write(bytes, position)
      },
      writeDurably: async (bytes, position) => {
        await this.#enterWrite(file, bytes, position)
        try {
          await this.#enter('sync', path)
        } catch (error) {
          await file.write(bytes, position)
          throw error
        }
        return file.writeDurably(bytes, position)
      },
      truncate: async (sizeBytes) => {
        await this.#enter('truncate', path)
        return file.truncate(sizeBytes)
      },
      sizeBytes: () => file.sizeBytes(),
      sync: async () => {
        await this.#enter('sync', path)
        return file.sync()
      },
      dataSync: async () => {
        await this.#enter('sync', path)
        return file.dataSync()
      },
      close: () => file.close(),
    }
  }

  async #enterWrite(file: DiskFile, bytes: Uint8Array, position: number): Promise<void> {
    await this.#enter('write', file.path, bytes.length, async (reaching) => {
      if (reaching > 0) await file.write(bytes.subarray(0, reaching), position)
    })
  }

  /** Records the call and throws when a fault wants it. `partly` lets a part of a write through. */
  async #enter(
    call: DiskCall,
    path: string,
    bytes?: number,
    partly?: (bytes: number) => Promise<void>,
  ): Promise<void> {
    const number = this.records.length + 1
    this.records.push({ number, call, path, ...(bytes !== undefined && { bytes }) })
    let failing: ArmedFault | undefined
    for (const fault of this.#faults) {
      const calls: readonly DiskCall[] = fault.calls ?? mutatingCalls
      if (!calls.includes(call) || !(fault.path ?? /^/).test(path)) continue
      fault.seen++
      const first = fault.at ?? 1
      if (fault.seen >= first && fault.seen < first + (fault.times ?? 1)) failing ??= fault
    }
    if (failing === undefined) return
    failing.hits++
    await partly?.(Math.min(failing.writtenBytes ?? 0, bytes ?? 0))
    const { errno } = failing
    throw diskError(
      Object.assign(new Error(`${errno}: planted`), { code: errno }),
      actionOf(call, errno),
      path,
    )
  }
}

/** What the real disk would have been doing: a directory is opened before it is synced. */
const actionOf = (call: DiskCall, errno: string): string => {
  if (call === 'sync') return 'fsync'
  if (call !== 'syncDirectory') return call
  return errno === 'EMFILE' || errno === 'EACCES' ? 'open' : 'fsync directory'
}

const isMutating = (record: DiskRecord): boolean =>
  (mutatingCalls as readonly DiskCall[]).includes(record.call) // widened: includes() wants its own type

export interface CrashPoint<D extends Disk> {
  /** The disk as the dead process left it. */
  readonly disk: D
  /** Mutating calls that took effect before the process died. */
  readonly survived: number
  /** The call that did not take effect any more. */
  readonly lost: DiskRecord
}

/**
 * Kills a piece of work at each of its mutating calls in turn. For every point: `prepare` makes a fresh
 * disk, `work` runs on it until the planned call fails like everything after it, and `check` looks at
 * what is left. Ends with the first run that no fault hits. Whatever `work` throws after its death is
 * ignored; a run that nothing killed must not throw.
 * @returns the number of points.
 */
export async function killAtEveryCall<D extends Disk>(plan: {
  readonly prepare: () => Promise<D>
  readonly work: (disk: FaultyDisk) => Promise<unknown>
  readonly check: (point: CrashPoint<D>) => Promise<void>
  /** Bytes of the fatal write that still reach the disk. Default 0. */
  readonly writtenBytes?: number
  /** Only at each so many-th call. Default 1. */
  readonly every?: number
}): Promise<number> {
  for (let survived = 0, points = 0; ; survived += plan.every ?? 1, points++) {
    const inner = await plan.prepare()
    const disk = new FaultyDisk(inner, {
      at: survived + 1,
      times: Number.POSITIVE_INFINITY,
      errno: 'EIO',
      writtenBytes: plan.writtenBytes ?? 0,
    })
    try {
      await plan.work(disk)
    } catch (error) {
      if (disk.hits === 0) throw error
    }
    if (disk.hits === 0) return points
    const lost = disk.records.filter(isMutating)[survived]
    assert(lost)
    await plan.check({ disk: inner, survived, lost })
  }
}
