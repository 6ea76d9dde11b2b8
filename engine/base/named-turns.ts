/**
 * Turns by name: what is done under one name is done one after the other, in the order in which it was asked
 * for; under different names side by side. Work that fails does not hold up what comes after it. Whoever asks
 * for a turn within a turn of the same name waits for itself.
 */
export class NamedTurns {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Runs `work` when everything asked for before under `name` has ended. @returns what it returns or throws */
  run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const result = (this.#last.get(name) ?? Promise.resolve()).then(work)
    const ended = result.then(
      () => {},
      () => {},
    )
    this.#last.set(name, ended)
    void ended.then(() => {
      if (this.#last.get(name) === ended) this.#last.delete(name)
    })
    return result
  }

  /** Names of which something is under way or waits. */
  get names(): string[] {
    return [...this.#last.keys()]
  }
}
