/**
 * Names whose collection is being closed and replaced: whoever opens one waits until that is over. Otherwise
 * the old files would be opened once more behind the back of the change, and take writes that nobody finds again.
 */
export class NameGates {
  readonly #changing = new Map<string, Promise<void>>()

  /** Resolves when nobody changes what `name` means; undefined when nobody does now. */
  passing(name: string): Promise<void> | undefined {
    return this.#changing.get(name)
  }

  /** Runs `change` while nobody passes; one change of a name after the other. */
  async alone<T>(name: string, change: () => Promise<T>): Promise<T> {
    const before = this.#changing.get(name)
    let open: () => void = () => {}
    const over = new Promise<void>((resolve) => {
      open = resolve
    })
    this.#changing.set(name, over)
    try {
      await before
      return await change()
    } finally {
      if (this.#changing.get(name) === over) this.#changing.delete(name)
      open()
    }
  }
}
