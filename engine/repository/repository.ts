/**
 * A repository: the backup format laid out at a destination.
 *
 * ```
 * repository.json                     what this is (repository-file.ts)
 * objects/<aa>/<sha256>               pieces of files, at most 16 MiB, named by their content
 * snapshots/<collection>/<id>.json    states (snapshot-manifest.ts)
 * wal/<uuid>/<epoch>/<lsn>-<lsn>.wal  archived log (wal-archive.ts, archive-file.ts)
 * locks/ pins/ verified/              who uses it, what stays, what was proven when
 * ```
 *
 * Objects are written first and made durable; the manifest that needs them comes last. So a crash
 * leaves no half snapshot, only objects that nobody names yet. A listing finds candidates; whether a
 * snapshot or an object exists is decided by asking for it.
 *
 * An encrypted repository has the same layout. Objects have keyed names; objects, manifests and archived
 * log are sealed (sealing.ts). What stands in the names of snapshots and archived files is not hidden.
 */
import { sha256Hex } from '../base/checksum.ts'
import type { Clock } from '../base/clock.ts'
import { fail, isOperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Destination, PutOptions, StoredEntry } from '../destination/destination.ts'
import { decodeSnapshot } from './decode-snapshot.ts'
import { type LockPolicy, toLock } from './lock-policy.ts'
import { LockingDestination, mustLock } from './locking-destination.ts'
import { newRepositoryFile } from './new-repository-file.ts'
import { damaged } from './read-document.ts'
import {
  encodeRepositoryFile,
  type RepositoryFile,
  readRepositoryFile,
  repositoryKey,
} from './repository-file.ts'
import type { RepositoryKey } from './repository-key.ts'
import { Sealing } from './sealing.ts'
import { refuseUntrusted, type SignatureCheck, type Signer, type Trust } from './signing.ts'
import {
  checkSnapshotSignature,
  encodeSnapshot,
  parseSnapshotKey,
  type SnapshotManifest,
  signSnapshot,
  snapshotKey,
  snapshotPrefix,
} from './snapshot-manifest.ts'
import {
  type ObjectFile,
  type ObjectRead,
  type Opener,
  type Sealer,
  type StagedObject,
  StoredObjects,
} from './stored-objects.ts'
import { StoredValues, type Tail } from './stored-values.ts'
import { unlock } from './unlock.ts'

export interface StoredSnapshot {
  readonly manifest: SnapshotManifest
  /** SHA-256, hex, of the manifest's bytes. */
  readonly sha256: string
  readonly key: string
  /** Where it stands, for messages. */
  readonly place: string
  readonly signature: SignatureCheck
}

/** What a listing found below `snapshots/`. */
export interface SnapshotKeys {
  readonly snapshots: readonly { readonly collection: string; readonly id: string }[]
  /** Keys that no snapshot can have: the product did not write them. */
  readonly strangers: readonly string[]
}

/** What is needed to open a repository beyond the place where it stands. */
export interface RepositoryAccess {
  /** Any one of them opens it. Default none: it must be a plain one. */
  readonly keys?: readonly RepositoryKey[]
  /** Whatever is read must be signed by one of these. Default: signatures are only reported. */
  readonly trust?: Trust
  /** Signs what is written. Default: nothing is signed. */
  readonly signer?: Signer
  /** Whoever writes locks what is written. Default: what repository.json says. */
  readonly lockPolicy?: LockPolicy
}

/**
 * The only way to what stands in a repository. What it reads and takes is plain; `destination` under it
 * holds the bytes as they are stored, for whoever copies or removes them unread.
 */
export class Repository {
  readonly destination: Destination
  readonly file: RepositoryFile
  readonly trust: Trust | undefined
  readonly signer: Signer | undefined
  /** How what is written is locked; undefined when it is not, or nothing is going to be written. */
  readonly lockPolicy: LockPolicy | undefined
  readonly #sealing: Sealing | undefined
  readonly #objects: StoredObjects
  readonly #values: StoredValues

  private constructor(
    destination: Destination,
    file: RepositoryFile,
    { trust, signer, lockPolicy }: RepositoryAccess,
    sealing?: Sealing,
  ) {
    this.lockPolicy = lockPolicy
    this.trust = trust
    this.signer = signer
    this.destination = destination
    this.file = file
    this.#sealing = sealing
    this.#objects = new StoredObjects(destination, sealing)
    this.#values = new StoredValues(destination, sealing)
  }

