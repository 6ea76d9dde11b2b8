/**
 * Lines of UTF-8 text out of a stream of chunks cut anywhere, also inside a character.
 *
 * A line ends with LF or CRLF; the last one need not. A byte order mark at the start is skipped, blank
 * lines are skipped but counted. A line is bounded, so a file without line ends cannot fill the memory.
 */
import { TextDecoder } from 'node:util'
import { limits } from '../base/limits.ts'
import type { ByteSource } from './byte-source.ts'
import { linePlace, refuse } from './source-point.ts'

export interface Line {
  /** From 1, as editors count. */
  readonly number: number
  readonly text: string
  readonly sizeBytes: number
}

const LINE_FEED = 0x0a
const byteOrderMark = '\uFEFF'

/** @throws `invalid-input-file` with the line: too long, or not UTF-8 */
export async function* readLines(
  source: ByteSource,
  maxBytes: number = limits.importLineBytes,
): AsyncGenerator<Line> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let pending: Uint8Array[] = []
  let pendingBytes = 0
  let number = 1

  const hold = (piece: Uint8Array) => {
    pending.push(piece)
    pendingBytes += piece.length
    if (pendingBytes > maxBytes) {
      refuse(
        linePlace(source.name, number),
        `the line is longer than ${maxBytes} bytes`,
        'Write one JSON object a line; a JSON array or a binary file is not JSONL.',
      )
    }
  }
  const release = (): Line => {
    const bytes = Buffer.concat(pending, pendingBytes)
    const text = decode(decoder, bytes, source.name, number)
    pending = []
    pendingBytes = 0
    return { number: number++, text, sizeBytes: bytes.length }
  }

  for await (const chunk of source.chunks()) {
    let start = 0
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      hold(chunk.subarray(start, end))
      start = end + 1
      const line = release()
      if (line.text.trim() !== '') yield line
    }
    if (start < chunk.length) hold(chunk.subarray(start))
  }
  if (pendingBytes > 0) {
    const line = release()
    if (line.text.trim() !== '') yield line
  }
}

function decode(decoder: TextDecoder, bytes: Uint8Array, name: string, number: number): string {
  try {
    const text = decoder.decode(bytes)
    return number === 1 && text.startsWith(byteOrderMark) ? text.slice(1) : text
  } catch {
    return refuse(
      linePlace(name, number),
      'the line is not UTF-8 text',
      'Save the file as UTF-8; a binary file needs its own format (f32, fvecs, npy).',
    )
  }
}
