/**
 * Bodies of requests, read whole, looked through and parsed. What comes in is bounded in four ways before it
 * is parsed: the bytes of one body, those of all bodies that are held at once, how deep values stand in each other,
 * and how many objects, lists and texts there are, each of which costs many times its bytes once it is parsed.
 */
import { isUtf8 } from 'node:buffer'
import type { Readable } from 'node:stream'
import { fail, OperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'

/** One server's. */
export class RequestBodies {
  readonly #maxHeldBytes: number
  #heldBytes = 0

  /** @param maxHeldBytes of bodies that are being read or answered */
  constructor(maxHeldBytes: number) {
    this.#maxHeldBytes = maxHeldBytes
  }

  /** Bytes of bodies that are being read or answered. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /**
   * Reads a body to its end. Its bytes count until `released` calls what it is given: when the request is over.
   * @throws `request-too-large`; `unreachable` when too much is held already; `interrupted` when the client goes
   */
  read(
    source: Readable,
    maxBytes: number,
    released: (release: () => void) => void,
  ): Promise<Buffer> {
    let held = 0
    released(() => {
      this.#heldBytes -= held
      held = 0
    })
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      let bytes = 0
      const end = (error: unknown) => {
        source.off('data', take)
        source.resume() // the rest is passed over, so that the answer gets out
        reject(error)
      }
      const take = (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > maxBytes) return end(tooLarge(maxBytes))
        if (this.#heldBytes + chunk.length > this.#maxHeldBytes) return end(busy())
        held += chunk.length
        this.#heldBytes += chunk.length
        chunks.push(chunk)
      }
      source.on('data', take)
      source.once('end', () => resolve(Buffer.concat(chunks)))
      source.once('error', (cause) => reject(gone(cause)))
      source.once('close', () => reject(gone(undefined))) // without an end
    })
  }
}

/** A body that has more bytes than it may. */
export const tooLarge = (maxBytes: number): OperatingError =>
  new OperatingError(
    'request-too-large',
    'the body is too large',
    `Send at most ${maxBytes} bytes at once, in several requests; vectra-cli collections import does that by itself.`,
  )

const busy = (): OperatingError =>
  new OperatingError(
    'unreachable',
    'the server holds as many bytes of other requests as it may',
    'Ask again in a moment, or send less at once.',
  )

const gone = (cause: unknown): OperatingError =>
  new OperatingError('interrupted', 'the client has gone', 'Ask again.', { cause })

/** The JSON of a body; undefined of an empty one. @throws `usage`; `limit-exceeded` */
export function parseBody(bytes: Buffer): unknown {
  const refuse = (problem: string): never =>
    fail('usage', `the body ${problem}`, 'Send JSON in UTF-8.')
  if (bytes.length === 0) return undefined
  if (!isUtf8(bytes)) refuse('is not UTF-8')
  checkParts(bytes)
  try {
    return JSON.parse(bytes.toString())
  } catch (error) {
    return refuse(`is not JSON: ${error instanceof Error ? error.message : ''}`)
  }
}

const [quote, backslash] = [0x22, 0x5c]
const [nothing, opens, closes, quotes] = [0, 1, 2, 3]

/** What each byte means outside of a text. */
const meanings = new Uint8Array(256)
for (const [marks, meaning] of [
  ['[{', opens],
  [']}', closes],
  ['"', quotes],
] as const) {
  for (const mark of marks) meanings[mark.charCodeAt(0)] = meaning
}

/**
 * By a linear look at the bytes, which need not be JSON.
 * @throws `limit-exceeded`
 */
function checkParts(bytes: Buffer): void {
  const marks = new Marks(bytes)
  let depth = 0
  let parts = 0
  for (let at = marks.next(0); at < bytes.length; at = marks.next(at + 1)) {
    const meaning = meanings[bytes[at] ?? 0]
    if (meaning === closes) {
      depth--
      continue
    }
    if (++parts > limits.requestParts) {
      const hint = 'Send less at once, in several requests.'
      fail('limit-exceeded', `the body has more than ${limits.requestParts} parts`, hint)
    }
    if (meaning === quotes) {
      at = endOfText(bytes, at)
    } else if (++depth > limits.requestDepth) {
      const hint = 'Flatten it.'
      fail('limit-exceeded', `the body is nested deeper than ${limits.requestDepth}`, hint)
    }
  }
}

/** Bytes looked at one by one before the next mark is searched for, which is fast over long lists of numbers. */
const nearBytes = 64

/** Finds what means something; forward only. */
class Marks {
  readonly #bytes: Buffer
  /** Of each kind of mark, the first that is not before the last search. */
  readonly #ahead = [...'"[{]}'].map((mark) => ({ code: mark.charCodeAt(0), at: -1 }))

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** The first mark not before `from`; at the length or beyond: none. */
  next(from: number): number {
    const bytes = this.#bytes
    const near = Math.min(from + nearBytes, bytes.length)
    for (let at = from; at < near; at++) if (meanings[bytes[at] ?? 0] !== nothing) return at
    let first = bytes.length
    for (const mark of this.#ahead) {
      if (mark.at < near) {
        const at = bytes.indexOf(mark.code, near)
        mark.at = at < 0 ? bytes.length : at
      }
      first = Math.min(first, mark.at)
    }
    return first
  }
}

/** Where the text that begins at `start` ends: its quote with an even number of backslashes before it. */
function endOfText(bytes: Buffer, start: number): number {
  for (let end = bytes.indexOf(quote, start + 1); end >= 0; end = bytes.indexOf(quote, end + 1)) {
    let before = end - 1
    while (bytes[before] === backslash) before--
    if ((end - before) % 2 === 1) return end
  }
  return bytes.length
}
