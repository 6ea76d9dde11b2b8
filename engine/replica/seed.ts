/**
 * Seeding: a standby takes the base of its primary, proves it, and puts it in place of what it had.
 *
 * Files that are here already, of an interrupted seeding or of the copy that is replaced, are taken when their
 * hashes say that they are the same: a sealed segment never changes. Nothing counts before the state was
 * proven against the count and digest that the primary stated; until then the copy that was there stays.
 */
import * as path from 'node:path'
import { sha256Hex } from '../base/checksum.ts'
import type { Disk } from '../base/disk.ts'
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Collection } from '../collection/collection.ts'
import {
  type NodeAddress,
  type ReplicaState,
  readAncestor,
  readMember,
  readReplaced,
  unreplicated,
  withKnownNodes,
} from '../collection/replica-file.ts'
import type { StageRequest, Staging } from '../collection/staging.ts'
import type { Fields } from '../format/fields.ts'
import { patterns } from '../format/fields.ts'
import { isCollectionPath, readEpoch } from '../format/manifest.ts'
import { ask, type Transport } from './transport.ts'

export interface SeedOptions {
  readonly name: string
  readonly primary: NodeAddress
  readonly transport: Transport
  readonly disk: Disk
  readonly stage: (request: StageRequest) => Promise<Staging>
  /** The directory of the copy that is replaced. */
  readonly replaces: string | undefined
  /** What the copy that is replaced has promised: the new one keeps to it. */
  readonly promises: Pick<ReplicaState, 'promised' | 'earlier' | 'nodes'>
  readonly signal?: AbortSignal | undefined
}

interface BaseFile {
  readonly path: string
  readonly sizeBytes: number
  readonly pieces: readonly string[] | undefined
}

const answerMs = 30_000

/**
 * @returns the collection, open, as a standby of `primary`
 * @throws `digest-mismatch`, `damaged`, `unsafe-name`; `unreachable`; `disk-full`. What was here stays then
 */
export async function seedCollection(options: SeedOptions): Promise<Collection> {
  const { name, primary, transport, signal } = options
  const request = (kind: string, header: object) =>
    ask(transport, primary, kind, header, { timeoutMs: answerMs, signal })
  const { fields } = await request('base', { collection: name })
  const base = fields.text('base', patterns.uuid)
  try {
    const files = fields.objects('files', limits.snapshotFiles).map(readFile)
    const uuid = fields.text('uuid', patterns.uuid)
    const staging = await options.stage({
      key: stagingKey(uuid, name),
      snapshotId: base,
      uuid,
      epoch: readEpoch(fields.object('epoch')),
      lsn: fields.integer('lsn'),
      count: fields.integer('count'),
      digest: fields.text('digest', patterns.sha256),
      paths: files.map((each) => each.path),
      newUuid: false,
      standby: withKnownNodes({
        ...standbyState(fields, primary),
        ...stillPromised(options, readEpoch(fields.object('epoch')).number),
      }),
    })
    const writer = new BaseWriter(options, staging.directory, async (file, position, length) => {
      const part = { base, path: file.path, position, length }
      return (await request('base-part', part)).body
    })
    await writer.write(files)
    signal?.throwIfAborted()
    return await staging.commit({ name, replace: true, aliases: readAliases(fields) })
  } finally {
    await request('base-end', { base }).catch(() => {}) // it is let go by itself
  }
}

/** One place for each standby: what one way of seeding left behind, the next one takes or replaces. */
export const stagingKey = (uuid: string, name: string): string =>
  sha256Hex(`standby of ${uuid} as ${name}`)

/** The aliases that a primary tells of. @throws `damaged` */
export const readAliases = (fields: Fields): readonly string[] =>
  fields.texts('aliases', limits.collections, /^[\w.-]+$/)

/** What a copy that is replaced keeps of its promises when it comes into epoch `number`. */
export const stillPromised = ({ promises }: SeedOptions, number: number) => {
  const { promised, earlier, nodes } = promises
  return {
    nodes,
    promised: promised !== null && promised.number > number ? promised : null,
    earlier: earlier.filter((each) => each.number > number),
  }
}

