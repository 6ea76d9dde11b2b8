/**
 * Reading a ledger and proving its chain. Nothing is written, and nothing is skipped: reading stops at
 * the first line that does not fit, and says which and why.
 */
import { canonicalJson, type Disk, isOperatingError, MiB } from '../../engine/index.ts'
import { headOf, readHead } from './ledger-head.ts'
import {
  decodeLine,
  hashLine,
  isJson,
  type LedgerEntry,
  type LineBefore,
  startOfLedger,
} from './ledger-line.ts'

/** A longer line was not written by this product. */
export const maxLineBytes = 8 * MiB
const chunkBytes = 1 * MiB
const lineFeed = 0x0a

export interface LedgerProblem {
  /** The first line that does not fit. */
  readonly line: number
  readonly reason: string
}

export interface LedgerReading {
  readonly file: string
  /** Proven entries, up to the problem if there is one. */
  readonly entries: readonly LedgerEntry[]
  /** The last proven line. */
  readonly last: LineBefore
  readonly problem?: LedgerProblem
  /** What a person should know although the chain holds. */
  readonly remarks: readonly string[]
}

/**
 * Reads and proves the ledger; one that is not there has no entries.
 * @throws `newer-format`, `disk-error`
 */
export async function readLedger(disk: Disk, file: string): Promise<LedgerReading> {
  for (let look = 1; ; look++) {
    const head = await readHead(disk, file)
    const reading = await readOnce(disk, file, head)
    const isSame = canonicalJson(await readHead(disk, file)) === canonicalJson(head)
    // a run that appends meanwhile makes lines and head disagree; they agree again a moment later
    if (reading.problem === undefined || isSame || look === looks) return reading
  }
}

const looks = 5

async function readOnce(disk: Disk, file: string, head: Head): Promise<LedgerReading> {
  const entries: LedgerEntry[] = []
  const hashes: string[] = []
  const remarks: string[] = []
  let last = startOfLedger
  let tornBytes = 0
  let problem: LedgerProblem | undefined

  for await (const { bytes, complete } of linesOf(disk, file)) {
    if (tornBytes > 0) {
      // something follows: then it was no rest of the last line
      problem = { line: last.line + 1, reason: 'it is not JSON' }
      break
    }
    if (!complete || (endsAt(head, last) && !isJson(bytes))) {
      tornBytes = bytes.length
      continue
    }
    const entry = decodeLine(bytes.toString('utf8'), last, file)
    if (typeof entry === 'string') {
      problem = { line: last.line + 1, reason: entry }
      break
    }
    last = { line: entry.line, sha256: hashLine(bytes) }
    hashes.push(last.sha256)
    entries.push(entry)
    if (entry.kind === 'remark' && entry.breaks) {
      problem = { line: entry.line, reason: `it records that ${entry.remark}` }
      break
    }
  }
  problem ??= compareHead(head, hashes, file, remarks)
  if (problem === undefined && tornBytes > 0) {
    remarks.push(
      `${tornBytes} bytes after line ${last.line} are a line that a crash left unfinished; the next run cuts them off`,
    )
  }
  return { file, entries, last, ...(problem && { problem }), remarks }
}

type Head = LineBefore | 'missing' | 'damaged'

const endsAt = (head: Head, last: LineBefore): boolean =>
  head === 'missing'
    ? last.line === 0
    : head !== 'damaged' && head.line === last.line && head.sha256 === last.sha256

function compareHead(
  head: Head,
  hashes: readonly string[],
  file: string,
  remarks: string[],
): LedgerProblem | undefined {
  const lines = hashes.length
  if (head === 'missing') {
    if (lines > 0) remarks.push(`${headOf(file)} is missing: the ledger's end cannot be proven`)
    return undefined
  }
  if (head === 'damaged') return { line: lines, reason: `${headOf(file)} is damaged` }
  if (head.line > lines) {
    return { line: lines + 1, reason: `it is missing: the head says there are ${head.line} lines` }
  }
  if (head.line > 0 && hashes[head.line - 1] !== head.sha256) {
    return { line: head.line, reason: 'it is not the line whose hash the head holds' }
  }
  // a crash between a line and the head leaves the head one behind, never more
  if (head.line < lines - 1) {
    return { line: head.line + 1, reason: `the head ends at line ${head.line}` }
  }
  return undefined
}

interface RawLine {
  /** Without its line feed. */
  readonly bytes: Buffer
  /** False for what stands behind the last line feed. */
  readonly complete: boolean
}

async function* linesOf(disk: Disk, file: string): AsyncGenerator<RawLine> {
  const handle = await openIfThere(disk, file)
  if (handle === undefined) return
  try {
    const chunk = Buffer.alloc(chunkBytes)
    let rest = Buffer.alloc(0)
    let position = 0
    for (;;) {
      const read = await handle.read(chunk, position)
      if (read === 0) break
      position += read
      rest = Buffer.concat([rest, chunk.subarray(0, read)])
      let start = 0
      for (let end = rest.indexOf(lineFeed); end >= 0; end = rest.indexOf(lineFeed, start)) {
        yield { bytes: Buffer.from(rest.subarray(start, end)), complete: true }
        start = end + 1
      }
      rest = rest.subarray(start)
      // an endless line is handed on as it is: it fits nowhere
      if (rest.length > maxLineBytes) yield { bytes: rest, complete: true }
    }
    if (rest.length > 0) yield { bytes: Buffer.from(rest), complete: false }
  } finally {
    await handle.close()
  }
}

async function openIfThere(disk: Disk, file: string) {
  try {
    return await disk.open(file, 'read')
  } catch (error) {
    if (isOperatingError(error, 'file-not-found')) return undefined
    throw error
  }
}
