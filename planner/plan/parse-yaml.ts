/**
 * YAML text → plain JSON values with the offset of every key and value. Runs in the parser's thread.
 *
 * The plan language is the part of YAML 1.2 (core schema) that every reader takes the same way: one
 * document of mappings with text keys, lists, text, numbers, true, false and null. Tags, merge keys,
 * directives, NaN, infinities, octal and hexadecimal numbers are refused; so are keys that mean
 * something to JavaScript objects. Aliases are followed up to a bound and never in a circle.
 */
import assert from 'node:assert'
import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  Parser,
  type Scalar,
  type YAMLMap,
} from 'yaml'
import type { JsonValue } from '../../engine/index.ts'
import { forbiddenKeys } from './forbidden-keys.ts'
import { planLimits } from './limits.ts'
import { childPath } from './path-text.ts'
import { readPlainYaml } from './plain-yaml.ts'
import { PlanText } from './plan-text.ts'
import { offsetsOf } from './positions.ts'
import type { ProblemRule, TextProblem } from './problem.ts'
import { scanYaml } from './scan.ts'
import { syntaxProblems } from './syntax-problems.ts'

export interface ParsedYaml {
  readonly tooLarge: boolean
  readonly problems: readonly TextProblem[]
  /** What could be read, also beside problems; undefined when the text is not YAML or too large. */
  readonly value: JsonValue | undefined
  /** Where all of it stands: `positions.ts` reads it. */
  readonly offsets: Int32Array
}

export function parseYaml(text: string): ParsedYaml {
  return read(text, readPlainYaml)
}

/** The same, with the composer whatever the text is. */
export function composeYaml(text: string): ParsedYaml {
  return read(text, () => undefined)
}

function read(text: string, readPlain: typeof readPlainYaml): ParsedYaml {
  const scan = scanYaml(text)
  const nothing = { value: undefined, offsets: new Int32Array() }
  if (scan.words === undefined) {
    return { ...nothing, tooLarge: scan.tooLarge, problems: scan.problems }
  }
  const tree = [...parts(scan.words)]
  const plain = scan.problems.length > 0 ? undefined : readPlain(tree)
  if (plain !== undefined) return { tooLarge: false, problems: [], ...plain }
  const document = compose(tree, text.length)
  const syntax = syntaxProblems(document.errors, text)
  if (syntax.length > 0) {
    // the scan's word on documents and directives is clearer than the parser's on the same line
    return { ...nothing, tooLarge: false, problems: [...scan.problems, ...syntax] }
  }
  const walk = new Walk(document, text)
  const placed = walk.start()
  const problems = [...scan.problems, ...walk.problems]
  if (placed === undefined) return { ...nothing, tooLarge: true, problems }
  return { tooLarge: false, problems, value: placed.value, offsets: offsetsOf(placed) }
}

function compose(tree: readonly CST.Token[], length: number): Document.Parsed {
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    merge: false,
    resolveKnownTags: false,
    stringKeys: true,
    // ours is linear: the parser's own check compares every key with every other
    uniqueKeys: false,
    logLevel: 'silent',
  })
  // with `true` there is a document, whatever the text
  const [document] = [...composer.compose(tree, true, length)]
  assert(document !== undefined, 'the composer gave no document')
  return document as Document.Parsed // it has just been parsed
}

/** What the parser makes of words that its lexer has found already: finding them is a third of all the work. */
function* parts(words: readonly string[]): Generator<CST.Token> {
  const parser = new Parser()
  for (const word of words) yield* parser.next(word)
  yield* parser.end()
}

class TooLarge extends Error {}

class Walk {
  readonly problems: TextProblem[] = []
  readonly #document: Document.Parsed
  readonly #text: PlanText
  readonly #open = new Set<Node>()
  #values = 0

  constructor(document: Document.Parsed, text: string) {
    this.#document = document
    this.#text = new PlanText('', text)
  }

  /** Undefined when it is too large. */
  start(): Placed | undefined {
    const { contents } = this.#document
    try {
      return this.#value(contents, { keyOffset: contents?.range?.[0] ?? 0, depth: 0 })
    } catch (error) {
      if (!(error instanceof TooLarge)) throw error
      return undefined
    }
  }