  /**
   * Opens a repository to read it. Writes nothing.
   * @throws `repository-not-found`, `missing-file`, `damaged`, `newer-format`, `unsafe-entry`;
   *   `key-refused` when a key is missing or wrong, or given for a plain repository
   */
  static async open(destination: Destination, access: RepositoryAccess = {}): Promise<Repository> {
    const file = await readRepositoryFile(destination)
    if (file !== undefined) {
      const at = { url: destination.url, place: destination.locate(repositoryKey) }
      const unlocked = await unlock(file, access.keys ?? [], at)
      const sealing = unlocked && new Sealing(file.id, unlocked.dataKey)
      return new Repository(destination, file, access, sealing)
    }
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
   * Opens a repository to write to it; an empty destination becomes one, encrypted when keys are given.
   * @throws `usage` when other things stand there; `missing-file`, `damaged`, `newer-format`,
   *   `unsafe-entry`, `key-refused`
   */
  static async openOrCreate(
    destination: Destination,
    clock: Clock,
    access: RepositoryAccess = {},
  ): Promise<Repository> {
    refuseOwnSignature(access)
    const { lockPolicy: asked, ...rest } = access
    if (asked !== undefined) await mustLock(destination) // before anything is written
    try {
      const found = await Repository.open(destination, rest)
      return await found.#locking(asked ?? found.file.objectLock, clock)
    } catch (error) {
      if (!isOperatingError(error, 'repository-not-found')) throw error
    }
    const made = await Repository.create(destination, clock, rest)
    return made.#locking(asked, clock)
  }

  /**
   * Makes a repository of an empty destination, encrypted when keys are given.
   * @param objectLock how everybody who writes to it locks what is written
   * @throws `usage` when anything stands there; `unsupported-destination` when it cannot hold one
   */
  static async create(
    destination: Destination,
    clock: Clock,
    access: RepositoryAccess = {},
    objectLock?: LockPolicy,
  ): Promise<Repository> {
    if (objectLock !== undefined) await mustLock(destination)
    const stranger = await firstKey(destination, '', isOurs)
    if (stranger !== undefined) {
      fail(
        'usage',
        `${destination.url} is not empty and not a repository: it holds ${stranger}`,
        'Name an empty or a new directory; backups are not mixed with other files.',
      )
    }
    const nowMs = clock.nowMs()
    const file = await newRepositoryFile(access.keys ?? [], objectLock, nowMs)
    const lock = objectLock && toLock(objectLock, nowMs)
    const bytes = encodeRepositoryFile(file)
    await destination.put(repositoryKey, bytes, { ifAbsent: true, ...(lock && { lock }) })
    await destination.flush()
    return Repository.open(destination, access) // another process may have been first
  }

  /** The same repository, for somebody who locks what is written. */
  async #locking(policy: LockPolicy | undefined, clock: Clock): Promise<Repository> {
    if (policy === undefined) return this
    await mustLock(this.destination)
    const { trust, signer } = this
    const access = { ...(trust && { trust }), ...(signer && { signer }), lockPolicy: policy }
    const destination = new LockingDestination(this.destination, policy, clock)
    return new Repository(destination, this.file, access, this.#sealing)
  }

  /** Whether what it stores is sealed. */
  get isEncrypted(): boolean {
    return this.#sealing !== undefined
  }

  /** The key of the piece with this SHA-256. It depends on the repository: never make it by hand. */
  objectKey(sha256: string): string {
    return this.#objects.key(sha256)
  }

  /** Bytes that an object of `plainBytes` takes at the destination. */
  storedSize(plainBytes: number): number {
    return this.#objects.storedSize(plainBytes)
  }

  /**
   * Plain size of an object, or undefined when it is not there. Its content is not looked at; one that
   * is too short to be sealed has size 0.
   */
  objectSize(sha256: string): Promise<number | undefined> {
    return this.#objects.size(sha256)
  }

  /**
   * Stores an object under the hash of `bytes`. Durable after {@link publish} or a flush.
   * @param sealer seals where a repository is encrypted. Default: this thread
   */
  putObject(
    sha256: string,
    bytes: Uint8Array,
    replace: boolean,
    sealer?: Sealer,
  ): Promise<boolean> {
    return this.#objects.put(sha256, bytes, replace, sealer)
  }

  /** A file that becomes an object once threads have filled it; undefined when `putObject` does it. */
  stageObject(): Promise<StagedObject | undefined> {
    return this.#objects.stage()
  }

  /** The file that an object stands in, for threads; undefined when `getObject` must be asked. */
  objectFile(sha256: string): Promise<ObjectFile | undefined> {
    return this.#objects.file(sha256)
  }

  /**
   * Fills `target` with an object. The caller checks size and hash. Sealed bytes are handed out only when
   * all of them are there and authentic.
   * @param opener opens sealed bytes into `target`. Default: this thread
   */
  getObject(sha256: string, target: Uint8Array, opener?: Opener): Promise<ObjectRead | undefined> {
    return this.#objects.get(sha256, target, opener)
  }

  /**
   * Every object that a listing shows, by its key and as many bytes as are stored, whoever needs it.
   * `isOurs` is false for a key that the product does not write.
   */
  listObjects(): AsyncIterable<StoredEntry & { readonly isOurs: boolean }> {
    return this.#objects.list()
  }

  /**
   * A small value of the repository's own under `key`, such as a manifest; undefined when it is absent.
   * @param tailBytes as it was written with
   * @throws `damaged` when it is larger than `maxBytes`, or sealed by nobody who has the key
   */
  readValue(key: string, maxBytes: number, tailBytes = 0): Promise<Buffer | undefined> {
    return this.#values.read(key, maxBytes, tailBytes)
  }

  /**
   * The last bytes of a value that was written with a tail of `tailBytes`, or all of a shorter one, and its
   * size.
   * @throws `damaged`
   */
  readTail(key: string, tailBytes: number): Promise<Tail | undefined> {
    return this.#values.readTail(key, tailBytes)
  }

  /**
   * Stores what {@link readValue} reads. Durable after a flush.
   * @param options `tailBytes`: as many bytes of the end can be read alone, by {@link readTail}
   * @returns false: `ifAbsent` and present
   */
  writeValue(
    key: string,
    bytes: Uint8Array,
    options: PutOptions & { readonly tailBytes?: number } = {},
  ): Promise<boolean> {
    const { tailBytes = 0, ...put } = options
    return this.#values.write(key, bytes, tailBytes, put)
  }

  /**
   * Makes all objects durable, then the manifest.
   * @returns the snapshot, or undefined when the id was taken meanwhile
   */
  async publish(unsigned: SnapshotManifest): Promise<StoredSnapshot | undefined> {
    const manifest = this.signer === undefined ? unsigned : signSnapshot(unsigned, this.signer)
    const key = snapshotKey(manifest.collection.name, manifest.id)
    const bytes = encodeSnapshot(manifest)
    await this.destination.flush()
    if (!(await this.writeValue(key, bytes, { ifAbsent: true }))) return undefined
    await this.destination.flush()
    const signature = checkSnapshotSignature(manifest, this.trust)
    const place = this.destination.locate(key)
    return { manifest, sha256: sha256Hex(bytes), key, place, signature }
  }

  /**
   * One snapshot, or undefined when there is none. Both names must be checked names.
   * @throws `damaged`, `newer-format`, `unsafe-name`, `unsafe-entry`, `signature-refused`
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
    const signature = checkSnapshotSignature(manifest, this.trust)
    refuseUntrusted(signature, this.trust, place)
    return { manifest, sha256: sha256Hex(bytes), key, place, signature }
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

/** What is signed here must be what is trusted here: nobody could restore it otherwise. */
function refuseOwnSignature({ signer, trust }: RepositoryAccess): void {
  if (trust === undefined) return
  if (signer !== undefined && trust.publicKeys.includes(signer.publicKey)) return
  fail(
    'usage',
    signer === undefined
      ? 'only signed snapshots are trusted, and there is no key to sign this one with'
      : `what ${signer.publicKey} signs is not trusted`,
    'Sign with a key whose public half is among the trusted ones, or leave trust away. Nothing was written.',
  )
}

async function firstKey(
  destination: Destination,
  prefix: string,
  isPassedOver: (key: string) => boolean = () => false,
): Promise<string | undefined> {
  for await (const { key } of destination.list(prefix)) if (!isPassedOver(key)) return key
  return undefined
}

/** Where a ledger keeps its newest hashes; they may be there before the first backup is. */
export const ledgerAnchors = 'ledger-anchors'

const isOurs = (key: string): boolean =>
  key === repositoryKey || key.startsWith(`${ledgerAnchors}/`)
