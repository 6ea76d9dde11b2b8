/**
 * Commands of a plan as a person types them: argument lists → lines for a POSIX shell, in which what a
 * plan writes as `${…}` is a variable of the shell. Nothing here is ever run.
 */
import type { Plan } from '../plan/plan.ts'
import { asWritten } from './variables.ts'

/** What a line needs to be set before it is typed. */
export interface ShellVariable {
  readonly name: string
  /** As in the plan, without its braces: `run`, `ask.lastGoodAt`, `steps.backup.snapshot`. */
  readonly meaning: string
}

const placeholder = /\$\$\{|\$\{([^{}]+)\}/g
const plain = /^[A-Za-z0-9_@%+=:,./-]*$/
// controls but for those that belong into text, separators, and marks that reorder it
const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u

type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'variable'; readonly variable: ShellVariable }

/** `vectra-cli search words --like "$QUESTION"` */
export const shellLineOf = (words: readonly string[], plan: Plan): string =>
  words.map((word) => shellWord(piecesOf(word, plan))).join(' ')

/** Each once, in the order in which they stand there. */
export function variablesOf(words: readonly string[], plan: Plan): ShellVariable[] {
  const found = new Map<string, ShellVariable>()
  for (const piece of words.flatMap((word) => piecesOf(word, plan))) {
    if (piece.kind === 'variable') found.set(piece.variable.name, piece.variable)
  }
  return [...found.values()]
}

/** A sentence with the same variables as the commands: `as it was at $LAST_GOOD_AT`. */
export const spoken = (text: string, plan: Plan): string =>
  piecesOf(text, plan)
    .map((piece) => (piece.kind === 'text' ? piece.text : `$${piece.variable.name}`))
    .join('')

function piecesOf(word: string, plan: Plan): Piece[] {
  const pieces: Piece[] = []
  const add = (text: string) => {
    const last = pieces.at(-1)
    if (text === '') return
    if (last?.kind === 'text') pieces.splice(-1, 1, { kind: 'text', text: last.text + text })
    else pieces.push({ kind: 'text', text })
  }
  const text = asWritten(word, plan)
  let from = 0
  for (const match of text.matchAll(placeholder)) {
    add(text.slice(from, match.index))
    from = match.index + match[0].length
    const meaning = match[1]
    const known = meaning === undefined ? '${' : domainOf(meaning, plan)
    if (known !== undefined || meaning === undefined) add(known ?? match[0])
    else pieces.push({ kind: 'variable', variable: { name: nameOf(meaning), meaning } })
  }
  add(text.slice(from))
  return pieces
}

/** `target.standby.region` stands in the plan. */
function domainOf(meaning: string, { targets }: Plan): string | undefined {
  const [kind, name = '', domain = ''] = meaning.split('.')
  if (kind !== 'target') return undefined
  const domains = Object.entries(targets.get(name)?.domains ?? {})
  return domains.find(([each]) => each === domain)?.[1]
}

/** `ask.lastGoodAt` → `LAST_GOOD_AT`; a variable of the environment keeps its name. */
function nameOf(meaning: string): string {
  if (meaning.startsWith('env.')) return meaning.slice('env.'.length)
  return meaning
    .replace(/^(?:ask|steps)\./, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/\W/g, '_')
    .toUpperCase()
}

function shellWord(pieces: readonly Piece[]): string {
  const isPlain = pieces.every((piece) => piece.kind === 'variable' || plain.test(piece.text))
  if (pieces.some(({ kind }) => kind === 'variable') && isPlain) {
    const inside = pieces.map((piece) =>
      piece.kind === 'text' ? piece.text : `\${${piece.variable.name}}`,
    )
    return `"${inside.join('')}"`
  }
  const parts = pieces.map((piece) =>
    piece.kind === 'text' ? quoted(piece.text) : `"\${${piece.variable.name}}"`,
  )
  return parts.join('') || "''"
}

function quoted(text: string): string {
  if (plain.test(text)) return text
  if (!unsafe.test(text)) return `'${text.replaceAll("'", `'\\''`)}'`
  // bash and zsh read this; a line end or a mark that reorders text would make the page lie
  const written = [...text].map((char) => {
    if (char === "'" || char === '\\') return `\\${char}`
    if (!unsafe.test(char)) return char
    return `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
  })
  return `$'${written.join('')}'`
}
