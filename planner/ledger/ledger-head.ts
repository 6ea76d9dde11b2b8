/**
 * The ledger's head, `<ledger>.head`: how far the ledger had come, in a file of its own.
 *
 * Written after each append, once the line itself is durable. So the head is at most one line behind,
 * never ahead; a ledger that is shorter than its head has lost lines, and bytes without a line feed
 * behind the head are a line that a crash left unfinished. It makes a cut-off end and an edit of the
 * last line visible, which the chain alone cannot; somebody who rewrites both files is found only by
 * a copy of the head that is kept elsewhere.
 *
 * One canonical JSON object and a line feed: `head` (version 1), `line`, `sha256`.
 */
import {
  canonicalJson,
  type Disk,
  isJsonObject,
  isOperatingError,
  KiB,
  replaceFile,
} from '../../engine/index.ts'
import type { LineBefore } from './ledger-line.ts'

const maxHeadBytes = 4 * KiB

/** What stands in the head's file. */
export type Head = LineBefore | 'missing' | 'damaged'

/** Where the head of a ledger stands. */
export const headOf = (ledger: string): string => `${ledger}.head`

/** Replaces the head; durable when it resolves. */
export async function writeHead(disk: Disk, ledger: string, head: LineBefore): Promise<void> {
  const text = canonicalJson({ head: 1, line: head.line, sha256: head.sha256 })
  await replaceFile(disk, headOf(ledger), Buffer.from(`${text}\n`))
}

/** The head; `missing`, or `damaged` when the file is no head. */
export async function readHead(disk: Disk, ledger: string): Promise<Head> {
  let bytes: Buffer
  try {
    bytes = await disk.readFile(headOf(ledger), maxHeadBytes)
  } catch (error) {
    if (isOperatingError(error, 'file-not-found')) return 'missing'
    if (isOperatingError(error, 'limit-exceeded')) return 'damaged'
    throw error
  }
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    if (!isJsonObject(value) || value['head'] !== 1) return 'damaged'
    const { line, sha256 } = value
    if (typeof line !== 'number' || !Number.isSafeInteger(line) || line < 0) return 'damaged'
    return typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256)
      ? { line, sha256 }
      : 'damaged'
  } catch {
    return 'damaged'
  }
}
