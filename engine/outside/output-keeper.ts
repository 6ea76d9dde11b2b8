/**
 * What is kept of a program's output: lines, masked, at most `keptBytes` of them in memory however
 * much the program writes. The beginning and the end are kept, because errors stand at the end.
 *
 * Masking looks at whole lines, so that a secret cut in two by a pipe's buffer is found. A line longer
 * than `longestLine` is cut; its last part is dropped with the rest, because a secret could reach
 * across the cut.
 */
import { StringDecoder } from 'node:string_decoder'

export const keptBytes = 64 * 1024
const longestLine = 16 * 1024
const dropBeforeCut = 4 * 1024

export interface OutputKeeper {
  add(chunk: Uint8Array): void
  /** No more output; the last line needs no end. */
  end(): void
  /** The kept lines; says how much was left out. */
  text(): string
  /** Bytes that the program wrote. */
  readonly totalBytes: number
}

/** `onLine` sees every line, masked, as it comes. */
export function keepOutput(
  redact: (text: string) => string,
  onLine: (line: string) => void,
): OutputKeeper {
  const decoder = new StringDecoder('utf8')
  const head = new Lines(keptBytes / 2)
  const tail = new Lines(keptBytes / 2)
  let totalBytes = 0
  let rest = ''
  let cutting = false

  const take = (line: string) => {
    onLine(line)
    if (!tail.isEmpty || !head.offer(line)) tail.push(line)
  }
  const feed = (text: string) => {
    rest += text
    for (let at = rest.indexOf('\n'); at >= 0; at = rest.indexOf('\n')) {
      const line = rest.slice(0, at).replace(/\r$/, '')
      rest = rest.slice(at + 1)
      if (cutting) cutting = false
      else take(redact(line))
    }
    if (rest.length > longestLine) {
      if (!cutting) take(`${redact(rest).slice(0, longestLine - dropBeforeCut)} … (line cut)`)
      cutting = true
      rest = ''
    }
  }
  return {
    get totalBytes() {
      return totalBytes
    },
    add(chunk) {
      totalBytes += chunk.length
      feed(decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)))
    },
    end() {
      feed(decoder.end())
      if (rest !== '' && !cutting) take(redact(rest))
      rest = ''
    },
    text() {
      const gap = tail.dropped > 0 ? [`… (${tail.dropped} lines left out) …`] : []
      const lines = [...head.lines, ...gap, ...tail.lines]
      return lines.map((line) => `${line}\n`).join('')
    },
  }
}

/** Lines up to a number of bytes; `push` makes room by dropping the oldest. */
class Lines {
  readonly lines: string[] = []
  dropped = 0
  readonly #capacityBytes: number
  #bytes = 0

  constructor(capacityBytes: number) {
    this.#capacityBytes = capacityBytes
  }

  get isEmpty(): boolean {
    return this.lines.length === 0 && this.dropped === 0
  }

  offer(line: string): boolean {
    const bytes = sizeOf(line)
    if (this.#bytes + bytes > this.#capacityBytes) return false
    this.#bytes += bytes
    this.lines.push(line)
    return true
  }

  push(line: string): void {
    this.#bytes += sizeOf(line)
    this.lines.push(line)
    while (this.#bytes > this.#capacityBytes) {
      const oldest = this.lines.shift()
      if (oldest === undefined) break
      this.#bytes -= sizeOf(oldest)
      this.dropped += 1
    }
  }
}

const sizeOf = (line: string): number => Buffer.byteLength(line) + 1
