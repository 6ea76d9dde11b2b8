/**
 * Variables of the environment, for a plan that is only written down or rehearsed: that needs no secret. A page
 * is the same on every machine and can hold none, so each variable is filled in with a stand-in, and in what
 * comes out the stand-in becomes `${env.NAME}` again; a rehearsal has stand-ins for those that are not set.
 */
import type { Plan } from '../plan/plan.ts'
import { type Environment, variable } from '../plan/template.ts'

const namePattern = /\$\{env\.([A-Za-z_]\w*)\}/g

/** What a variable may be: a word, an address, a path, a bucket. */
const shapes = [
  (word: string) => word,
  (word: string) => `https://${word}.invalid`,
  (word: string) => `/${word}`,
  (word: string) => `s3://${word}`,
] as const
const [word, address, path] = [0, 1, 2]

/** The shape that the key tells, where the variable is all of the setting or its beginning. */
const keyPattern =
  /\b(url|endpoint|webhook|heartbeat|path|file|keyFile):\s*["']?\$\{env\.([A-Za-z_]\w*)\}/g

/** A value for each variable that a plan names, fit for where it stands as far as one can see. */
export class StandIns {
  /** Variables that have one, in the order in which the plan names them. */
  readonly names: readonly string[]
  readonly #lines: readonly string[]
  readonly #given: Environment
  readonly #first = new Map<string, number>()
  /** Shapes that did not fit, by name. */
  readonly #refused = new Map<string, number>()

  /** @param given variables that are set need none */
  constructor(planText: string, given: Environment = {}) {
    this.#lines = planText.split('\n')
    this.#given = given
    this.names = [...new Set(namesIn(planText))].filter((name) => !variable(given, name))
    for (const [, key = '', name = ''] of planText.matchAll(keyPattern)) {
      this.#first.set(name, /path|file/i.test(key) ? path : address)
    }
  }

  environment(): Environment {
    const filledIn = Object.fromEntries(
      this.names.map((name, index) => {
        const first = this.#first.get(name) ?? word
        const shape = shapes[(first + (this.#refused.get(name) ?? 0)) % shapes.length]
        // with a letter at both ends, so that no number of one is a part of another's
        return [name, shape?.(`env-${index}-env`)]
      }),
    )
    return { ...this.#given, ...filledIn }
  }

  /**
   * Other shapes for the variables on lines that were found wrong.
   * @param lines from 1
   * @returns whether there is one left to try
   */
  refuse(lines: readonly number[]): boolean {
    const wrong = new Set(lines.flatMap((line) => namesIn(this.#lines[line - 1] ?? '')))
    let isNew = false
    for (const name of this.names.filter((each) => wrong.has(each))) {
      const refused = (this.#refused.get(name) ?? 0) + 1
      this.#refused.set(name, refused)
      isNew ||= refused < shapes.length
    }
    return isNew
  }
}

const namesIn = (text: string): string[] =>
  [...text.matchAll(namePattern)].map(([, name = '']) => name)

/** The text with `${env.NAME}` where a value of one is. */
export function asWritten(text: string, { secrets }: Plan): string {
  return secrets.reduce((written, secret) => {
    const name = `\${env.${secret.name}}`
    const value = secret.reveal()
    return written.replaceAll(value, name).replaceAll(encodeURIComponent(value), name)
  }, text)
}
