/**
 * Values that must never be printed: those of environment variables that a plan names.
 *
 * A {@link Secret} prints as `***` wherever it ends up by mistake: in a message, in JSON, in
 * `console.log`. Its value comes out through `reveal` only. The plan rule is that every variable is a
 * secret; nobody has to remember to mark one.
 */
import { inspect } from 'node:util'

const mask = '***'

export class Secret {
  /** The variable's name, which may be printed. */
  readonly name: string
  readonly #value: string

  constructor(name: string, value: string) {
    this.name = name
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return mask
  }

  toJSON(): string {
    return mask
  }

  [inspect.custom](): string {
    return mask
  }
}

/** Shorter values cannot be found in a text without hitting words that have nothing to do with them. */
const shortest = 4

const variants = (value: string): string[] => [
  value,
  encodeURIComponent(value),
  encodeURI(value),
  JSON.stringify(value).slice(1, -1),
  Buffer.from(value).toString('base64'),
  Buffer.from(value).toString('base64url'),
]

/**
 * A function that masks the values in a text: as they are, URL-encoded, as a JSON string, in base64.
 * Values of fewer than four characters are left alone.
 */
export function createRedactor(secrets: readonly Secret[]): (text: string) => string {
  const needles = secrets
    .map((secret) => secret.reveal())
    .filter((value) => value.length >= shortest)
    .flatMap(variants)
  // longest first, so that a value inside another one does not leave the rest of it behind
  const ordered = [...new Set(needles)].sort((a, b) => b.length - a.length)
  return (text) => ordered.reduce((masked, needle) => masked.replaceAll(needle, mask), text)
}
