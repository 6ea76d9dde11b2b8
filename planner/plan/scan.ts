/**
 * The look at a plan's YAML before the parser gets it: one linear pass over its words, so that what
 * would cost the parser minutes or its process is refused first.
 *
 * The words are those of the parser's own lexer, which is a flat state machine (256 KiB of the worst
 * input took 0.2 s); a scanner of our own could be talked into taking a bracket for text. Depth counts
 * open brackets plus columns at which a line, or a list item in it, is indented further.
 */
import { CST, Lexer } from 'yaml'
import { planLimits } from './limits.ts'
import type { TextProblem } from './problem.ts'

export interface ScanResult {
  /** The words for the parser; absent when it must not get them. */
  readonly words?: readonly string[]
  /** A bound is exceeded. */
  readonly tooLarge: boolean
  readonly problems: readonly TextProblem[]
}

/** The lexer marks the start of a plain or block scalar; the next word is its text. */
const scalarMark = '\u001f'
const zeroWidth: ReadonlySet<string> = new Set(['\u0002', '\u0018', scalarMark])

const tooLarge = (offset: number, message: string): TextProblem => ({
  rule: 'too-large',
  offset,
  path: '',
  message,
  hint: 'A plan is written for people to follow; split it into several plans.',
})

const feature = (offset: number, message: string, hint: string): TextProblem => ({
  rule: 'yaml-feature',
  offset,
  path: '',
  message,
  hint,
})

/** Nothing in YAML allows it, and the parser's time grows with the square of how often it stands. */
const twoTexts = (offset: number): TextProblem => ({
  rule: 'yaml-syntax',
  offset,
  path: '',
  message: 'one quoted text follows another',
  hint: 'Put a comma between them, or a backslash before a quote that belongs to the text.',
})

/** Checks the bounds and refuses what the plan language leaves out of YAML. */
export function scanYaml(text: string): ScanResult {
  const problems: TextProblem[] = []
  const depth = new Depth()
  const words: string[] = []
  let keys = 0
  let anchors = 0
  let aliases = 0
  let offset = 0
  let inScalar = false
  let content = false
  let afterQuotes = false

  const over = (message: string): ScanResult => ({
    tooLarge: true,
    problems: [tooLarge(offset, message)],
  })

  for (const token of new Lexer().lex(text)) {
    if (words.push(token) > planLimits.tokens) {
      return over(`the plan has more than ${planLimits.tokens} words and signs`)
    }
    if (token.length > planLimits.tokenLength) {
      return over(`the plan has a text of more than ${planLimits.tokenLength} characters`)
    }
    if (inScalar) {
      inScalar = false
      depth.word(offset, token, null)
      offset += token.length
      continue
    }
    if (zeroWidth.has(token)) {
      inScalar = token === scalarMark
      content ||= inScalar
      continue
    }
    const type = CST.tokenType(token)
    switch (type) {
      case 'map-value-ind':
        if (++keys > planLimits.keys) return over(`the plan has more than ${planLimits.keys} keys`)
        break
      case 'anchor':
        if (++anchors > planLimits.anchors) {
          return over(`the plan has more than ${planLimits.anchors} anchors`)
        }
        break
      case 'alias':
        if (++aliases > planLimits.aliases) {
          return over(`the plan has more than ${planLimits.aliases} aliases`)
        }
        break
      case 'tag':
        problems.push(
          feature(offset, `the tag ${token.slice(0, 40)} is not allowed`, 'Remove the tag.'),
        )
        break
      case 'directive-line':
        problems.push(
          feature(offset, 'a plan has no YAML directives', 'Remove the line that starts with "%".'),
        )
        break
      case 'doc-start':
      case 'doc-end':
        if (content && type === 'doc-start') {
          problems.push(
            feature(offset, 'a plan is one document', 'Put what follows into a file of its own.'),
          )
        }
        break
      default:
    }
    content ||= type !== null && contentTypes.has(type)
    const quoted = type === 'double-quoted-scalar' || type === 'single-quoted-scalar'
    if (quoted && afterQuotes) return { tooLarge: false, problems: [twoTexts(offset)] }
    if (type !== 'space') afterQuotes = quoted
    depth.word(offset, token, type)
    if (depth.now > planLimits.depth) {
      return over(`the plan is nested deeper than ${planLimits.depth}`)
    }
    offset += token.length
    if (problems.length >= planLimits.problems) return { tooLarge: false, problems }
  }
  return { words, tooLarge: false, problems }
}

const contentTypes: ReadonlySet<string> = new Set([
  'flow-map-start',
  'flow-seq-start',
  'seq-item-ind',
  'explicit-key-ind',
  'map-value-ind',
  'single-quoted-scalar',
  'double-quoted-scalar',
  'block-scalar-header',
  'alias',
])

/** Counts nesting: brackets exactly, indentation by its columns. */
class Depth {
  #brackets = 0
  #lineStart = 0
  /** The next word may open a level: it is the first of its line or follows `- ` or `? `. */
  #opens = true
  readonly #columns: number[] = []

  get now(): number {
    return this.#brackets + this.#columns.length
  }

  word(offset: number, token: string, type: CST.TokenType | null): void {
    if (type === 'newline') {
      this.#lineStart = offset + token.length
      this.#opens = true
      return
    }
    if (type === 'space' || type === 'comment') return
    if (this.#brackets === 0 && this.#opens) this.#indent(offset - this.#lineStart)
    this.#opens = type === 'seq-item-ind' || type === 'explicit-key-ind'
    if (type === 'flow-map-start' || type === 'flow-seq-start') this.#brackets++
    if (type === 'flow-map-end' || type === 'flow-seq-end') {
      this.#brackets = Math.max(0, this.#brackets - 1)
    }
    const lastBreak = token.lastIndexOf('\n')
    if (lastBreak >= 0) {
      this.#lineStart = offset + lastBreak + 1
      this.#opens = lastBreak === token.length - 1
    }
  }

  #indent(column: number): void {
    while ((this.#columns.at(-1) ?? -1) >= column) this.#columns.pop()
    this.#columns.push(column)
  }
}
