/** Whether the objects that snapshots need are there, and are what their names say. */
import { isOfStore, isOperatingError } from '../base/errors.ts'
import { inFlight } from '../base/in-flight.ts'
import { limits } from '../base/limits.ts'
import { noProgress, type Progress } from '../base/progress.ts'
import type { Repository, StoredSnapshot } from '../repository/repository.ts'
import { pieceSize } from '../repository/snapshot-manifest.ts'
import { PiecesInFlight } from './pieces-in-flight.ts'

/** An object that some snapshot needs, in the size it must have. */
export interface NeededObject {
  readonly sha256: string
  readonly sizeBytes: number
}

export type ObjectProblemKind = 'missing' | 'wrong-size' | 'wrong-content' | 'unreadable'

export interface ObjectProblem extends NeededObject {
  readonly kind: ObjectProblemKind
  readonly key: string
  /** Where it stands. */
  readonly place: string
  /** Goes on after the place: `is missing`. */
  readonly problem: string
}

export interface CheckOptions {
  readonly progress?: Progress
  readonly signal?: AbortSignal | undefined
}

export interface ObjectCheck {
  readonly checked: number
  readonly checkedBytes: number
  /** By key. */
  readonly problems: readonly ObjectProblem[]
}

/** Every object of some snapshots, once. */
export function objectsOf(snapshots: readonly StoredSnapshot[]): readonly NeededObject[] {
  const objects = new Map<string, NeededObject>()
  for (const { manifest } of snapshots) {
    for (const file of manifest.files) {
      for (const [index, { sha256 }] of file.pieces.entries()) {
        const sizeBytes = pieceSize(file.sizeBytes, index)
        // two sizes for one hash cannot both be right; both are asked for, and one will be wrong
        objects.set(`${sha256} ${sizeBytes}`, { sha256, sizeBytes })
      }
    }
  }
  return [...objects.values()]
}

/**
 * Checks every object and reports all problems, not the first. `size` asks for its size only;
 * `content` reads and hashes it, never more than the size it must have.
 * @throws `unreachable`, and bugs; a single object that cannot be read is a problem of that object
 */
export async function checkObjects(
  repository: Repository,
  objects: readonly NeededObject[],
  depth: 'size' | 'content',
  { progress = noProgress, signal }: CheckOptions,
): Promise<ObjectCheck> {
  const problems: ObjectProblem[] = []
  const totalBytes = objects.reduce((sum, each) => sum + each.sizeBytes, 0)
  const pieces = new PiecesInFlight(undefined, totalBytes)
  let checked = 0
  let checkedBytes = 0
  try {
    await inFlight(objects, limits.requestsInFlight, signal, async (object) => {
      const found =
        depth === 'size'
          ? await checkSize(repository, object)
          : await checkContent(repository, object, pieces)
      if (found !== undefined) {
        const key = repository.objectKey(object.sha256)
        problems.push({ ...object, ...found, key, place: repository.destination.locate(key) })
      }
      checked++
      checkedBytes += object.sizeBytes
      progress(
        depth === 'size'
          ? { phase: 'check', unit: 'objects', done: checked, total: objects.length }
          : { phase: 'hash', unit: 'bytes', done: checkedBytes, total: totalBytes },
      )
    })
  } finally {
    await pieces.close()
  }
  problems.sort((a, b) => (a.key < b.key ? -1 : 1))
  return { checked, checkedBytes, problems }
}

/** What is wrong with an object. */
export interface Found {
  readonly kind: ObjectProblemKind
  readonly problem: string
}

const missing: Found = { kind: 'missing', problem: 'is missing' }

const notAuthentic: Found = {
  kind: 'wrong-content',
  problem: 'was changed, or sealed with another key or for another place: its tag does not fit',
}

const wrongSize = (found: number, expected: number): Found => ({
  kind: 'wrong-size',
  problem: `is ${found} bytes instead of ${expected}`,
})

async function checkSize(repository: Repository, object: NeededObject): Promise<Found | undefined> {
  return guarded(async () => {
    const sizeBytes = await repository.objectSize(object.sha256)
    if (sizeBytes === undefined) return missing
    return sizeBytes === object.sizeBytes ? undefined : wrongSize(sizeBytes, object.sizeBytes)
  })
}

/** Reads an object and checks it against its name. @returns what is wrong with it */
export async function checkContent(
  repository: Repository,
  object: NeededObject,
  pieces: PiecesInFlight,
): Promise<Found | undefined> {
  const checked = await checkFile(repository, object, pieces)
  if (checked !== 'no file') return checked
  return pieces.withBuffer((buffer) => readPiece(repository, object, buffer, pieces))
}

/**
 * Checks an object that stands in a file, without holding it in memory; `copyTo` gets its bytes on the
 * way, also those of an object that turns out to be damaged.
 * @returns what is wrong with it, undefined when it is whole, or that there is no such file
 * @throws what the disk says about `copyTo`
 */
export function checkFile(
  repository: Repository,
  { sha256, sizeBytes }: NeededObject,
  pieces: PiecesInFlight,
  copyTo?: { readonly path: string; readonly offset: number },
): Promise<Found | undefined | 'no file'> {
  return guarded<Found | undefined | 'no file'>(async () => {
    const file = await repository.objectFile(sha256)
    if (file === undefined) return 'no file'
    if (file.sizeBytes !== sizeBytes) return wrongSize(file.sizeBytes, sizeBytes)
    const task = { path: file.path, offset: 0, length: sizeBytes, copyTo }
    const { box } = file
    if (box === undefined) return wrongContent(await pieces.hashFile(task), sha256)
    const found = await pieces.unsealFile({ ...task, box })
    return found === null ? notAuthentic : wrongContent(found, sha256)
  }, copyTo?.path)
}

/**
 * Reads an object into `buffer` and checks it against its name.
 * @returns what is wrong with it, or undefined when the buffer holds it whole
 */
export function readPiece(
  repository: Repository,
  { sha256, sizeBytes }: NeededObject,
  buffer: SharedArrayBuffer,
  pieces: PiecesInFlight,
): Promise<Found | undefined> {
  return guarded(async () => {
    const bytes = new Uint8Array(buffer, 0, sizeBytes)
    const got = await repository.getObject(sha256, bytes, (sealed, box) =>
      pieces.unseal({ box, sealed, target: buffer, length: sizeBytes }),
    )
    if (got === undefined) return missing
    if (got.sizeBytes !== sizeBytes) return wrongSize(got.sizeBytes, sizeBytes)
    if (got.readBytes !== sizeBytes) return wrongSize(got.readBytes, sizeBytes)
    if (!got.authentic) return notAuthentic
    return wrongContent(await pieces.hash(buffer, sizeBytes), sha256)
  })
}

const wrongContent = (found: string, expected: string): Found | undefined =>
  found === expected
    ? undefined
    : { kind: 'wrong-content', problem: `has the SHA-256 ${found}: it is damaged` }

/**
 * What the store says about one object is that object's problem, unless the store itself is away or it
 * is about `elsewhere`.
 */
async function guarded<T>(work: () => Promise<T>, elsewhere?: string): Promise<T | Found> {
  try {
    return await work()
  } catch (error) {
    if (!isOperatingError(error) || isOfStore(error.code)) throw error
    if (elsewhere !== undefined && error.place.file === elsewhere) throw error
    return { kind: 'unreadable', problem: `cannot be read: ${error.message}` }
  }
}
