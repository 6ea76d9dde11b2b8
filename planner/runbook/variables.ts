/**
 * Variables of the environment, for a plan that is only written down: the page is the same on every
 * machine, needs no secret and can hold none. Each variable is filled in with a stand-in, and in what comes
 * out the stand-in becomes `${env.NAME}` again.
 */
import type { Plan } from '../plan/plan.ts'
import type { Environment } from '../plan/template.ts'

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
  readonly #lines: readonly string[]
  readonly #names: readonly string[]
  readonly #first = new Map<string, number>()
  /** Shapes that did not fit, by name. */
  readonly #refused = new Map<string, number>()

  constructor(planText: string) {
    this.#lines = planText.split('\n')
    this.#names = [...new Set(namesIn(planText))]
    for (const [, key = '', name = ''] of planText.matchAll(keyPattern)) {
      this.#first.set(name, /path|file/i.test(key) ? path : address)
    }
  }

  environment(): Environment {
    return Object.fromEntries(
      this.#names.map((name, index) => {
        const first = this.#first.get(name) ?? word
        const shape = shapes[(first + (this.#refused.get(name) ?? 0)) % shapes.length]
        // with a letter at both ends, so that no number of one is a part of another's
        return [name, shape?.(`env-${index}-env`)]
      }),
    )
  }

  /**
   * Other shapes for the variables on lines that were found wrong.
   * @param lines from 1
   * @returns whether there is one left to try
   */
  refuse(lines: readonly number[]): boolean {
    const wrong = new Set(lines.flatMap((line) => namesIn(this.#lines[line - 1] ?? '')))
    let isNew = false
    for (const name of wrong) {
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
