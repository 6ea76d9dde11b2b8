/** Which module a file names, in any of the ways that make the other one load or its types count. */
import { posix } from 'node:path'
import { lineAt } from './code-view.ts'
import { type SourceFile, viewOf } from './source-files.ts'

export interface Import {
  /** As written. */
  readonly specifier: string
  /** Path from the project's root for a relative specifier. */
  readonly target: string | undefined
  readonly line: number
  readonly kind: 'import' | 'export' | 'dynamic'
  /** `import type`, `export type`: nothing is loaded. */
  readonly typeOnly: boolean
}

const statement =
  /\b(?<word>import|export)\b(?:(?<call>\s*\(\s*)|(?:[\s\w$*,{}]*?\bfrom\b)?\s*)(?<quote>['"`])(?<specifier>[^'"`\n]+)\k<quote>/g

/** Imports, re-exports, `import()` of values and of types; type-only ones too. */
export function importsOf(file: SourceFile): Import[] {
  const { code, uncommented } = viewOf(file)
  const found: Import[] = []
  for (const match of uncommented.matchAll(statement)) {
    const { word = '', call, specifier = '' } = match.groups ?? {}
    if (!code.startsWith(word, match.index)) continue // the words stand inside a string
    if (word === 'export' && (call !== undefined || !/\bfrom\b/.test(match[0]))) continue
    found.push({
      specifier,
      target: specifier.startsWith('.')
        ? posix.join(posix.dirname(file.path), specifier)
        : undefined,
      line: lineAt(file.text, match.index),
      typeOnly: /^\w+\s+type\b(?!\s*from\b)/.test(match[0]),
      kind: call === undefined ? (word as 'import' | 'export') : 'dynamic', // the expression has no other word
    })
  }
  return found
}
