/**
 * The short way from the parser's syntax tree to values and offsets, for what nearly every plan is written in: mappings
 * whose keys stand on one line and have a value, lists, and scalars, in lines or in brackets, with comments.
 *
 * The library's composer makes a document of the tree first, with all that YAML can do, which takes as long as finding
 * words and tree does. Here whatever is not plain, a mistake above all, ends the attempt, and the composer gets the same tree:
 * `parse-yaml.ts` has the only word on anchors, empty values, duplicate keys and every message. So this accepts nothing that the
 * composer does not, and reads it the same; what words mean is left to the library's schema.
 */
import { CST, isScalar, Schema } from 'yaml'
import type { JsonValue } from '../../engine/index.ts'
import { forbiddenKeys } from './forbidden-keys.ts'
import { planLimits } from './limits.ts'

export interface PlainYaml {
  readonly value: JsonValue
  /** As `positions.ts` reads them. */
  readonly offsets: Int32Array
}

/** Undefined where the tree is not plain. It is left as it was. */
export function readPlainYaml(tree: readonly CST.Token[]): PlainYaml | undefined {
  try {
    return new Reader().document(tree)
  } catch (error) {
    if (error instanceof NotPlain) return undefined
    throw error
  }
}

class NotPlain extends Error {}

const notPlain = (): never => {
  throw new NotPlain()
}

class Reader {
  readonly #offsets: number[] = []
  #values = 0

  document(tree: readonly CST.Token[]): PlainYaml {
    const documents = tree.filter((token) => !isBlank(token))
    const [document] = documents
    if (documents.length !== 1 || document?.type !== 'document') return notPlain()
    const before = between(document.start, { indicator: 'doc-start', afterSpace: true })
    const { value } = document
    if (value?.type !== 'block-map' || (before.found && !before.newline)) return notPlain()
    checkEnd(document.end)
    const read = this.#value(value, value.offset, 0)
    return { value: read, offsets: Int32Array.from(this.#offsets) }
  }

  /** @param keyOffset where the key in front stands, or the value itself without one */
  #value(token: CST.Token, keyOffset: number, depth: number): JsonValue {
    if (++this.#values > planLimits.values || depth > planLimits.depth) return notPlain()
    const at = this.#offsets.push(keyOffset, token.offset, 1)
    switch (token.type) {
      case 'block-map':
        return this.#ended(at, this.#blockMap(token, depth + 1))
      case 'block-seq':
        return this.#ended(at, this.#blockList(token, depth + 1))
      case 'flow-collection':
        return this.#ended(at, this.#inBrackets(token, depth + 1))
      case 'scalar':
        return plainScalar(token)
      case 'single-quoted-scalar':
      case 'double-quoted-scalar':
      case 'block-scalar':
        return usable(textOf(token))
      default:
        return notPlain()
    }
  }

  /** Notes how many values there are in the one whose numbers end at `at`, it included. */
  #ended(at: number, value: JsonValue): JsonValue {
    this.#offsets[at - 1] = 1 + (this.#offsets.length - at) / 3
    return value
  }

  #blockMap({ items, indent }: CST.BlockMap, depth: number): JsonValue {
    const values: Record<string, JsonValue> = {}
    for (const [index, { start, key, sep, value }] of items.entries()) {
      between(start, { afterSpace: true })
      // a comment behind the last member
      if (!key && !sep && index === items.length - 1) continue
      const name = keyOf(key)
      if (!sep || !value || name.indent !== indent) return notPlain()
      const { found, newline } = between(sep, { indicator: 'map-value-ind' })
      if (!found || found.offset - name.offset > keyLength) return notPlain()
      if (isBlock(value) && !newline) return notPlain()
      this.#member(values, name, value, depth)
    }
    return values
  }

  #member(values: Record<string, JsonValue>, key: PlainKey, value: CST.Token, depth: number): void {
    if (Object.hasOwn(values, key.name)) notPlain()
    values[key.name] = this.#value(value, key.offset, depth)
  }

  #blockList({ items }: CST.BlockSequence, depth: number): JsonValue {
    const values: JsonValue[] = []
    for (const [index, { start, value }] of items.entries()) {
      const { found } = between(start, { indicator: 'seq-item-ind', afterSpace: true })
      // a comment behind the last item
      if (!found && !value && index === items.length - 1) continue
      if (!found || !value) return notPlain()
      values.push(this.#value(value, value.offset, depth))
    }
    return values
  }

  #inBrackets({ start: open, items, end }: CST.FlowCollection, depth: number): JsonValue {
    const members: Record<string, JsonValue> = {}
    const list: JsonValue[] = []
    const isMap = open.source === '{'
    for (const [index, { start, key, sep, value }] of items.entries()) {
      const { comma } = between(start, { inBrackets: true })
      // `{ }`, a comma behind the last one, a comment in front of the bracket that closes
      if (!key && !sep && !value && index === items.length - 1 && !(comma && index === 0)) continue
      if (comma !== index > 0) return notPlain()
      if (!value || isBlock(value)) return notPlain()
      if (isMap) {
        const { found } = between(sep ?? [], { indicator: 'map-value-ind', inBrackets: true })
        if (!found) return notPlain()
        this.#member(members, keyOf(key), value, depth)
      } else {
        if (key || sep) return notPlain()
        list.push(this.#value(value, value.offset, depth))
      }
    }
    const [close, ...behind] = end
    if (close?.source !== (isMap ? '}' : ']')) return notPlain()
    checkEnd(behind)
    return isMap ? members : list
  }
}

