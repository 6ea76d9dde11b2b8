/**
 * Appending to the ledger.
 *
 * An append is one write of a whole line, made durable before it counts, under a lock, so that runs of
 * several plans may share a ledger. What a crash left of a line is cut off, and a remark says so with
 * its hash: bytes behind the last line feed, or, when the power went before they were durable, a line
 * behind the head that is none. A ledger that does not agree with its head is still appended to,
 * because a recovery must not wait for its paperwork, but the first new line says what was found and
 * the chain never again verifies past it.
 */
import * as path from 'node:path'
import {
  type Clock,
  type Disk,
  type DiskFile,
  fail,
  isOperatingError,
  type JsonObject,
  type Signer,
  sha256Hex,
  type Timer,
  writeNewFile,
} from '../../engine/index.ts'
import { type Head, readHead, writeHead } from './ledger-head.ts'
import {
  encodeLine,
  hashLine,
  type InChain,
  isJson,
  type LedgerBody,
  type LedgerEntry,
  type LedgerRemark,
  type LineBefore,
  maxLineBytes,
  type RunHeader,
  signLine,
  startOfLedger,
} from './ledger-line.ts'
import { awaitStateLock } from './state-lock.ts'
import type { RunsSummed } from './sum-line.ts'

/** Another process holds the lock for one append only. */
const patienceMs = 10_000
const lineFeed = 0x0a

export interface LedgerTools {
  readonly disk: Disk
  readonly clock: Clock
  readonly timer: Timer
}

/** What is appended behind `last`. */
type BodyOf<Body> = (last: LineBefore, at: string) => Body

export class Ledger {
  readonly file: string
  readonly #tools: LedgerTools
  #turn: Promise<unknown> = Promise.resolve()

  constructor(file: string, tools: LedgerTools) {
    this.file = file
    this.#tools = tools
  }

  /**
   * Appends one line; resolves when it is durable.
   * @param at when it happened, ISO 8601, where it was put down before
   * @throws `locked`, `disk-full`, `disk-refused`, `disk-error`
   */
  append<Body extends LedgerBody | RunsSummed>(
    header: RunHeader,
    body: Body,
    at?: string,
  ): Promise<RunHeader & Body & InChain> {
    return this.#inTurn(header, () => body, at)
  }

  /**
   * Appends a signature of all that stands in the ledger; resolves when it is durable.
   * @throws as {@link append}
   */
  sign(header: RunHeader, signer: Signer): Promise<LedgerEntry> {
    return this.#inTurn(header, (last, at) => signLine(header, signer, last, at))
  }

  #inTurn<Body extends LedgerBody | RunsSummed>(
    header: RunHeader,
    body: BodyOf<Body>,
    at?: string,
  ): Promise<RunHeader & Body & InChain> {
    const appended = this.#turn.then(() => this.#append(header, body, at))
    this.#turn = appended.catch(() => {})
    return appended
  }

  async #append<Body extends LedgerBody | RunsSummed>(
    header: RunHeader,
    body: BodyOf<Body>,
    happenedAt: string | undefined,
  ): Promise<RunHeader & Body & InChain> {
    const { disk, clock, timer } = this.#tools
    const lock = await awaitStateLock(
      disk,
      clock,
      timer,
      `${this.file}.lock`,
      `an append to ${this.file}`,
      patienceMs,
    )
    try {
      const handle = await openOrCreate(disk, this.file)
      try {
        const head = await readHead(disk, this.file)
        const end = await findEnd(handle, head)
        const at = new Date(clock.nowMs()).toISOString()
        let { last, offset } = end
        // line by line, each with its head: the head is never more than one line behind
        const write = async <Each extends LedgerBody | RunsSummed>(each: Each, time: string) => {
          const { text, entry } = encodeLine(header, each, last, time)
          const bytes = Buffer.from(`${text}\n`)
          await writeDurably(handle, offset, bytes)
          last = { line: entry.line, sha256: hashLine(text) }
          offset += bytes.length
          await writeHead(disk, this.file, last)
          return entry
        }
        if (end.torn.length > 0) await handle.truncate(end.offset)
        const remark = remarkOn(end, head)
        // a crash came between a line and its head; a second one must not leave it two behind
        if (isBehind(head, end.last)) await writeHead(disk, this.file, end.last)
        if (remark !== undefined) await write(remark, at)
        return await write(body(last, happenedAt ?? at), happenedAt ?? at)
      } finally {
        await handle.close()
      }
    } finally {
      await lock.release()
    }
  }
}

async function openOrCreate(disk: Disk, file: string): Promise<DiskFile> {
  try {
    return await disk.open(file, 'append')
  } catch (error) {
    if (!isOperatingError(error, 'file-not-found')) throw error
  }
  await writeNewFile(disk, file, Buffer.alloc(0))
  await disk.syncDirectory(path.dirname(file))
  return disk.open(file, 'append')
}

