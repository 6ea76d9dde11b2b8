/**
 * A ZIP file put together part by part: the same parts give the same bytes, on every day and in every time
 * zone. What is written is compressed at once, and the SHA-256 of every part is known at the end.
 */
import { Zip, ZipDeflate } from 'fflate'
import { Sha256 } from '../../engine/index.ts'

/** The earliest that a ZIP file can tell, in whatever zone it is read. */
const noTime = new Date(1980, 0, 1)

export interface ZippedFile {
  readonly name: string
  readonly sha256: string
  readonly sizeBytes: number
}

export class ZipFile {
  readonly #parts: Uint8Array[] = []
  readonly #files: ZippedFile[] = []
  readonly #zip = new Zip((error, bytes) => {
    if (error) throw error
    this.#parts.push(bytes)
  })

  /** What was added, in its order. */
  get files(): readonly ZippedFile[] {
    return this.#files
  }

  add(name: string, bytes: Uint8Array): void {
    this.begin(name).end(bytes)
  }

  /** A file that comes in parts; nothing else may be added before its end. */
  begin(name: string): { write(bytes: Uint8Array): void; end(bytes?: Uint8Array): void } {
    const file = new ZipDeflate(name, { level: 6 })
    file.mtime = noTime
    this.#zip.add(file)
    const hash = new Sha256()
    let sizeBytes = 0
    const push = (bytes: Uint8Array, isLast: boolean) => {
      hash.update(bytes)
      sizeBytes += bytes.length
      file.push(bytes, isLast)
    }
    return {
      write: (bytes) => push(bytes, false),
      end: (bytes = new Uint8Array()) => {
        push(bytes, true)
        this.#files.push({ name, sha256: hash.hex(), sizeBytes })
      },
    }
  }

  /** The whole file; nothing may follow. */
  finish(): Buffer {
    this.#zip.end()
    return Buffer.concat(this.#parts)
  }
}
