/**
 * Objects from one repository to another: only what the other lacks, each proven at the far end.
 *
 * Where both ends store the same bytes under the same name, a store that can copies them by itself;
 * everything else passes through a few buffers here, is held against its hash before it is written, and
 * sealed anew where an end is encrypted. **What was written is read back and hashed**, however it came
 * there: a checksum that a store answers with proves what it received, not what it will hand out, and many
 * that speak S3 check none.
 */
import { checkContent, type Found, type NeededObject, readPiece } from '../backup/check-objects.ts'
import { PiecesInFlight } from '../backup/pieces-in-flight.ts'
import { fail, isOfStore, isOperatingError } from '../base/errors.ts'
import { inFlight } from '../base/in-flight.ts'
import { limits } from '../base/limits.ts'
import type { Progress } from '../base/progress.ts'
import type { Repository } from '../repository/repository.ts'

/** Which objects are read back: those that were written, or all that the snapshots need. */
export type CopyProof = 'written' | 'all'

export interface ObjectProblem extends NeededObject {
  /** A sentence that says where. */
  readonly problem: string
}

/** Both ends. */
export interface CopyEnds {
  readonly from: Repository
  readonly to: Repository
}

export interface CopyWatch {
  readonly progress: Progress
  readonly signal: AbortSignal
}

/** Counts of objects and their plain bytes. */
export interface ObjectCounts {
  readonly objects: number
  readonly bytes: number
}

/** Whether both ends store a value as the same bytes under the same name. */
export const storeAlike = ({ from, to }: CopyEnds): boolean =>
  from.objectKey(anyHash) === to.objectKey(anyHash)

const anyHash = '0'.repeat(64)

/** An object's place in the books of a copy. */
const idOf = ({ sha256, sizeBytes }: NeededObject): string => `${sha256} ${sizeBytes}`

/**
 * The objects of one copy run. Each is seen to once, whichever snapshots need it; what was wrong with it is
 * remembered.
 */
export class ObjectCopier {
  readonly #ends: CopyEnds
  readonly #watch: CopyWatch
  readonly #pieces: PiecesInFlight
  /** Objects that the target lacks, and whether something else stands in their place. */
  readonly #lacking = new Map<string, { readonly replace: boolean }>()
  readonly #problems = new Map<string, ObjectProblem>()
  readonly #readBack = new Set<string>()
  #needed: ObjectCounts = { objects: 0, bytes: 0 }
  #copied: ObjectCounts = { objects: 0, bytes: 0 }
  #serverSide = 0
  #verified: ObjectCounts = { objects: 0, bytes: 0 }
  #totalBytes = 0

  constructor(ends: CopyEnds, watch: CopyWatch) {
    this.#ends = ends
    this.#watch = watch
    this.#pieces = new PiecesInFlight(undefined, limits.pieceBytes)
  }

  get needed(): ObjectCounts {
    return this.#needed
  }

