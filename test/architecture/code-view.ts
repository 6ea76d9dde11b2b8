/**
 * TypeScript as the rules see it. The compiler has no JavaScript API any more, so a small scanner tells
 * code from comments, strings, templates and regular expressions; offsets stay those of the file.
 */
export interface CodeView {
  /** Comments, and what stands inside quotes, are blanks. */
  readonly code: string
  /** Only comments are blanks. */
  readonly uncommented: string
}

type Part = 'code' | 'comment' | 'text'

/** After these a slash starts a regular expression; after anything else it divides. */
const beforeRegex =
  /(?:^|[=([{,;:!&|?+\-*%~^<>}]|\b(?:return|typeof|case|in|of|do|else|void|await|yield|throw))\s*$/

const blank = (text: string): string => text.replace(/[^\n]/g, ' ')

/** Splits `text` into code, comments and quoted text. Handles nested templates. */
export function viewCode(text: string): CodeView {
  const parts: { part: Part; text: string }[] = []
  const push = (part: Part, from: number, to: number): void => {
    if (to > from) parts.push({ part, text: text.slice(from, to) })
  }
  const templates: number[] = [] // depth of braces inside each open ${
  let at = 0
  let from = 0
  const take = (part: Part, end: number): void => {
    push('code', from, at)
    push(part, at, end)
    at = end
    from = end
  }
  while (at < text.length) {
    const two = text.slice(at, at + 2)
    const char = two[0]
    if (two === '//') take('comment', indexOr(text, '\n', at))
    else if (two === '/*') take('comment', indexOr(text, '*/', at + 2, 2))
    else if (char === "'" || char === '"') take('text', quotedEnd(text, at, char))
    else if (char === '`') take('text', templateEnd(text, at + 1, templates))
    else if (char === '}' && templates.at(-1) === 0) {
      templates.pop()
      take('text', templateEnd(text, at + 1, templates))
    } else if (char === '/' && beforeRegex.test(text.slice(Math.max(0, at - 40), at))) {
      take('text', regexEnd(text, at))
    } else {
      const depth = templates.length - 1
      if (depth >= 0 && char === '{') templates[depth] = (templates[depth] ?? 0) + 1
      if (depth >= 0 && char === '}') templates[depth] = (templates[depth] ?? 0) - 1
      at++
    }
  }
  push('code', from, at)
  const join = (blanks: readonly Part[]): string =>
    parts.map((each) => (blanks.includes(each.part) ? blank(each.text) : each.text)).join('')
  return { code: join(['comment', 'text']), uncommented: join(['comment']) }
}

function indexOr(text: string, what: string, from: number, extra = 0): number {
  const found = text.indexOf(what, from)
  return found < 0 ? text.length : found + extra
}

function quotedEnd(text: string, start: number, quote: string): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === quote || text[at] === '\n') return at + 1
  }
  return text.length
}

/** From inside a template to its end or past the next `${`, which is then open. */
function templateEnd(text: string, start: number, templates: number[]): number {
  for (let at = start; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '`') return at + 1
    else if (text[at] === '$' && text[at + 1] === '{') {
      templates.push(0)
      return at + 2
    }
  }
  return text.length
}

function regexEnd(text: string, start: number): number {
  let inClass = false
  for (let at = start + 1; at < text.length && text[at] !== '\n'; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '[') inClass = true
    else if (text[at] === ']') inClass = false
    else if (text[at] === '/' && !inClass) return at + 1
  }
  return start + 1
}

/** Line of an offset, from 1. */
export const lineAt = (text: string, offset: number): number =>
  text.slice(0, offset).split('\n').length
