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
import { planLimits } from './limits.ts'
import { childPath, childPointer } from './path-text.ts'
import { PlanText } from './plan-text.ts'
import type { ProblemRule, TextProblem } from './problem.ts'
import { scanYaml } from './scan.ts'
import { syntaxProblems } from './syntax-problems.ts'

/** Where a value stands: offset of the key that introduces it (its own without one) and its own. */
export interface ValuePosition {
  readonly path: string
  readonly keyOffset: number
  readonly valueOffset: number
}

export interface ParsedYaml {
  readonly tooLarge: boolean
  readonly problems: readonly TextProblem[]
  /** What could be read, also beside problems; undefined when the text is not YAML or too large. */
  readonly value: JsonValue | undefined
  /** By JSON pointer. */
  readonly positions: ReadonlyMap<string, ValuePosition>
}

export function parseYaml(text: string): ParsedYaml {
  const scan = scanYaml(text)
  const nothing = { value: undefined, positions: new Map<string, ValuePosition>() }
  if (scan.words === undefined)
    return { ...nothing, tooLarge: scan.tooLarge, problems: scan.problems }
  const document = compose(scan.words, text.length)
  const syntax = syntaxProblems(document.errors, text)
  if (syntax.length > 0) {
    // the scan's word on documents and directives is clearer than the parser's on the same line
    return { ...nothing, tooLarge: false, problems: [...scan.problems, ...syntax] }
  }
  const walk = new Walk(document, text)
  const value = walk.start()
  const problems = [...scan.problems, ...walk.problems]
  if (walk.tooLarge) return { ...nothing, tooLarge: true, problems }
  return { tooLarge: false, problems, value, positions: walk.positions }
}

/** What the parser makes of words that its lexer has found already: finding them is a third of all the work. */
function compose(words: readonly string[], length: number): Document.Parsed {
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
  const [document] = [...composer.compose(parts(words), true, length)]
  assert(document !== undefined, 'the composer gave no document')
  return document as Document.Parsed // it has just been parsed
}

function* parts(words: readonly string[]): Generator<CST.Token> {
  const parser = new Parser()
  for (const word of words) yield* parser.next(word)
  yield* parser.end()
}

const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

class TooLarge extends Error {}

class Walk {
  readonly problems: TextProblem[] = []
  readonly positions = new Map<string, ValuePosition>()
  tooLarge = false
  readonly #document: Document.Parsed
  readonly #text: PlanText
  readonly #open = new Set<Node>()
  #values = 0

  constructor(document: Document.Parsed, text: string) {
    this.#document = document
    this.#text = new PlanText('', text)
  }

  start(): JsonValue | undefined {
    try {
      return this.#value(this.#document.contents, { pointer: '', path: '', keyOffset: 0, depth: 0 })
    } catch (error) {
      if (!(error instanceof TooLarge)) throw error
      this.tooLarge = true
      return undefined
    }
  }

  #value(node: Node | null, at: Spot): JsonValue {
    const offset = node?.range?.[0] ?? at.keyOffset
    const keyOffset = at.pointer === '' ? offset : at.keyOffset
    this.positions.set(at.pointer, { path: at.path, keyOffset, valueOffset: offset })
    if (++this.#values > planLimits.values) {
      this.#tooLarge(offset, at, `the plan has more than ${planLimits.values} values`)
    }
    if (at.depth > planLimits.depth) {
      this.#tooLarge(offset, at, `the plan is nested deeper than ${planLimits.depth}`)
    }
    if (node === null) return null
    if (isAlias(node)) {
      const target = node.resolve(this.#document)
      if (target === undefined) {
        this.#problem('yaml-syntax', offset, at.path, `there is no anchor "&${node.source}" before`)
        return null
      }
      if (this.#open.has(target)) {
        this.#problem('yaml-feature', offset, at.path, `the alias "*${node.source}" holds itself`)
        return null
      }
      return this.#content(target, at)
    }
    return this.#content(node, at)
  }

