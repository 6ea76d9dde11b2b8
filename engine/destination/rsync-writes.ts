/**
 * Writing through rsync, which has no "only if absent" that holds against a second writer: it looks, then
 * copies to a temporary name, then renames over whatever stands there by then. But it can be left with `link`
 * as the only way to make a file, and of any number of `link`s to one name the file system lets one pass:
 *
 * 1. the values go to `.tmp/<random>/<key>`, fsynced (`--fsync`), each beside a name that nobody else uses;
 * 2. a second run is told that all of them are there already (`--link-dest=.tmp/<random>`) and skips what
 *    stands (`--ignore-existing`). Where `link` fails rsync would copy after all; it cannot, for its temporary
 *    files are to lie in `/dev/fd`, where no file can be made, not even by root.
 *
 * It says `hf` of a name that was linked, and of nothing else: that one has won. Whether the guard holds over
 * there is tried before the first such put, with a name that has nothing to be linked to.
 *
 * A value that may replace another is copied to `.tmp`, fsynced and renamed, by rsync.
 *
 * `flush` sends one small fsynced file. Names are not fsynced by rsync, but file systems with a journal (ext4,
 * XFS, ZFS) write it in order, and so the names before it are durable with that file. Btrfs makes no such
 * promise: there a power cut within half a minute may take the newest names.
 */
import { randomUUID } from 'node:crypto'
import { dirname, join } from 'node:path'
import { nodeDisk, writeNewFile } from '../base/disk.ts'
import { fail } from '../base/errors.ts'
import { MiB } from '../base/limits.ts'
import { type BatchedRequest, RequestBatches } from './request-batches.ts'
import { rsyncError, rsyncExit } from './rsync-errors.ts'
import { isLinked, parseChange } from './rsync-listing.ts'
import { asideFolder, type RsyncPlace, withScratch } from './rsync-place.ts'
import type { RsyncEnd } from './rsync-process.ts'
import type { RsyncReads } from './rsync-reads.ts'

interface Put extends BatchedRequest {
  readonly bytes: Uint8Array
  /** Set when it may have been linked, and the answer was lost. */
  isDoubtful: boolean
}

const lanes = 2
const sent = { lanes, requests: 64, bytes: 32 * MiB }
const removed = { lanes, requests: 1_000, bytes: Number.POSITIVE_INFINITY }

/** Where a temporary file cannot be made, on every system that has it. */
const nowhere = '/dev/fd'
const markName = `${asideFolder}/flushed`

export class RsyncWrites {
  readonly #place: RsyncPlace
  readonly #reads: RsyncReads
  readonly #putting: RequestBatches<Put, boolean>
  readonly #replacing: RequestBatches<Put, undefined>
  readonly #removing: RequestBatches<BatchedRequest, undefined>
  #prepared: Promise<void> | undefined
  /** Below `.tmp`, of puts that are done. */
  readonly #aside = new Set<string>()
  #isUnflushed = false

  constructor(place: RsyncPlace, reads: RsyncReads) {
    this.#place = place
    this.#reads = reads
    this.#putting = new RequestBatches((batch) => this.#put(batch), sent)
    this.#replacing = new RequestBatches((batch) => this.#replace(batch), sent)
    this.#removing = new RequestBatches((batch) => this.#remove(batch), removed)
  }

  /** @returns whether it was absent */
  put(key: string, bytes: Uint8Array): Promise<boolean> {
    this.#isUnflushed = true
    return this.#putting.add({ key, bytes, weightBytes: bytes.length, isDoubtful: false })
  }

  async replace(key: string, bytes: Uint8Array): Promise<void> {
    this.#isUnflushed = true
    await this.#prepare()
    await this.#reads.file(key) // refuses a link
    await this.#replacing.add({ key, bytes, weightBytes: bytes.length, isDoubtful: false })
  }

