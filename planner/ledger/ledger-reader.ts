/**
 * Reading a ledger and proving its chain. Nothing is written, and nothing is skipped: reading stops at
 * the first line that does not fit, and says which and why.
 *
 * Entries are handed on one by one and not kept, so a ledger may be larger than the memory. Whoever
 * wants them all uses {@link readLedger}.
 */
import { type Disk, type DiskFile, isOperatingError } from '../../engine/index.ts'
import { type Head, headOf, readHead } from './ledger-head.ts'
import {
  decodeLine,
  isJson,
  type LedgerEntry,
  type LedgerLine,
  type LineBefore,
  startOfLedger,
} from './ledger-line.ts'
import { linesFrom, type RawLine } from './line-chunks.ts'
import { unfold } from './sum.ts'

export interface LedgerProblem {
  /** The first line that does not fit. */
  readonly line: number
  readonly reason: string
}

/** How far a ledger holds. */
export interface LedgerProof {
  readonly file: string
  /** The last proven line. */
  readonly last: LineBefore
  /** Where it ends, its line feed included. */
  readonly lastOffset: number
  readonly problem?: LedgerProblem
  /** What a person should know although the chain holds. */
  readonly remarks: readonly string[]
}

export interface LedgerReading extends LedgerProof {
  /** Proven entries, up to the problem if there is one. */
  readonly entries: readonly LedgerEntry[]
}

/** What was proven before: the lines up to `last`, which ends at `offset`. */
export interface ProvenStart {
  readonly last: LineBefore
  readonly offset: number
}

/** Sees a proven line, its SHA-256, and its bytes without their line feed. */
export type LineReader = (line: LedgerLine, sha256: string, bytes: Buffer) => void

/**
 * Reads and proves the ledger; one that is not there has no entries.
 * @throws `newer-format`, `disk-error`
 */
export async function readLedger(disk: Disk, file: string): Promise<LedgerReading> {
  const entries: LedgerEntry[] = []
  const proof = await walkLedger(disk, file, (entry) => entries.push(entry))
  return { ...proof, entries }
}

/**
 * The same without keeping anything: each entry is read by `reader` once it is proven, in order.
 * @throws as {@link readLedger}
 */
export const walkLedger = (
  disk: Disk,
  file: string,
  reader: (entry: LedgerEntry) => void,
): Promise<LedgerProof> =>
  walkLines(disk, file, (line) => {
    for (const entry of unfold(line)) reader(entry)
  })

/**
 * The same by lines, sums as they stand there.
 * @param start what need not be read again; `reader` sees what follows
 * @throws as {@link readLedger}
 */
export async function walkLines(
  disk: Disk,
  file: string,
  reader: LineReader,
  start: ProvenStart = { last: startOfLedger, offset: 0 },
): Promise<LedgerProof> {
  let handle: DiskFile | undefined
  try {
    let head = await readHead(disk, file)
    const walk = new Walk(file, reader, start, head)
    for (let look = 1; ; look++) {
      handle ??= await openIfThere(disk, file)
      if (handle !== undefined) await walk.readOn(handle, head)
      const found = walk.conclude(head)
      const newer = found.problem === undefined ? head : await readHead(disk, file)
      // a run that appends meanwhile makes lines and head disagree; they agree again a moment later
      if (found.problem === undefined || isSame(newer, head) || look === looks) return found
      head = newer
    }
  } finally {
    await handle?.close()
  }
}

const looks = 5

const isSame = (a: Head, b: Head): boolean =>
  typeof a === 'object' && typeof b === 'object'
    ? a.line === b.line && a.sha256 === b.sha256
    : a === b

class Walk {
  readonly #file: string
  readonly #reader: LineReader
  /** Of the lines that a head may name. */
  readonly #hashes = new Map<number, string>()
  readonly #keptFrom: number
  #last: LineBefore
  #offset: number
  /** Bytes behind the last line that are none. */
  #tornBytes = 0
  #problem: LedgerProblem | undefined

  constructor(file: string, reader: LineReader, start: ProvenStart, head: Head) {
    this.#file = file
    this.#reader = reader
    this.#last = start.last
    this.#offset = start.offset
    this.#keptFrom = typeof head === 'object' ? head.line : 0
    this.#hashes.set(start.last.line, start.last.sha256)
  }

  /** From the last proven line to the end of the file. */
  async readOn(handle: DiskFile, head: Head): Promise<void> {
    this.#tornBytes = 0
    if (this.#problem !== undefined) return
    for await (const lines of linesFrom(handle, this.#offset)) {
      for (const line of lines) {
        this.#read(line, head)
        if (this.#problem !== undefined) return
      }
    }
  }

  #read({ bytes, complete, sha256, isCanonical }: RawLine, head: Head): void {
    const last = this.#last
    if (this.#tornBytes > 0) {
      // something follows: then it was no rest of the last line
      this.#problem = { line: last.line + 1, reason: 'it is not JSON' }
      return
    }
    if (!complete || (endsAt(head, last) && !isJson(bytes))) {
      this.#tornBytes = bytes.length
      return
    }
    const entry = decodeLine(bytes.toString('utf8'), last, this.#file, isCanonical)
    if (typeof entry === 'string') {
      this.#problem = { line: last.line + 1, reason: entry }
      return
    }
    this.#last = { line: entry.line, sha256 }
    this.#offset += bytes.length + 1
    if (entry.line >= this.#keptFrom) this.#hashes.set(entry.line, sha256)
    this.#reader(entry, sha256, bytes)
    if (entry.kind === 'remark' && entry.breaks) {
      this.#problem = { line: entry.line, reason: `it records that ${entry.remark}` }
    }
  }

  conclude(head: Head): LedgerProof {
    const remarks: string[] = []
    const problem = this.#problem ?? this.#compareHead(head, remarks)
    if (problem === undefined && this.#tornBytes > 0) {
      remarks.push(
        `${this.#tornBytes} bytes after line ${this.#last.line} are a line that a crash left unfinished; the next run cuts them off`,
      )
    }
    return {
      file: this.#file,
      last: this.#last,
      lastOffset: this.#offset,
      ...(problem && { problem }),
      remarks,
    }
  }

  #compareHead(head: Head, remarks: string[]): LedgerProblem | undefined {
    const lines = this.#last.line
    if (head === 'missing') {
      if (lines > 0) {
        remarks.push(`${headOf(this.#file)} is missing: the ledger's end cannot be proven`)
      }
      return undefined
    }
    if (head === 'damaged') return { line: lines, reason: `${headOf(this.#file)} is damaged` }
    if (head.line > lines) {
      const reason = `it is missing: the head says there are ${head.line} lines`
      return { line: lines + 1, reason }
    }
    if (head.line > 0 && this.#hashes.get(head.line) !== head.sha256) {
      return { line: head.line, reason: 'it is not the line whose hash the head holds' }
    }
    // a crash between a line and the head leaves the head one behind, never more
    if (head.line < lines - 1) {
      return { line: head.line + 1, reason: `the head ends at line ${head.line}` }
    }
    return undefined
  }
}

const endsAt = (head: Head, last: LineBefore): boolean =>
  head === 'missing'
    ? last.line === 0
    : head !== 'damaged' && head.line === last.line && head.sha256 === last.sha256

async function openIfThere(disk: Disk, file: string): Promise<DiskFile | undefined> {
  try {
    return await disk.open(file, 'read')
  } catch (error) {
    if (isOperatingError(error, 'file-not-found')) return undefined
    throw error
  }
}
