/**
 * The manifest of an open collection, and the files that stay because of it.
 *
 * It is replaced as a whole, one change after the other; the rename is the commit. After each change the
 * files that nothing needs any more are removed (superseded-files.ts): not those of a pin, of a segment
 * in the making, or of a replaced segment that somebody still reads.
 */
import * as path from 'node:path'
import { replaceFile } from '../base/disk.ts'
import { encodeManifest, type Manifest, manifestName } from '../format/manifest.ts'
import type { WatermarkFile } from '../wal/watermark-file.ts'
import type { LiveSegment } from './live-segment.ts'
import {
  type Keep,
  keepManifest,
  removeSuperseded,
  type SupersededPlace,
} from './superseded-files.ts'

export interface ManifestPlace extends SupersededPlace {
  readonly watermark: WatermarkFile
  readonly manifest: Manifest
}

interface Pin extends Keep {
  readonly letGo: () => Promise<void>
}

export interface ManifestPin {
  readonly manifest: Manifest
  readonly isHeld: () => boolean
  readonly release: () => Promise<void>
}

export class ManifestFile {
  readonly #place: ManifestPlace
  readonly #pins = new Set<Pin>()
  /** Numbers of segments whose files stay although the manifest does not name them. */
  readonly #numbersInUse = new Set<number>()
  /** Replaced segments that are not closed yet, and the removal of their files. */
  readonly #retired = new Map<LiveSegment, Promise<void>>()
  #closed = false
  #current: Manifest
  /** A manifest whose rename failed half way: it may stand on the disk. */
  #doubtful: Manifest | undefined
  /** Changes, one after the other. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(place: ManifestPlace) {
    this.#place = place
    this.#current = place.manifest
  }

  /** As last committed. */
  get current(): Manifest {
    return this.#current
  }

  /** Runs `work` when all changes before it are done; the manifest does not move meanwhile. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => {})
    return result
  }

  /** Waits for the changes under way, also when they fail. */
  async settle(): Promise<void> {
    await this.#turn
  }

  /** Writes the manifest, inside {@link exclusively}. `committed` is told in the same step. */
  async publish(manifest: Manifest, committed: () => void = () => {}): Promise<void> {
    const { context, directory, watermark } = this.#place
    const file = path.join(directory, manifestName(manifest.sequence))
    this.#doubtful = manifest
    await replaceFile(context.disk, file, encodeManifest(manifest))
    this.#doubtful = undefined
    this.#current = manifest
    committed()
    await watermark.commit(manifest.sequence)
    await this.#removeSuperseded()
  }

  /**
   * Keeps the files of the current manifest, and the log after it, until released or closed.
   * @param letGo run once at that moment: closes what the pin's owner opened
   * @param afterLsn log records after this one stay, also those that the manifest does not need
   */
  pin(letGo: () => Promise<void>, afterLsn?: number): ManifestPin {
    const manifest = this.#current
    const pin: Pin = { ...keepManifest(manifest, afterLsn), letGo }
    this.#pins.add(pin)
    return {
      manifest,
      isHeld: () => this.#pins.has(pin),
      release: async () => {
        if (!this.#pins.delete(pin)) return
        await letGo()
        await this.exclusively(() => this.#removeSuperseded())
      },
    }
  }

  /**
   * Keeps `files` until the returned function is called: files that are read, or made and not named yet.
   * The set may grow meanwhile.
   */
  hold(files: ReadonlySet<string>): () => void {
    const pin: Pin = { files, afterLsn: Number.POSITIVE_INFINITY, letGo: async () => {} }
    this.#pins.add(pin)
    return () => this.#pins.delete(pin)
  }

  /** Keeps the files of a segment in the making, until the function is called. */
  keepNumber(number: number): () => Promise<void> {
    this.#numbersInUse.add(number)
    return async () => {
      this.#numbersInUse.delete(number)
      await this.exclusively(() => this.#removeSuperseded())
    }
  }

  /** Closes a segment that others took over from, and then removes its files, once nobody holds it. */
  retire(segment: LiveSegment): void {
    const letGo = this.keepNumber(segment.number)
    const removed = segment
      .retire()
      .then(letGo)
      .catch((error: unknown) =>
        this.#place.context.onWarning(
          `the files of the replaced segment ${segment.number} could not be removed: ${String(error)}`,
        ),
      )
      .finally(() => this.#retired.delete(segment))
    this.#retired.set(segment, removed)
  }

  /** Waits until the files of replaced segments are gone, but for those that somebody still reads. */
  async tidied(): Promise<void> {
    const free = [...this.#retired].filter(([segment]) => !segment.held)
    await Promise.all(free.map(([, removed]) => removed))
  }

  /** Lets go of every pin and of what was retired: the collection is closed, perhaps to be dropped. */
  async close(): Promise<void> {
    await this.tidied()
    await this.settle()
    this.#closed = true // what is left goes when the collection is opened again
    const pins = [...this.#pins]
    this.#pins.clear()
    for (const pin of pins) await pin.letGo()
    for (const segment of this.#retired.keys()) await segment.close()
    await this.settle()
  }

  async #removeSuperseded(): Promise<void> {
    if (this.#closed) return
    const keeps: Keep[] = [...this.#pins]
    if (this.#doubtful !== undefined) keeps.push(keepManifest(this.#doubtful))
    await removeSuperseded(this.#place, this.#current, keeps, this.#numbersInUse)
  }
}