  /** Absent is fine. */
  async remove(key: string): Promise<void> {
    if ((await this.#reads.file(key)) === undefined) return
    this.#isUnflushed = true
    await this.#removing.add({ key, weightBytes: 0 })
  }

  /** Removes what lies aside under a name. Absent is fine. */
  async removeAside(name: string): Promise<void> {
    await this.#clear([`${asideFolder}/${name}`], [])
  }

  /** What was found is to be durable, also what another one has just put. */
  note(): void {
    this.#isUnflushed = true
  }

  async flush(): Promise<void> {
    if (!this.#isUnflushed) return
    this.#isUnflushed = false
    try {
      await this.#prepare()
      await this.#sweep([markName])
    } catch (error) {
      this.#isUnflushed = true
      throw error
    }
  }

  async #put(batch: readonly Put[]): Promise<boolean[]> {
    await this.#prepare()
    await this.#place.mustBePlain(batch.map(({ key }) => key))
    return this.#place.again(() =>
      withScratch(async (directory) => {
        for (const { key, bytes } of batch) await stage(join(directory, key), bytes)
        // what stands already need not be sent: it will not be linked either
        const linked = await this.#putOnce(directory, batch, [
          '--size-only',
          '--compare-dest=../../',
        ])
        const gone = await this.#missing(batch, linked)
        // it stood, and was not sent, and then somebody removed it
        const now = gone.length === 0 ? undefined : await this.#putOnce(directory, gone, [])
        for (const key of now ?? []) linked.add(key)
        return Promise.all(batch.map(async (put) => linked.has(put.key) || this.#hasOurs(put)))
      }),
    )
  }

  /** @returns the keys that were linked by this */
  async #putOnce(
    directory: string,
    batch: readonly Put[],
    options: readonly string[],
  ): Promise<Set<string>> {
    const name = randomUUID()
    const aside = `${asideFolder}/${name}`
    const names = batch.map(({ key }) => key)
    try {
      const sending = ['--fsync', '--whole-file', ...options]
      this.#mustEndWell(await this.#place.send(directory, `${aside}/`, names, sending))
      const linked = await this.#link(directory, aside, batch)
      const isSentAgain = options.length === 0
      const gone = isSentAgain ? await this.#missing(batch, linked.keys) : []
      if (gone[0] !== undefined && linked.end.exitCode === rsyncExit.partial) {
        this.#refuseLink(linked.end, gone[0].key)
      }
      return linked.keys
    } finally {
      this.#aside.add(name) // not before: nobody may sweep what is still to be linked
    }
  }