  #value(node: Node | null, at: Spot): Placed {
    const { keyOffset } = at
    const valueOffset = node?.range?.[0] ?? keyOffset
    if (++this.#values > planLimits.values) {
      this.#tooLarge(valueOffset, at, `the plan has more than ${planLimits.values} values`)
    }
    if (at.depth > planLimits.depth) {
      this.#tooLarge(valueOffset, at, `the plan is nested deeper than ${planLimits.depth}`)
    }
    const content = node === null ? nothingThere : this.#content(this.#target(node, at), at)
    return { keyOffset, valueOffset, ...content }
  }

  /** What an alias stands for; null, and a problem, when that cannot be. */
  #target(node: Node, at: Spot): Node | null {
    if (!isAlias(node)) return node
    const offset = node.range?.[0] ?? at.keyOffset
    const target = node.resolve(this.#document)
    if (target === undefined) {
      this.#problem('yaml-syntax', offset, at, `there is no anchor "&${node.source}" before`)
      return null
    }
    if (this.#open.has(target)) {
      this.#problem('yaml-feature', offset, at, `the alias "*${node.source}" holds itself`)
      return null
    }
    return target
  }

  #content(node: Node | null, at: Spot): Content {
    if (isScalar(node)) return { value: this.#scalar(node, at), inside: none }
    if (!isMap(node) && !isSeq(node)) return nothingThere
    this.#open.add(node)
    const content = isMap(node) ? this.#map(node, at) : this.#list(node.items, at)
    this.#open.delete(node)
    return content
  }

  #list(items: readonly unknown[], at: Spot): Content {
    const inside = items.map((item, index) => {
      const node = isNodeOrNull(item)
      const keyOffset = node?.range?.[0] ?? at.keyOffset
      return this.#value(node, { around: at, key: index, keyOffset, depth: at.depth + 1 })
    })
    return { value: inside.map(({ value }) => value), inside }
  }

  #map(map: YAMLMap, at: Spot): Content {
    const values: Record<string, JsonValue> = {}
    const inside: Record<string, Placed> = {}
    for (const { key, value } of map.items) {
      const name = isScalar(key) && typeof key.value === 'string' ? key.value : undefined
      const keyOffset = (isNodeOrNull(key)?.range ?? map.range)?.[0] ?? at.keyOffset
      if (name === undefined || name === '') {
        this.#problem('yaml-syntax', keyOffset, at, 'a key must be text')
        continue
      }
      const spot = { around: at, key: name, keyOffset, depth: at.depth + 1 }
      if (forbiddenKeys.has(name)) {
        const message = `the key "${name}" is not allowed`
        this.#problem('forbidden-key', keyOffset, spot, message, 'Rename it.')
        continue
      }
      if (name === '<<') {
        const hint = 'Write the keys out, or use an alias for a whole value.'
        this.#problem('yaml-feature', keyOffset, spot, 'merge keys (<<) are not allowed', hint)
        continue
      }
      const first = Object.hasOwn(inside, name) ? inside[name] : undefined
      if (first !== undefined) {
        const { line } = this.#text.place(first.keyOffset, '')
        const hint = `It stands in line ${line} already; keep one of them.`
        const message = `the key "${name}" stands here twice`
        this.#problem('duplicate-key', keyOffset, spot, message, hint)
        continue
      }
      const placed = this.#value(isNodeOrNull(value), spot)
      inside[name] = placed
      values[name] = placed.value
    }
    return { value: values, inside: Object.values(inside) }
  }

  #scalar(scalar: Scalar, at: Spot): JsonValue {
    const { value, source } = scalar
    const offset = scalar.range?.[0] ?? at.keyOffset
    if (typeof value === 'string' && (value.includes('\0') || !value.isWellFormed())) {
      const what = value.includes('\0') ? 'a NUL character' : 'half a character (a lone surrogate)'
      this.#problem('wrong-value', offset, at, `this text holds ${what}`, 'Take it out.')
    }
    if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value
    if (typeof value !== 'number') {
      this.#problem('yaml-feature', offset, at, 'this is not text, a number, true or false')
      return null
    }
    if (!Number.isFinite(value)) {
      this.#problem('wrong-value', offset, at, `${source} is not a number that can be used`)
    } else if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
      this.#problem('wrong-value', offset, at, `${source} is too large to be exact`)
    } else if (source !== undefined && /^[-+]?0[0-9ox]/i.test(source)) {
      const hint = `Write ${value}, or "${source}" in quotes if it is text.`
      const message = `${source} means different numbers to different YAML readers`
      this.#problem('wrong-value', offset, at, message, hint)
    }
    return value
  }

  #problem(rule: ProblemRule, offset: number, at: Spot, message: string, hint?: string): void {
    if (this.problems.length >= planLimits.problems) return
    const told = { rule, offset, path: pathOf(at), message }
    this.problems.push({ ...told, ...(hint !== undefined && { hint }) })
  }

  #tooLarge(offset: number, at: Spot, message: string): never {
    this.#problem('too-large', offset, at, message, 'Split the plan into several plans.')
    throw new TooLarge()
  }
}

/** Where the walk is. */
interface Spot {
  /** None around the document. */
  readonly around?: Spot
  readonly key?: string | number
  readonly keyOffset: number
  readonly depth: number
}

/** Only problems have paths: there are few of them. */
const pathOf = ({ around, key }: Spot): string =>
  around === undefined || key === undefined ? '' : childPath(pathOf(around), key)

interface Content {
  readonly value: JsonValue
  /** What stands in it, in the order in which `Object.values` gives it. */
  readonly inside: readonly Placed[]
}

interface Placed extends Content {
  readonly keyOffset: number
  readonly valueOffset: number
}

const none: readonly Placed[] = []
const nothingThere: Content = { value: null, inside: none }

/** What the parser types as unknown is a node, or null where nothing is written. */
const isNodeOrNull = (item: unknown): Node | null =>
  isScalar(item) || isMap(item) || isSeq(item) || isAlias(item) ? item : null
