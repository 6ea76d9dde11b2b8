/**
 * A value of a plan that passed every check, with its place: what the resolver reads from. Because the
 * schema has been there before, another shape than the one asked for is a bug, not a mistake of the
 * plan's author.
 */
import assert from 'node:assert'
import { isJsonObject, type JsonValue } from '../../engine/index.ts'
import { childPointer } from './path-text.ts'
import type { Place } from './place.ts'
import type { PlanText } from './plan-text.ts'
import type { Positions } from './positions.ts'
import type { Reading } from './reading.ts'
import { readTemplate, type Template } from './template.ts'

/** What every node of one plan shares. */
export interface PlanSource {
  readonly text: PlanText
  readonly positions: Positions
}

export class PlanNode {
  readonly value: JsonValue
  readonly pointer: string
  readonly #source: PlanSource

  constructor(value: JsonValue, pointer: string, source: PlanSource) {
    this.value = value
    this.pointer = pointer
    this.#source = source
  }

  /** Where the key that introduces the value stands, or the value itself in a list. */
  get place(): Place {
    const position = this.#source.positions.get(this.pointer)
    assert(position !== undefined, `no position of ${this.pointer}`)
    return Object.freeze(this.#source.text.place(position.keyOffset, position.path))
  }

  has(key: string): boolean {
    return isJsonObject(this.value) && Object.hasOwn(this.value, key)
  }

  get(key: string): PlanNode | undefined {
    const value =
      isJsonObject(this.value) && Object.hasOwn(this.value, key) ? this.value[key] : undefined
    if (value === undefined) {
      assert(isJsonObject(this.value), `${this.pointer} is not a mapping`)
      return undefined
    }
    return new PlanNode(value, childPointer(this.pointer, key), this.#source)
  }

  /** The member that the schema requires. */
  need(key: string): PlanNode {
    const node = this.get(key)
    assert(node !== undefined, `${this.pointer} has no ${key}`)
    return node
  }

  entries(): [string, PlanNode][] {
    assert(isJsonObject(this.value), `${this.pointer} is not a mapping`)
    return Object.entries(this.value).map(([key, value]) => [
      key,
      new PlanNode(value, childPointer(this.pointer, key), this.#source),
    ])
  }

  items(): PlanNode[] {
    assert(Array.isArray(this.value), `${this.pointer} is not a list`)
    const items: readonly JsonValue[] = this.value
    return items.map(
      (value, index) => new PlanNode(value, childPointer(this.pointer, index), this.#source),
    )
  }

  text(): string {
    assert(typeof this.value === 'string', `${this.pointer} is not text`)
    return this.value
  }

  number(): number {
    assert(typeof this.value === 'number', `${this.pointer} is not a number`)
    return this.value
  }

  flag(): boolean {
    assert(typeof this.value === 'boolean', `${this.pointer} is not true or false`)
    return this.value
  }

  /** Something is missing that a check should have told. */
  fail(what: string): never {
    assert.fail(`${this.pointer} ${what}`)
  }

  /** One of the words that the schema allows. */
  word<const Word extends string>(words: readonly Word[]): Word {
    const word = words.find((each) => each === this.value)
    assert(word !== undefined, `${this.pointer} is none of ${words.join(', ')}`)
    return word
  }

  /** The value behind a text whose format the schema checked. */
  read<Value>(reader: (text: string) => Reading<Value>): Value {
    const reading = reader(this.text())
    assert(reading.problem === undefined, `${this.pointer} ${reading.problem}`)
    return reading.value
  }

  /** @param directory makes it a path that starts there */
  template(directory?: string): Template {
    return makeTemplate(this.text(), this.place, directory)
  }
}

/** A template whose text is known to be one. */
export function makeTemplate(text: string, place: Place, directory?: string): Template {
  const reading = readTemplate(text)
  assert(reading.problem === undefined, `${place.path} ${reading.problem}`)
  return { text, parts: reading.value, ...(directory !== undefined && { directory }), place }
}

/** `{ [name]: value }`, or nothing when there is none: spread it where a key may be absent. */
export function optional<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { readonly [Key in Name]?: Value } {
  // a computed key of a generic name widens to string, though it is this name
  return (value === undefined ? {} : { [name]: value }) as { readonly [Key in Name]?: Value }
}
