/** Argument lists as a person types them into a POSIX shell. Nothing here is ever run. */

const plain = /^[A-Za-z0-9_@%+=:,./-]+$/

const quoted = (word: string): string =>
  plain.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

export const shellLine = (words: readonly string[]): string => words.map(quoted).join(' ')