  async #link(directory: string, aside: string, batch: readonly Put[]) {
    const names = batch.map(({ key }) => key)
    try {
      const end = await this.#place.send(directory, '', names, [
        '--size-only',
        '--ignore-existing',
        `--link-dest=${aside}`,
        `--temp-dir=${nowhere}`,
        '-ii',
        '--out-format=%i %n',
      ])
      if (end.exitCode !== rsyncExit.partial) this.#mustEndWell(end)
      const changes = end.lines.flatMap((line) => parseChange(line) ?? [])
      const keys = new Set(changes.filter(isLinked).map(({ name }) => name))
      // should the line break before the answer is out, what stands is ours
      for (const put of batch) put.isDoubtful ||= keys.has(put.key)
      return { end, keys }
    } catch (error) {
      for (const put of batch) put.isDoubtful = true
      throw error
    }
  }

  /** Those that neither were linked nor stand. */
  async #missing(batch: readonly Put[], linked: ReadonlySet<string>): Promise<Put[]> {
    const others = batch.filter(({ key }) => !linked.has(key))
    const found = await Promise.all(others.map(({ key }) => this.#reads.file(key))) // refuses a link
    return others.filter((_, index) => found[index] === undefined)
  }

  #refuseLink(end: RsyncEnd, key: string): never {
    const { code, message, hint } = rsyncError(this.#place.url, end)
    if (code === 'disk-refused' || code === 'disk-full') fail(code, message, hint)
    return fail(
      'unsupported-destination',
      `${this.#place.locate(key)} could not be made by a hard link: ${message}`,
      'The file system over there must have hard links, and be one and the same below the whole repository.',
    )
  }

  /** Whether what stands is what an earlier try has put, whose answer was lost. */
  async #hasOurs({ key, bytes, isDoubtful }: Put): Promise<boolean> {
    const standing = await this.#reads.file(key) // refuses a link
    if (!isDoubtful || standing?.sizeBytes !== bytes.length) return false
    const read = Buffer.alloc(bytes.length)
    const got = await this.#reads.read(key, read, 0)
    return got?.readBytes === bytes.length && read.equals(bytes)
  }

  async #replace(batch: readonly Put[]): Promise<undefined[]> {
    const names = batch.map(({ key }) => key)
    await this.#place.again(() =>
      withScratch(async (directory) => {
        for (const { key, bytes } of batch) await stage(join(directory, key), bytes)
        const options = ['--fsync', '--whole-file', '--ignore-times', `--temp-dir=${asideFolder}`]
        this.#mustEndWell(await this.#place.send(directory, '', names, options))
      }),
    )
    return batch.map(() => undefined)
  }

  async #remove(batch: readonly BatchedRequest[]): Promise<undefined[]> {
    const names = batch.map(({ key }) => key)
    await this.#place.again(() =>
      withScratch(async (directory) => {
        const end = await this.#place.send(directory, '', names, ['--delete-missing-args'])
        if (end.exitCode !== rsyncExit.vanished) this.#mustEndWell(end)
      }),
    )
    // who gives a lock back and has nothing to flush is to leave nothing either
    if (this.#aside.size > 0) await this.#sweep([])
    return batch.map(() => undefined)
  }

  /** Removes what was put aside and is done, and makes `marks`. */
  async #sweep(marks: readonly string[]): Promise<void> {
    const done = [...this.#aside]
    await this.#clear(
      done.map((name) => `${asideFolder}/${name}`),
      marks,
    )
    for (const name of done) this.#aside.delete(name)
  }

  /** Removes what is aside, with all below it, and makes `marks` anew, durably. */
  async #clear(names: readonly string[], marks: readonly string[]): Promise<void> {
    await this.#place.again(() =>
      withScratch(async (directory) => {
        for (const mark of marks) await stage(join(directory, mark), Buffer.from(randomUUID()))
        const end = await this.#place.send(
          directory,
          '',
          [...names, ...marks],
          ['--fsync', '--whole-file', '--ignore-times', '--delete-missing-args', '--force'],
        )
        if (end.exitCode !== rsyncExit.vanished) this.#mustEndWell(end)
      }),
    )
  }

  /**
   * Makes the root, and the place for what is put aside; and tries the guard.
   * @throws `unsupported-destination` when a file can be made over there in another way than by `link`
   */
  #prepare(): Promise<void> {
    this.#prepared ??= this.#place.again(() => this.#make())
    this.#prepared.catch(() => {
      this.#prepared = undefined
    })
    return this.#prepared
  }

  async #make(): Promise<void> {
    const guard = `${asideFolder}/guard-${randomUUID()}`
    const end = await withScratch(async (directory) => {
      await stage(join(directory, guard), Buffer.from('this file must not come into being'))
      // a link in place of .tmp is kept, for us to see it
      const options = ['--dirs', '--keep-dirlinks', '--whole-file', `--temp-dir=${nowhere}`]
      const make = async (...more: string[]) => {
        const send = () =>
          this.#place.send(directory, '', [asideFolder, guard], [...options, ...more])
        let end = await send()
        // another writer made the directory between rsync's look and its mkdir: now it is there
        for (let left = othersFirst; left > 0 && isMadeByOther(end); left--) end = await send()
        return end
      }
      const made = await make()
      // the directories above the root, in one go
      const isAlone = /mkdir ".*" failed: No such file or directory \(2\)/.test(made.stderr)
      return isAlone ? make('--mkpath') : made
    })
    if (end.exitCode !== rsyncExit.partial) this.#mustEndWell(end)
    const found = await this.#place.look(['', asideFolder])
    const aside = found.find(({ name }) => name === asideFolder)
    if (aside === undefined) throw rsyncError(this.#place.url, end)
    if (aside.kind !== 'directory') this.#place.refuse(asideFolder, aside.kind)
    if (!found.some(({ name }) => name === guard)) return
    await this.#clear([guard], [])
    fail(
      'unsupported-destination',
      `${this.#place.url}: files can be made in ${nowhere} over there, so two backups could overwrite each other; nothing is written`,
      'Use a host with an ordinary /dev/fd (Linux, BSD, macOS), or another kind of destination.',
    )
  }

  #mustEndWell(end: RsyncEnd): void {
    if (end.exitCode !== 0) throw rsyncError(this.#place.url, end)
  }
}

/** Times that others may be quicker to make one of the directories above the root. */
const othersFirst = 8

const isMadeByOther = ({ stderr }: RsyncEnd): boolean =>
  /mkdir ".*" failed: File exists \(17\)/.test(stderr)

async function stage(file: string, bytes: Uint8Array): Promise<void> {
  await nodeDisk.makeDirectory(dirname(file))
  await writeNewFile(nodeDisk, file, bytes, { durable: false })
}