interface End {
  readonly last: LineBefore
  /** Where the next line begins. */
  readonly offset: number
  /** What a crash left of a line. */
  readonly torn: Buffer
}

/** Finds the last whole line without reading the ledger from its start. */
async function findEnd(handle: DiskFile, head: Head): Promise<End> {
  const sizeBytes = await handle.sizeBytes()
  for (let window = 64 * 1024; ; window *= 4) {
    const start = Math.max(0, sizeBytes - window)
    const tail = Buffer.alloc(sizeBytes - start)
    const bytes = tail.subarray(0, await handle.read(tail, start))
    const lastFeed = bytes.lastIndexOf(lineFeed)
    const feedBefore = lastFeed <= 0 ? -1 : bytes.lastIndexOf(lineFeed, lastFeed - 1)
    const feedBeforeThat = feedBefore <= 0 ? -1 : bytes.lastIndexOf(lineFeed, feedBefore - 1)
    if (start > 0 && feedBeforeThat < 0) {
      if (window <= 4 * maxLineBytes) continue
      return fail(
        'ledger-broken',
        `${handle.path} ends in a line of more than ${maxLineBytes} bytes`,
        'Put the ledger back from a copy, or move it aside: a new one is begun.',
        { place: { file: handle.path } },
      )
    }
    const torn = Buffer.from(bytes.subarray(lastFeed + 1))
    if (lastFeed < 0) return { last: startOfLedger, offset: 0, torn }
    const text = bytes.subarray(feedBefore + 1, lastFeed)
    const textBefore = bytes.subarray(feedBeforeThat + 1, Math.max(0, feedBefore))
    if (isRest(text, textBefore, head)) {
      const last = head === 'missing' ? startOfLedger : head
      const rest = Buffer.from(bytes.subarray(feedBefore + 1))
      return { last, offset: start + feedBefore + 1, torn: rest }
    }
    const line = lineNumber(text) ?? (await countLines(handle, start + lastFeed + 1))
    return { last: { line, sha256: hashLine(text) }, offset: start + lastFeed + 1, torn }
  }
}

/** Whether the last line is what a power cut left of one: no JSON, right behind the line of the head. */
function isRest(text: Buffer, textBefore: Buffer, head: Head): head is LineBefore | 'missing' {
  if (head === 'damaged' || isJson(text)) return false
  if (head === 'missing') return textBefore.length === 0
  return head.line === 0 ? textBefore.length === 0 : hashLine(textBefore) === head.sha256
}

const isBehind = (head: Head, { line }: LineBefore): boolean =>
  typeof head === 'object' && head.line === line - 1

/** Damage is the verifier's to name; here the chain only has to go on from what stands there. */
function lineNumber(text: Buffer): number | undefined {
  try {
    const line: unknown = JSON.parse(text.toString('utf8'))?.line
    return typeof line === 'number' && Number.isSafeInteger(line) && line > 0 ? line : undefined
  } catch {
    return undefined
  }
}

async function countLines(handle: DiskFile, end: number): Promise<number> {
  const chunk = Buffer.alloc(1024 * 1024)
  let lines = 0
  for (let position = 0; position < end; ) {
    const read = await handle.read(
      chunk.subarray(0, Math.min(chunk.length, end - position)),
      position,
    )
    if (read === 0) break
    for (let i = 0; i < read; i++) if (chunk[i] === lineFeed) lines += 1
    position += read
  }
  return lines
}

/** What has to be said before anything else is written. */
function remarkOn({ last, torn }: End, head: Head): LedgerRemark | undefined {
  const cut: JsonObject =
    torn.length === 0 ? {} : { cutBytes: torn.length, cutSha256: sha256Hex(torn) }
  if (head === 'missing') {
    if (last.line === 0 && torn.length === 0) return undefined
    return remark('the head was missing, so the end of the ledger could not be proven', false, cut)
  }
  if (head === 'damaged') return remark('the head was damaged', true, cut)
  const ahead = head.line > last.line || (head.line === last.line && head.sha256 !== last.sha256)
  if (ahead || head.line < last.line - 1) {
    return remark(`the ledger ended at line ${last.line} and its head at line ${head.line}`, true, {
      ...cut,
      headLine: head.line,
      headSha256: head.sha256,
    })
  }
  if (torn.length === 0) return undefined
  return remark('a line that a crash left unfinished was cut off', false, cut)
}

const remark = (text: string, breaks: boolean, details: JsonObject): LedgerRemark => ({
  kind: 'remark',
  remark: text,
  breaks,
  details,
})

async function writeDurably(handle: DiskFile, offset: number, bytes: Buffer): Promise<void> {
  try {
    await handle.write(bytes, offset)
    await handle.sync()
  } catch (error) {
    // half a line helps nobody; when this fails too, the next append cuts it off
    await handle.truncate(offset).catch(() => {})
    throw error
  }
}
