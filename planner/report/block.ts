/** What a report is made of, apart from how it looks. */
import type { VerdictKind } from '../audit/verdict.ts'
import type { Chart } from '../chart/chart.ts'

export type Cell =
  | string
  | { readonly verdict: VerdictKind }
  /** Lines of the ledger, to which a page links; `text` stands before them. */
  | { readonly text?: string; readonly lines: readonly number[] }

export type Block =
  | {
      readonly kind: 'paragraph'
      readonly text: string
      /** It comes from the ledger, and whoever compares pages leaves it aside. */
      readonly isMeasured?: boolean
    }
  | {
      readonly kind: 'list'
      readonly items: readonly string[]
      readonly isMeasured?: boolean
    }
  /** Above a part of a section, or a step inside of one. */
  | { readonly kind: 'heading'; readonly text: string; readonly isStep?: boolean }
  /** Lines for a shell, to be copied as they stand. */
  | { readonly kind: 'commands'; readonly lines: readonly string[] }
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

/** Ends every line that comes from the ledger; no page shows it, and no text of others can hold it. */
export const measuredMark = ' <!-- measured -->'

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
  /** Absent where nothing is judged. */
  readonly verdict?: VerdictKind
  readonly lead: string
  readonly sections: readonly Section[]
}
