/** The text of a plan file: which line and column an offset is, and the line to show for it. */
import type { Place } from './place.ts'
import type { PlanError, TextProblem } from './problem.ts'

/** Characters of a source line that are shown, and how many of them stand before the caret. */
const shownWidth = 100
const shownBefore = 60

/**
 * A text of the file as it may be shown: control characters never reach the terminal, and what stands
 * before the @ of a URL is masked, character by character so that columns stay where they are.
 */
export const showable = (text: string): string =>
  text.replace(/\p{Cc}|\p{Bidi_Control}/gu, ' ').replace(/(?<=:\/\/)[^/\s@]+(?=@)/g, masked)

const masked = (text: string): string => '*'.repeat(text.length)

/** In a line of the file: what stands where a secret would, unless it is a variable. */
const secretValue =
  /(?<=\b(?:key|apiKey|token|password|passphrase|secret)["']?\s*:\s*["']?)[^\s"'$][^"',}\]]*/gi

export class PlanText {
  readonly file: string
  readonly text: string
  readonly #lineStarts: number[]

  constructor(file: string, text: string) {
    this.file = file
    this.text = text
    this.#lineStarts = [0]
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
      this.#lineStarts.push(at + 1)
    }
  }

  place(offset: number, path: string): Place {
    const index = this.#lineIndex(offset)
    const column = Math.min(offset, this.text.length) - (this.#lineStarts[index] ?? 0) + 1
    return { file: this.file, line: index + 1, column, path }
  }

  error(problem: TextProblem): PlanError {
    const place = this.place(problem.offset, problem.path)
    const line = showable(this.#line(place.line - 1)).replace(secretValue, masked)
    const from = line.length <= shownWidth ? 0 : Math.max(0, place.column - 1 - shownBefore)
    return {
      ...place,
      rule: problem.rule,
      message: showable(problem.message),
      ...(problem.hint !== undefined && { hint: showable(problem.hint) }),
      source: line.slice(from, from + shownWidth),
      caret: place.column - from,
    }
  }

  #line(index: number): string {
    const from = this.#lineStarts[index] ?? 0
    const next = this.#lineStarts[index + 1]
    const line = this.text.slice(from, next === undefined ? this.text.length : next - 1)
    return line.endsWith('\r') ? line.slice(0, -1) : line
  }

  /** Binary search: the last line that starts at or before the offset. */
  #lineIndex(offset: number): number {
    let low = 0
    let high = this.#lineStarts.length - 1
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return low
  }
}
