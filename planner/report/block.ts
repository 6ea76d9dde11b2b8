/** What a report is made of, apart from how it looks. */
import type { VerdictKind } from '../audit/verdict.ts'
import type { Chart } from '../chart/chart.ts'

export type Cell =
  | string
  | { readonly verdict: VerdictKind }
  /** Lines of the ledger, to which a page links; `text` stands before them. */
  | { readonly text?: string; readonly lines: readonly number[] }

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
  /** What the table beneath it says, drawn; only pages show it. */
  | { readonly kind: 'chart'; readonly chart: Chart }
  /** Lines of the ledger that others refer to. */
  | { readonly kind: 'entries'; readonly entries: readonly LedgerReference[] }

export interface LedgerReference {
  readonly line: number
  /** What it says, in short. */
  readonly text: string
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
