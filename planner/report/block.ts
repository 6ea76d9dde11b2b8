/** What a report is made of, apart from how it looks. */
import type { VerdictKind } from '../audit/verdict.ts'

export type Cell = string | { readonly verdict: VerdictKind }

export type Block =
  | { readonly kind: 'paragraph'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  /** Output of programs, character for character. */
  | { readonly kind: 'lines'; readonly lines: readonly string[] }
  | {
      readonly kind: 'table'
      readonly columns: readonly string[]
      readonly rows: readonly (readonly Cell[])[]
    }

export interface Section {
  readonly heading: string
  readonly blocks: readonly Block[]
}

export interface Story {
  readonly title: string
  readonly verdict: VerdictKind
  readonly lead: string
  readonly sections: readonly Section[]
}
