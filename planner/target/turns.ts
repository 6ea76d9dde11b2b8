/**
 * One after the other, in the order in which they came: who uses a data directory that has one owner
 * at a time.
 */
export class Turns {
  #last: Promise<void> = Promise.resolve()
  #waiting = 0

  /** Whether somebody waits for the one who has the turn. */
  get isWanted(): boolean {
    return this.#waiting > 0
  }

  /** @returns what gives the turn back */
  async take(): Promise<() => void> {
    const before = this.#last
    let giveBack = () => {}
    this.#last = new Promise<void>((resolve) => {
      giveBack = resolve
    })
    this.#waiting += 1
    await before
    this.#waiting -= 1
    return giveBack
  }
}
