/** Text that is safe to print: plans, programs and ledgers hold text of others, and terminals obey. */

// controls, line and paragraph separators, marks that reorder text
const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu

/** One line without anything a terminal would obey; such characters are written as `\uXXXX`. */
export const oneLine = (text: string): string =>
  text
    .replaceAll('\t', '  ')
    .replace(unsafe, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
