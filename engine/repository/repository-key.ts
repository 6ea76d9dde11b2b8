/**
 * A key that a person holds: what opens an encrypted repository. It never turns into text by itself, so
 * that no log, report or error can carry it.
 */
import { inspect } from 'node:util'

const hidden = '[repository key]'

/** Holds the secret, and shows it to nobody who does not ask for it. */
export class RepositoryKey {
  readonly #text: string

  /** @param text as the environment, a file or a command gave it, without space around it */
  constructor(text: string) {
    this.#text = text
  }

  /** The secret itself. Only for deriving from it. */
  reveal(): string {
    return this.#text
  }

  toJSON(): string {
    return hidden
  }

  toString(): string {
    return hidden
  }

  [inspect.custom](): string {
    return hidden
  }
}
