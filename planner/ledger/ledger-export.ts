/**
 * Extracts of a ledger: its own lines, byte for byte, one after the other without a gap, from the first that
 * is wanted to the signature that covers the last one.
 *
 * An extract can be checked alone: each line holds the SHA-256 of the line before it, and the
 * signature at the end covers all of them.
 */
import { type Disk, fail, type JsonObject } from '../../engine/index.ts'
import type { LedgerLine, LineBefore } from './ledger-line.ts'
import { type LedgerProof, type ProvenStart, walkLines } from './ledger-reader.ts'

export interface ExportedLines {
  readonly from: number
  readonly to: number
  /** SHA-256 of the last line. */
  readonly head: string
  /** The line before the first one. */
  readonly before: LineBefore
  /** Whether a signature stands at the end. */
  readonly isSigned: boolean
  readonly bytes: number
}

/**
 * Hands on the lines of `ledger` from the first to the last that `isWanted`, and those up to the next
 * signature if there is one.
 * @returns the range; undefined when nothing was wanted
 */
export async function exportLines(
  disk: Disk,
  ledger: string,
  isWanted: (line: LedgerLine) => boolean,
  write: (bytes: Buffer) => void,
): Promise<{ readonly proof: LedgerProof; readonly exported: ExportedLines | undefined }> {
  let exported: ExportedLines | undefined
  /** Behind the last wanted line; they belong to it once a wanted one or a signature follows. */
  let waiting: Buffer[] = []
  let before: LineBefore = { line: 0, sha256: '0'.repeat(64) }
  const proof = await walkLines(disk, ledger, (entry, sha256, bytes) => {
    const wanted = isWanted(entry)
    const closes = entry.kind === 'signature' && exported !== undefined && !exported.isSigned
    if (wanted || exported !== undefined) waiting.push(Buffer.concat([bytes, lineFeed]))
    if (wanted || closes) {
      for (const each of waiting) write(each)
      exported = {
        from: exported?.from ?? entry.line,
        to: entry.line,
        head: sha256,
        before: exported?.before ?? before,
        isSigned: entry.kind === 'signature',
        bytes: (exported?.bytes ?? 0) + waiting.reduce((sum, each) => sum + each.length, 0),
      }
      waiting = []
    }
    before = { line: entry.line, sha256 }
  })
  return { proof, exported }
}

const lineFeed = Buffer.from('\n')

/**
 * Where the chain of an extract begins: with what its first line says of the line before.
 * @throws `ledger-broken`, `file-not-found`
 */
export async function startOfExport(disk: Disk, file: string): Promise<ProvenStart> {
  const handle = await disk.open(file, 'read')
  try {
    let held = Buffer.alloc(0)
    const chunk = Buffer.alloc(1024 * 1024)
    for (;;) {
      const read = await handle.read(chunk, held.length)
      held = Buffer.concat([held, chunk.subarray(0, read)])
      const end = held.indexOf(0x0a)
      if (end >= 0) return startBefore(held.subarray(0, end), file)
      if (read === 0 || held.length > 8 * chunk.length) return startBefore(held, file)
    }
  } finally {
    await handle.close()
  }
}

function startBefore(line: Buffer, file: string): ProvenStart {
  try {
    const first: JsonObject = JSON.parse(line.toString('utf8'))
    const { line: number, previous } = first
    if (typeof number === 'number' && number >= 1 && typeof previous === 'string') {
      return { last: { line: number - 1, sha256: previous }, offset: 0 }
    }
  } catch {
    // told below
  }
  return fail(
    'ledger-broken',
    `the first line of ${file} is no line of a ledger`,
    'Export it anew.',
    {
      place: { file, line: 1 },
    },
  )
}
