/**
 * A repository: the backup format laid out at a destination.
 *
 * ```
 * repository.json                     what this is (repository-file.ts)
 * objects/<aa>/<sha256>               pieces of files, at most 16 MiB, named by their content
 * snapshots/<collection>/<id>.json    states (snapshot-manifest.ts)
 * wal/<uuid>/<epoch>/<lsn>-<lsn>.wal  archived log (wal-archive.ts, archive-file.ts)
 * ```
 *
 * Objects are written first and made durable; the manifest that needs them comes last. So a crash
 * leaves no half snapshot, only objects that nobody names yet. A listing finds candidates; whether a
 * snapshot or an object exists is decided by asking for it.
 */
import { randomUUID } from 'node:crypto'
import { sha256Hex } from '../base/checksum.ts'
import type { Clock } from '../base/clock.ts'
import { fail, isOperatingError, OperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import {
  type Destination,
  getWhole,
  type PutOptions,
  type StoredEntry,
  type StoredFile,
  type StoredRange,
} from '../destination/destination.ts'
import { decodeSnapshot } from './decode-snapshot.ts'
import { toInstant } from './instant.ts'
import { damaged, repositoryHint } from './read-document.ts'
import {
  decodeRepositoryFile,
  encodeRepositoryFile,
  type RepositoryFile,
} from './repository-file.ts'
import type { RepositoryKey } from './repository-key.ts'
import {
  encodeSnapshot,
  parseSnapshotKey,
  type SnapshotManifest,
  snapshotKey,
  snapshotPrefix,
} from './snapshot-manifest.ts'

const repositoryKey = 'repository.json'

export interface StoredSnapshot {
  readonly manifest: SnapshotManifest
  /** SHA-256, hex, of the manifest's bytes. */
  readonly sha256: string
  readonly key: string
  /** Where it stands, for messages. */
  readonly place: string
}

/** What a listing found below `snapshots/`. */
export interface SnapshotKeys {
  readonly snapshots: readonly { readonly collection: string; readonly id: string }[]
  /** Keys that no snapshot can have: the product did not write them. */
  readonly strangers: readonly string[]
}

const objectFolder = 'objects'

/** The key of a piece with this SHA-256 where names are plain; see {@link Repository.objectKey}. */
export const plainObjectKey = (sha256: string): string =>
  `${objectFolder}/${sha256.slice(0, 2)}/${sha256}`

/** Whether a key below `objects/` can be one that the product wrote. */
export const isObjectKey = (key: string): boolean =>
  /^objects\/([0-9a-f]{2})\/\1[0-9a-f]{62}$/.test(key)

/** What is needed to open a repository beyond the place where it stands. */
export interface RepositoryAccess {
  /** Any one of them opens it. Default none: it must be a plain one. */
  readonly keys?: readonly RepositoryKey[]
}

/**
 * The only way to what stands in a repository. What it reads and takes is plain; `destination` under it
 * holds the bytes as they are stored, for whoever copies or removes them unread.
 */
export class Repository {
  readonly destination: Destination
  readonly file: RepositoryFile

  private constructor(destination: Destination, file: RepositoryFile) {
    this.destination = destination
    this.file = file
  }

  /**
   * Opens a repository to read it. Writes nothing.
   * @throws `repository-not-found`, `missing-file`, `damaged`, `newer-format`, `unsafe-entry`
   */
  static async open(destination: Destination, _access: RepositoryAccess = {}): Promise<Repository> {
    const file = await readRepositoryFile(destination)
    if (file !== undefined) return new Repository(destination, file)
    for (const folder of ['objects/', 'snapshots/', 'wal/']) {
      if ((await firstKey(destination, folder)) === undefined) continue
      const place = destination.locate(repositoryKey)
      fail(
        'missing-file',
        `${place} is missing, but there are ${folder} beside it`,
        'Put the file back from another copy of the repository, or use that copy.',
        { place: { file: place } },
      )
    }
    const found = await firstKey(destination, '')
    return fail(
      'repository-not-found',
      found === undefined
        ? `there is no repository at ${destination.url}: nothing is there`
        : `there is no repository at ${destination.url}, but other files, such as ${found}`,
      'Check the location, and that what should be mounted there is mounted.',
    )
  }

  /**
   * Opens a repository to write to it; an empty destination becomes one.
   * @throws `usage` when other things stand there; `missing-file`, `damaged`, `newer-format`,
   *   `unsafe-entry`
   */
  static async openOrCreate(
    destination: Destination,
    clock: Clock,
    access: RepositoryAccess = {},
  ): Promise<Repository> {
    try {
      return await Repository.open(destination, access)
    } catch (error) {
      if (!isOperatingError(error, 'repository-not-found')) throw error
    }
    const stranger = await firstKey(destination, '')
    if (stranger !== undefined && stranger !== repositoryKey) {
      fail(
        'usage',
        `${destination.url} is not empty and not a repository: it holds ${stranger}`,
        'Name an empty or a new directory; backups are not mixed with other files.',
      )
    }
    const createdAt = toInstant(clock.nowMs())
    const bytes = encodeRepositoryFile({ id: randomUUID(), createdAt, encryption: null })
    await destination.put(repositoryKey, bytes, { ifAbsent: true })
    await destination.flush()
    return Repository.open(destination, access) // another process may have been first
  }

  /** The key of the piece with this SHA-256. It depends on the repository: never make it by hand. */
  objectKey(sha256: string): string {
    return plainObjectKey(sha256)
  }

  /** Bytes that a value of `plainBytes` takes at the destination. */
  storedSize(plainBytes: number): number {
    return plainBytes
  }

  /** Size of an object, or undefined when it is not there. Its content is not looked at. */
  async objectSize(sha256: string): Promise<number | undefined> {
    return (await this.destination.head(this.objectKey(sha256)))?.sizeBytes
  }

  /** Stores an object under the hash of `bytes`. Durable after {@link publish} or a flush. */
  async putObject(sha256: string, bytes: Uint8Array, replace: boolean): Promise<boolean> {
    return this.destination.put(this.objectKey(sha256), bytes, { ifAbsent: !replace })
  }

  /** The file that an object stands in, for threads; undefined when `getObject` must be asked. */
  objectFile(sha256: string): Promise<StoredFile | undefined> {
    return this.destination.threadFile(this.objectKey(sha256))
  }

  /** The first bytes of an object, as many as `target` holds. The caller checks size and hash. */
  getObject(sha256: string, target: Uint8Array): Promise<StoredRange | undefined> {
    return this.destination.get(this.objectKey(sha256), target)
  }

  /**
   * Every object that a listing shows, by its key and as many bytes as are stored, whoever needs it.
   * `isOurs` is false for a key that the product does not write.
   */
  async *listObjects(): AsyncIterable<StoredEntry & { readonly isOurs: boolean }> {
    for await (const entry of this.destination.list(`${objectFolder}/`)) {
      yield { ...entry, isOurs: isObjectKey(entry.key) }
    }
  }

  /**
   * A small value of the repository's own under `key`, such as a manifest; undefined when it is absent.
   * @throws `damaged` when it is larger than `maxBytes`
   */
  readValue(key: string, maxBytes: number): Promise<Buffer | undefined> {
    return wholeOrDamaged(this.destination, key, maxBytes)
  }

  /** Stores what {@link readValue} reads. Durable after a flush. @returns false: `ifAbsent` and present */
  writeValue(key: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean> {
    return this.destination.put(key, bytes, options)
  }

  /**
   * Makes all objects durable, then the manifest.
   * @returns the snapshot, or undefined when the id was taken meanwhile
   */
  async publish(manifest: SnapshotManifest): Promise<StoredSnapshot | undefined> {
    const key = snapshotKey(manifest.collection.name, manifest.id)
    const bytes = encodeSnapshot(manifest)
    await this.destination.flush()
    if (!(await this.writeValue(key, bytes, { ifAbsent: true }))) return undefined
    await this.destination.flush()
    return { manifest, sha256: sha256Hex(bytes), key, place: this.destination.locate(key) }
  }

  /**
   * One snapshot, or undefined when there is none. Both names must be checked names.
   * @throws `damaged`, `newer-format`, `unsafe-name`, `unsafe-entry`
   */
  async snapshot(collection: string, id: string): Promise<StoredSnapshot | undefined> {
    const key = snapshotKey(collection, id)
    const place = this.destination.locate(key)
    const bytes = await this.readValue(key, limits.snapshotManifestBytes)
    if (bytes === undefined) return undefined
    const manifest = decodeSnapshot(bytes, place)
    if (manifest.collection.name !== collection || manifest.id !== id) {
      damaged(
        place,
        `it is snapshot ${manifest.id} of ${manifest.collection.name}, in the wrong place`,
      )
    }
    return { manifest, sha256: sha256Hex(bytes), key, place }
  }

  /** Removes a snapshot's manifest; its objects stay. Absent is fine. Both must be checked names. */
  deleteSnapshot(collection: string, id: string): Promise<void> {
    return this.destination.delete(snapshotKey(collection, id))
  }

  /** The snapshots that a listing shows, of all collections or of one. */
  async snapshotKeys(collection?: string): Promise<SnapshotKeys> {
    const snapshots: { collection: string; id: string }[] = []
    const strangers: string[] = []
    for await (const { key } of this.destination.list(snapshotPrefix(collection))) {
      const parsed = parseSnapshotKey(key)
      if (parsed === undefined) strangers.push(key)
      else snapshots.push(parsed)
    }
    return { snapshots, strangers }
  }
}

async function readRepositoryFile(destination: Destination): Promise<RepositoryFile | undefined> {
  const bytes = await wholeOrDamaged(destination, repositoryKey, limits.repositoryFileBytes)
  return bytes && decodeRepositoryFile(bytes, destination.locate(repositoryKey))
}

/** A file of ours that is too large is damage, not a wrong use. */
async function wholeOrDamaged(
  destination: Destination,
  key: string,
  maxBytes: number,
): Promise<Buffer | undefined> {
  try {
    return await getWhole(destination, key, maxBytes)
  } catch (error) {
    if (!isOperatingError(error, 'limit-exceeded')) throw error
    throw new OperatingError('damaged', error.message, repositoryHint, { place: error.place })
  }
}

async function firstKey(destination: Destination, prefix: string): Promise<string | undefined> {
  for await (const { key } of destination.list(prefix)) return key
  return undefined
}