  #content(node: Node, at: Spot): JsonValue {
    if (isScalar(node)) return this.#scalar(node, at)
    this.#open.add(node)
    const value = isMap(node)
      ? this.#map(node, at)
      : isSeq(node)
        ? this.#list(node.items, at)
        : null
    this.#open.delete(node)
    return value
  }

  #list(items: readonly unknown[], at: Spot): JsonValue {
    return items.map((item, index) => {
      const node = isNodeOrNull(item)
      return this.#value(node, {
        pointer: childPointer(at.pointer, index),
        path: childPath(at.path, index),
        keyOffset: node?.range?.[0] ?? at.keyOffset,
        depth: at.depth + 1,
      })
    })
  }

  #map(map: YAMLMap, at: Spot): JsonValue {
    const values: Record<string, JsonValue> = {}
    const firstAt = new Map<string, number>()
    for (const { key, value } of map.items) {
      const name = isScalar(key) && typeof key.value === 'string' ? key.value : undefined
      const offset = (isNodeOrNull(key)?.range ?? map.range)?.[0] ?? at.keyOffset
      if (name === undefined || name === '') {
        this.#problem('yaml-syntax', offset, at.path, 'a key must be text')
        continue
      }
      const path = childPath(at.path, name)
      if (forbiddenKeys.has(name)) {
        this.#problem(
          'forbidden-key',
          offset,
          path,
          `the key "${name}" is not allowed`,
          'Rename it.',
        )
        continue
      }
      if (name === '<<') {
        const hint = 'Write the keys out, or use an alias for a whole value.'
        this.#problem('yaml-feature', offset, path, 'merge keys (<<) are not allowed', hint)
        continue
      }
      const first = firstAt.get(name)
      if (first !== undefined) {
        const { line } = this.#text.place(first, path)
        const hint = `It stands in line ${line} already; keep one of them.`
        this.#problem('duplicate-key', offset, path, `the key "${name}" stands here twice`, hint)
        continue
      }
      firstAt.set(name, offset)
      values[name] = this.#value(isNodeOrNull(value), {
        pointer: childPointer(at.pointer, name),
        path,
        keyOffset: offset,
        depth: at.depth + 1,
      })
    }
    return values
  }

  #scalar(scalar: Scalar, at: Spot): JsonValue {
    const { value, source } = scalar
    const offset = scalar.range?.[0] ?? at.keyOffset
    if (typeof value === 'string' && (value.includes('\0') || !value.isWellFormed())) {
      const what = value.includes('\0') ? 'a NUL character' : 'half a character (a lone surrogate)'
      this.#problem('wrong-value', offset, at.path, `this text holds ${what}`, 'Take it out.')
    }
    if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value
    if (typeof value !== 'number') {
      this.#problem('yaml-feature', offset, at.path, 'this is not text, a number, true or false')
      return null
    }
    if (!Number.isFinite(value)) {
      this.#problem('wrong-value', offset, at.path, `${source} is not a number that can be used`)
    } else if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
      this.#problem('wrong-value', offset, at.path, `${source} is too large to be exact`)
    } else if (source !== undefined && /^[-+]?0[0-9ox]/i.test(source)) {
      const hint = `Write ${value}, or "${source}" in quotes if it is text.`
      const message = `${source} means different numbers to different YAML readers`
      this.#problem('wrong-value', offset, at.path, message, hint)
    }
    return value
  }

  #problem(rule: ProblemRule, offset: number, path: string, message: string, hint?: string): void {
    if (this.problems.length >= planLimits.problems) return
    this.problems.push({ rule, offset, path, message, ...(hint !== undefined && { hint }) })
  }

  #tooLarge(offset: number, at: Spot, message: string): never {
    this.#problem('too-large', offset, at.path, message, 'Split the plan into several plans.')
    throw new TooLarge()
  }
}

interface Spot {
  readonly pointer: string
  readonly path: string
  readonly keyOffset: number
  readonly depth: number
}

/** What the parser types as unknown is a node, or null where nothing is written. */
const isNodeOrNull = (item: unknown): Node | null =>
  isScalar(item) || isMap(item) || isSeq(item) || isAlias(item) ? item : null
