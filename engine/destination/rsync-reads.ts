/**
 * Reading through rsync, which reads whole files and has no ranges: but it appends. A local file as long as
 * the offset, all of it a hole, is taken for a beginning that is there already, and what comes is the rest.
 * So the end of a long value costs its length only, and its beginning costs all of it.
 *
 * Bytes count when the whole run has ended well, and so was held against its checksums.
 */
import { dirname, join } from 'node:path'
import { nodeDisk } from '../base/disk.ts'
import { MiB } from '../base/limits.ts'
import type { StoredRange } from './destination.ts'
import { type BatchedRequest, RequestBatches } from './request-batches.ts'
import { isRootMissing, rsyncError } from './rsync-errors.ts'
import type { RsyncEntry } from './rsync-listing.ts'
import { type RsyncPlace, withScratch } from './rsync-place.ts'

interface Read extends BatchedRequest {
  readonly target: Uint8Array
  readonly offset: number
}

const lanes = 2
const asked = { lanes, requests: 1_000, bytes: Number.POSITIVE_INFINITY }
const fetched = { lanes, requests: 64, bytes: 32 * MiB }

export class RsyncReads {
  readonly #place: RsyncPlace
  readonly #asking: RequestBatches<BatchedRequest, RsyncEntry | undefined>
  readonly #fetching: RequestBatches<Read, StoredRange | undefined>

  constructor(place: RsyncPlace) {
    this.#place = place
    this.#asking = new RequestBatches((batch) => this.#ask(batch), asked)
    this.#fetching = new RequestBatches((batch) => this.#fetch(batch), fetched)
  }

  /** The file under a key; undefined when there is none. @throws `unsafe-entry` */
  async file(key: string): Promise<RsyncEntry | undefined> {
    const entry = await this.#asking.add({ key, weightBytes: 0 })
    if (entry === undefined || entry.kind === 'directory') return undefined
    if (entry.kind !== 'file') this.#place.refuse(key, entry.kind)
    return entry
  }

  async read(key: string, target: Uint8Array, offset: number): Promise<StoredRange | undefined> {
    if (target.length > 0) {
      const got = await this.#fetching.add({ key, target, offset, weightBytes: target.length })
      if (got !== undefined) return got
    }
    // missing, or nothing beyond the offset, or no file at all
    const entry = await this.file(key)
    return entry && { readBytes: 0, sizeBytes: entry.sizeBytes }
  }

  async #ask(batch: readonly BatchedRequest[]): Promise<(RsyncEntry | undefined)[]> {
    const keys = batch.map(({ key }) => key)
    await this.#place.mustBePlain(keys)
    const found = new Map(
      (await this.#place.entries(keys, 'self')).map((entry) => [entry.name, entry]),
    )
    return keys.map((key) => found.get(key))
  }

  async #fetch(batch: readonly Read[]): Promise<(StoredRange | undefined)[]> {
    await this.#place.mustBePlain(batch.map(({ key }) => key))
    return this.#place.again(() =>
      withScratch(async (directory) => {
        for (const { key, offset } of batch) await makeHole(join(directory, key), offset)
        const names = batch.map(({ key }) => key)
        const end = await this.#place.fetch(directory, names, [
          batch.some(({ offset }) => offset > 0) ? '--append' : '--whole-file',
        ])
        if (end.exitCode !== 0) {
          if (isRootMissing(end)) return batch.map(() => undefined)
          throw rsyncError(this.#place.url, end)
        }
        return Promise.all(batch.map((each) => readFetched(directory, each)))
      }),
    )
  }
}

/** A file of `sizeBytes` without a byte in it; none for a value that is read from its beginning. */
async function makeHole(file: string, sizeBytes: number): Promise<void> {
  if (sizeBytes === 0) return
  await nodeDisk.makeDirectory(dirname(file))
  const hole = await nodeDisk.open(file, 'create')
  try {
    await hole.truncate(sizeBytes)
  } finally {
    await hole.close()
  }
}

async function readFetched(directory: string, read: Read): Promise<StoredRange | undefined> {
  const { key, target, offset } = read
  const path = join(directory, key)
  const stat = await nodeDisk.stat(path)
  if (stat?.kind !== 'file') return undefined
  const { sizeBytes } = stat
  if (offset > 0 && sizeBytes <= offset) return undefined // a hole that did not grow is no answer
  const file = await nodeDisk.open(path, 'read')
  try {
    return { readBytes: await file.read(target, offset), sizeBytes }
  } finally {
    await file.close()
  }
}