  get copied(): ObjectCounts & { readonly serverSide: number } {
    return { ...this.#copied, serverSide: this.#serverSide }
  }

  /** Read back and hashed at the target. */
  get verified(): ObjectCounts {
    return this.#verified
  }

  /** Finds out which of the objects the target lacks: `proof` says whether a right size is believed. */
  async compare(objects: readonly NeededObject[], proof: CopyProof): Promise<void> {
    const { to } = this.#ends
    const bytes = objects.reduce((sum, each) => sum + each.sizeBytes, 0)
    this.#needed = { objects: objects.length, bytes }
    let done = 0
    const bound = limits.requestsInFlight
    await inFlight(objects, bound, this.#watch.signal, async (object) => {
      const standing = await to.objectSize(object.sha256)
      const isThere = standing === object.sizeBytes
      if (!isThere || (proof === 'all' && (await this.#check(object)) !== undefined)) {
        this.#lacking.set(idOf(object), { replace: standing !== undefined })
        this.#totalBytes += object.sizeBytes
      }
      const progress = { unit: 'objects', done: ++done, total: objects.length } as const
      this.#watch.progress({ phase: 'compare', ...progress })
    })
  }

  /** Bytes of `objects` that the target lacked when they were compared. */
  lackingBytes(objects: readonly NeededObject[]): number {
    return objects.reduce(
      (sum, each) => sum + (this.#lacking.has(idOf(each)) ? each.sizeBytes : 0),
      0,
    )
  }

  /** Bytes of `objects` that this run has read back, 0 to 1 of all. */
  readShare(objects: readonly NeededObject[]): number {
    const all = objects.reduce((sum, each) => sum + each.sizeBytes, 0)
    const read = objects.reduce(
      (sum, each) => sum + (this.#readBack.has(idOf(each)) ? each.sizeBytes : 0),
      0,
    )
    return all === 0 ? 1 : read / all
  }

  /**
   * Brings what is lacking of `objects` to the target.
   * @returns what could not be brought, because the source has no sound copy of it
   * @throws what either store says about itself; `damaged` when the target does not keep what it is given
   */
  async bring(objects: readonly NeededObject[]): Promise<readonly ObjectProblem[]> {
    const open = objects.filter((each) => this.#lacking.has(idOf(each)))
    const bound = limits.requestsInFlight
    await inFlight(open, bound, this.#watch.signal, async (object) => {
      const id = idOf(object)
      const lacking = this.#lacking.get(id)
      if (lacking === undefined || this.#problems.has(id)) return
      const problem = await this.#copy(object, lacking.replace)
      if (problem === undefined) {
        this.#lacking.delete(id)
        this.#note(object)
      } else {
        this.#problems.set(id, { ...object, problem })
      }
    })
    return objects.flatMap((each) => this.#problems.get(idOf(each)) ?? [])
  }

  close(): Promise<void> {
    return this.#pieces.close()
  }

  #note({ sizeBytes }: NeededObject): void {
    this.#copied = add(this.#copied, sizeBytes)
    const progress = { unit: 'bytes', done: this.#copied.bytes, total: this.#totalBytes } as const
    this.#watch.progress({ phase: 'copy', ...progress })
  }

  /** @returns a sentence about the source's copy when that is not sound */
  async #copy(object: NeededObject, replace: boolean): Promise<string | undefined> {
    const { from, to } = this.#ends
    const key = to.objectKey(object.sha256)
    if (storeAlike(this.#ends)) {
      const put = { ifAbsent: !replace }
      const isCopied = await to.destination.copyFrom?.(from.destination, key, put)
      if (isCopied !== undefined) {
        if ((await this.#check(object)) === undefined) {
          this.#serverSide++
          return undefined
        }
        // the source is damaged, or the store is: the hash of what passes here tells
        return this.#stream(object, true)
      }
    }
    return this.#stream(object, replace)
  }

  async #stream(object: NeededObject, replace: boolean): Promise<string | undefined> {
    const { from, to } = this.#ends
    const { sha256, sizeBytes } = object
    const problem = await this.#pieces.withBuffer(async (buffer) => {
      const found = await readPiece(from, object, buffer, this.#pieces)
      if (found !== undefined) return `${placeIn(from, sha256)} ${found.problem}`
      await to.putObject(sha256, new Uint8Array(buffer, 0, sizeBytes), replace, (_, box) =>
        this.#pieces.seal(buffer, sizeBytes, box),
      )
      return undefined
    })
    if (problem !== undefined) {
      await this.#discardUnsound(object)
      return problem
    }
    const found = await this.#check(object)
    return found === undefined ? undefined : refuseForgetful(to, sha256, found)
  }

  /**
   * A copy inside the store may have brought a damaged object along. Under its name it would pass for whole
   * wherever only sizes are compared.
   */
  async #discardUnsound(object: NeededObject): Promise<void> {
    const { to } = this.#ends
    const standing = await to.objectSize(object.sha256)
    if (standing !== object.sizeBytes || (await this.#check(object)) === undefined) return
    try {
      await to.destination.delete(to.objectKey(object.sha256))
    } catch (error) {
      // it stays, and a verification finds it; that the source is damaged is what has to be told
      if (!isOperatingError(error) || isOfStore(error.code)) throw error
    }
  }

  async #check(object: NeededObject): Promise<Found | undefined> {
    const found = await checkContent(this.#ends.to, object, this.#pieces)
    if (found === undefined) {
      this.#readBack.add(idOf(object))
      this.#verified = add(this.#verified, object.sizeBytes)
    }
    return found
  }
}

const placeIn = (repository: Repository, sha256: string): string =>
  repository.destination.locate(repository.objectKey(sha256))

const add = ({ objects, bytes }: ObjectCounts, more: number): ObjectCounts => ({
  objects: objects + 1,
  bytes: bytes + more,
})

function refuseForgetful(to: Repository, sha256: string, { problem }: Found): never {
  const place = placeIn(to, sha256)
  fail(
    'damaged',
    `${place} was written and, read back, ${problem}`,
    'The store does not keep what it is given: find out why before you trust it with copies.',
    { place: { file: place } },
  )
}
