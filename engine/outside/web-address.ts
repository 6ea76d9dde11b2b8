/** An address of the web as somebody gave it: filled in, with what it takes to judge it and to name it. */

export interface WebAddress {
  /** Filled in. May hold secrets. */
  readonly url: string
  /** As it was written, or masked: may be printed. */
  readonly shown: string
  /** Whether the host was written by whoever gave the address, no part of it from a variable. */
  readonly isWrittenOut: boolean
  /** A name or a variable may lead to a private address. */
  readonly allowPrivate: boolean
  /** What to write to allow that, for hints. */
  readonly permission: string
}

/**
 * Whether the host ends in the text that somebody wrote: what a variable adds cannot make it another one.
 * @param start the text up to the first variable
 * @param isWhole whether there is no variable
 */
export const isHostWrittenOut = (start: string, isWhole: boolean): boolean =>
  isWhole || /^\s*https?:[/\\]{2}[^/?#\\]+[/?#\\]/i.test(start)
