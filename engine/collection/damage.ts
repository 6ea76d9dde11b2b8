/**
 * Damage that was met in the files of an open collection. From then on it is read-only: what is sound is still
 * answered, and nothing is written on top of what is not. Mending it (mend.ts) opens it anew.
 */
import { isOperatingError, OperatingError } from '../base/errors.ts'

export class Damage {
  /** Told once, with what was met first. */
  onFound: ((error: OperatingError) => void) | undefined
  #found: OperatingError | undefined

  /** What was met first. */
  get found(): OperatingError | undefined {
    return this.#found
  }

  /** Passes on what reading gives or throws, and remembers damage. */
  async watch<T>(reading: Promise<T>): Promise<T> {
    try {
      return await reading
    } catch (error) {
      const isDamage = isOperatingError(error, 'damaged', 'missing-file', 'digest-mismatch')
      if (isDamage && this.#found === undefined) {
        this.#found = error
        this.onFound?.(error)
      }
      throw error
    }
  }

  /** @throws the code of what was met, once something was: a write is refused then */
  refuseWrites(name: string): void {
    const found = this.#found
    if (found === undefined) return
    throw new OperatingError(
      found.code,
      `${name} is read-only, because ${found.message}`,
      `Fetch what is damaged from another copy: vectra-cli collections repair ${name} --segments --source URL. Or restore it from a backup.`,
      { place: found.place, cause: found },
    )
  }
}