const standbyState = (fields: Fields, primary: NodeAddress): ReplicaState => ({
  ...unreplicated,
  role: 'standby',
  primary,
  lineage: fields.objects('lineage', limits.replicaLineage).map(readAncestor),
  replaced: readReplaced(fields),
  members: fields.objects('members', limits.clusterNodes).map(readMember),
  whenAlone: fields.oneOf('whenAlone', ['block', 'async']),
})

/** What another node names is data, never a path. */
function readFile(fields: Fields): BaseFile {
  const file = fields.text('path')
  if (!isCollectionPath(file)) {
    fail('unsafe-name', `the base names ${JSON.stringify(file)}`, 'Nothing was written for it.')
  }
  return {
    path: file,
    sizeBytes: fields.integer('sizeBytes'),
    pieces: fields.has('pieces')
      ? fields.texts('pieces', limits.snapshotFiles, patterns.sha256)
      : undefined,
  }
}

class BaseWriter {
  readonly #disk: Disk
  readonly #directory: string
  readonly #replaces: string | undefined
  readonly #fetch: (file: BaseFile, position: number, length: number) => Promise<Buffer>

  constructor(
    { disk, replaces }: SeedOptions,
    directory: string,
    fetch: (file: BaseFile, position: number, length: number) => Promise<Buffer>,
  ) {
    this.#disk = disk
    this.#directory = directory
    this.#replaces = replaces
    this.#fetch = fetch
  }

  /** All files, durable with their names when this resolves. */
  async write(files: readonly BaseFile[]): Promise<void> {
    const directories = new Set([path.join(this.#directory, 'segments'), this.#directory])
    for (const file of files) {
      const target = path.join(this.#directory, file.path)
      for (let each = path.dirname(target); each.length > this.#directory.length; ) {
        directories.add(each)
        each = path.dirname(each)
      }
      await this.#disk.makeDirectory(path.dirname(target))
      if (await this.#isWhole(target, file)) continue
      await this.#disk.unlink(target)
      if (!(await this.#taken(target, file))) await this.#written(target, file)
    }
    const deepest = [...directories].sort((a, b) => b.length - a.length)
    for (const each of deepest) await this.#disk.syncDirectory(each)
  }

  /** A segment file of the copy that is replaced gets a second name. */
  async #taken(target: string, file: BaseFile): Promise<boolean> {
    if (this.#replaces === undefined || !file.path.startsWith('segments/')) return false
    const own = path.join(this.#replaces, file.path)
    return (await this.#isWhole(own, file)) && (await this.#disk.link(own, target))
  }

  async #isWhole(place: string, { sizeBytes, pieces }: BaseFile): Promise<boolean> {
    if (pieces === undefined) return false
    const there = await this.#disk.stat(place)
    if (there?.kind !== 'file' || there.sizeBytes !== sizeBytes) return false
    const handle = await this.#disk.open(place, 'read')
    try {
      for (const [index, sha256] of pieces.entries()) {
        const position = index * limits.pieceBytes
        const bytes = Buffer.alloc(Math.min(limits.pieceBytes, sizeBytes - position))
        const length = await handle.read(bytes, position)
        if (length < bytes.length || sha256Hex(bytes) !== sha256) return false
      }
      await handle.sync()
      return true
    } finally {
      await handle.close()
    }
  }

  async #written(target: string, file: BaseFile): Promise<void> {
    const handle = await this.#disk.open(target, 'create')
    try {
      for (let position = 0; position < file.sizeBytes; position += limits.pieceBytes) {
        const length = Math.min(limits.pieceBytes, file.sizeBytes - position)
        const bytes = await this.#fetch(file, position, length)
        const expected = file.pieces?.[position / limits.pieceBytes]
        const whole = bytes.length === length
        if (!whole || (expected !== undefined && sha256Hex(bytes) !== expected)) {
          fail('damaged', `${file.path} of the base came damaged`, 'It is taken again.', {
            place: { file: file.path, offset: position },
          })
        }
        await handle.write(bytes, position)
      }
      await handle.sync()
    } finally {
      await handle.close()
    }
  }
}