interface PlainKey {
  readonly name: string
  readonly offset: number
  readonly indent: number
}

/** JavaScript puts keys that are indexes before all others, and the offsets with them. */
const index = /^(?:0|[1-9][0-9]*)$/

/** From a key to its colon; what is longer may be refused. */
const keyLength = 1_000

function keyOf(token: CST.Token | null | undefined): PlainKey {
  if (!isFlowScalar(token)) return notPlain()
  const { source, offset, indent, end } = token
  if (source.includes('\n') || end?.some(isNoSpace)) return notPlain()
  const name = textOf(token)
  if (name === '' || name === '<<' || forbiddenKeys.has(name) || index.test(name)) return notPlain()
  return { name, offset, indent }
}

const isFlowScalar = (token: CST.Token | null | undefined): token is CST.FlowScalar =>
  token?.type === 'scalar' ||
  token?.type === 'single-quoted-scalar' ||
  token?.type === 'double-quoted-scalar'

const isBlock = ({ type }: CST.Token): boolean => type === 'block-map' || type === 'block-seq'

const isBlank = ({ type }: CST.Token): boolean =>
  type === 'space' || type === 'comment' || type === 'newline'

const isNoSpace = ({ type, source }: CST.SourceToken): boolean =>
  type !== 'space' || source.includes('\t')

interface Between {
  /** The sign that belongs there, once. */
  readonly indicator?: CST.SourceToken['type']
  readonly inBrackets?: boolean
  /** Spaces or a new line come before. */
  readonly afterSpace?: boolean
}

interface Signs {
  readonly found: CST.SourceToken | undefined
  readonly comma: boolean
  readonly newline: boolean
}

/** What stands in front of a key, an item or a value: that sign, spaces, new lines and comments, and in brackets a comma. */
function between(
  tokens: readonly CST.SourceToken[],
  { indicator, inBrackets = false, afterSpace = false }: Between,
): Signs {
  let found: CST.SourceToken | undefined
  let comma = false
  let newline = false
  let space = afterSpace
  for (const token of tokens) {
    const { type, source } = token
    if (type === 'space') {
      if (source.includes('\t')) return notPlain()
      space = true
    } else if (type === 'newline') {
      newline = true
      space = true
    } else if (type === 'comment') {
      if (!space) return notPlain()
    } else {
      if (type === indicator && !found) found = token
      else if (type === 'comma' && inBrackets && !comma) comma = true
      else return notPlain()
      space = false
    }
  }
  return { found, comma, newline }
}

/** What stands behind a value. */
function checkEnd(tokens: readonly CST.SourceToken[] | undefined): void {
  if (tokens !== undefined && tokens.length > 0) between(tokens, {})
}

/** What a scalar says, its quotes, escapes and line breaks resolved. */
function textOf(token: CST.FlowScalar | CST.BlockScalar): string {
  if (token.type === 'scalar') {
    const { source, end } = token
    if (source === '' || badStart.test(source)) return notPlain()
    if (!source.includes('\n')) {
      checkEnd(end)
      return source
    }
  }
  return CST.resolveAsScalar(token, true, notPlain).value
}

/** What no plain scalar starts with, though the lexer lets it. */
const badStart = /^[\t,%|>@`]/

/** As far as a plan may hold it. */
function usable(text: string): string {
  return text.includes('\0') || !text.isWellFormed() ? notPlain() : text
}

/** The core schema of YAML 1.2: which words are no texts, and what they are. */
const words = new Schema({ schema: 'core', merge: false }).tags.flatMap((tag) =>
  tag.collection === undefined && tag.default === true && tag.test !== undefined ? [tag] : [],
)

/** How anything but text starts: null, true, false, numbers. */
const wordStart = /^[-+.0-9~nNtTfF]/

function plainScalar(token: CST.FlowScalar): JsonValue {
  const text = textOf(token)
  const tag = wordStart.test(text) ? words.find(({ test }) => test?.test(text)) : undefined
  if (tag === undefined) return usable(text)
  const resolved = tag.resolve(text, notPlain, {})
  const value: unknown = isScalar(resolved) ? resolved.value : resolved
  if (value === null || typeof value === 'boolean') return value
  // numbers that are exact, and the same to every reader
  const isUsable =
    typeof value === 'number' && Number.isFinite(value) && !/^[-+]?0[0-9ox]/i.test(text)
  return isUsable && (!Number.isInteger(value) || Number.isSafeInteger(value)) ? value : notPlain()
}
