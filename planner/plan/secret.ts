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

/** How a value may stand in a text: as it is, URL-encoded, as a JSON string, in base64, in hexadecimal. */
export const variants = (value: string): string[] => [
  value,
  encodeURIComponent(value),
  encodeURI(value),
  JSON.stringify(value).slice(1, -1),
  Buffer.from(value).toString('base64'),
  Buffer.from(value).toString('base64url'),
  ...[0, 1, 2].flatMap((before) => insideBase64(value, before)),
  Buffer.from(value).toString('hex'),
  Buffer.from(value).toString('hex').toUpperCase(),
]

/** Fewer characters of base64 are in many a text. */
const shortestInside = 8

/** What is sure to stand in the base64 of a longer text, with so many bytes (modulo 3) before the value. */
function insideBase64(value: string, before: number): string[] {
  const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(value)])
  const from = Math.ceil((before * 8) / 6)
  const to = Math.floor((bytes.length * 8) / 6)
  if (to - from < shortestInside) return []
  const forms = (['base64', 'base64url'] as const).map((form) => bytes.toString(form))
  return forms.map((text) => text.slice(from, to))
}

/** Credentials that programs take from the environment without a plan naming them. */
const ambientNames = [
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'VECTRA_TOKEN',
  'VECTRA_METRICS_TOKEN',
]

/** Their values. */
export const ambientSecrets = (env: Readonly<Record<string, string | undefined>>): Secret[] =>
  ambientNames.flatMap((name) => {
    const value = env[name]
    return value === undefined || value === '' ? [] : [new Secret(name, value)]
  })

/**
 * A function that masks the values in a text, in all their {@link variants}.
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
