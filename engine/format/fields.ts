/**
 * Reading fields out of parsed documents: every field is checked for its type and bounds where it is
 * read, and a wrong one is `damaged`, naming the file and the field.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../base/canonical-json.ts'
import { fail } from '../base/errors.ts'

export class Fields {
  readonly #object: JsonObject
  readonly #file: string
  readonly #path: string

  constructor(object: JsonObject, file: string, path = '') {
    this.#object = object
    this.#file = file
    this.#path = path
  }

  has(key: string): boolean {
    return this.#object[key] !== undefined && this.#object[key] !== null
  }

  text(key: string, pattern?: RegExp): string {
    const value = this.#object[key]
    if (typeof value !== 'string') return this.#wrong(key, 'is not text')
    if (pattern !== undefined && !pattern.test(value)) return this.#wrong(key, 'has a wrong form')
    return value
  }

  oneOf<T extends string>(key: string, values: readonly T[]): T {
    const value = this.#object[key]
    const found = values.find((each) => each === value)
    return found ?? this.#wrong(key, `is none of ${values.join(', ')}`)
  }

  /** An integer from `min` to `max` inclusive. */
  integer(key: string, min = 0, max: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.#object[key]
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
      return this.#wrong(key, `is not an integer from ${min} to ${max}`)
    }
    return value
  }

  number(key: string): number {
    const value = this.#object[key]
    return typeof value === 'number' ? value : this.#wrong(key, 'is not a number')
  }

  boolean(key: string): boolean {
    const value = this.#object[key]
    return typeof value === 'boolean' ? value : this.#wrong(key, 'is not true or false')
  }

  object(key: string): Fields {
    return new Fields(this.json(key), this.#file, this.#at(key))
  }

  json(key: string): JsonObject {
    const value = this.#object[key]
    return isJsonObject(value) ? value : this.#wrong(key, 'is not an object')
  }

  list(key: string, maxLength: number, minLength = 0): readonly JsonValue[] {
    const value = this.#object[key]
    if (!Array.isArray(value)) return this.#wrong(key, 'is not a list')
    if (value.length > maxLength) return this.#wrong(key, `has more than ${maxLength} entries`)
    if (value.length < minLength) return this.#wrong(key, `has fewer than ${minLength} entries`)
    return value
  }

  objects(key: string, maxLength: number): readonly Fields[] {
    return this.list(key, maxLength).map((value, index) =>
      isJsonObject(value)
        ? new Fields(value, this.#file, this.#at(`${key}[${index}]`))
        : this.#wrong(`${key}[${index}]`, 'is not an object'),
    )
  }

  texts(key: string, maxLength: number, pattern: RegExp, minLength = 0): readonly string[] {
    return this.list(key, maxLength, minLength).map((value, index) =>
      typeof value === 'string' && pattern.test(value)
        ? value
        : this.#wrong(`${key}[${index}]`, 'has a wrong form'),
    )
  }

  #at(key: string): string {
    return this.#path === '' ? key : `${this.#path}.${key}`
  }

  #wrong(key: string, problem: string): never {
    fail(
      'damaged',
      `${this.#file} is damaged: ${this.#at(key)} ${problem}`,
      'Restore the file or the collection from a backup.',
      { place: { file: this.#file } },
    )
  }
}

export const patterns = {
  sha256: /^[0-9a-f]{64}$/,
  uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
  history: /^[0-9a-f]{16}$/,
} as const
