/** What tables of a report are put together from. */
import { showCount, showMinutes } from '../step/quantity.ts'
import type { Block, Cell } from './block.ts'

/** Rows of one table; what is beyond is said, and stands in the JSON report. */
const mostRows = 60

/** A table, or nothing where it has no rows. */
export function table(columns: readonly string[], rows: readonly (readonly Cell[])[]): Block[] {
  if (rows.length === 0) return []
  const left = rows.length - mostRows
  const told: Block = { kind: 'table', columns, rows: rows.slice(0, mostRows) }
  if (left <= 0) return [told]
  const text = `${showCount(left, 'more row')} in the report as JSON.`
  return [told, { kind: 'paragraph', text }]
}

/** One paragraph. */
export const sentence = (text: string): Block => ({ kind: 'paragraph', text })

/** A cell that has nothing to tell. */
export const none = '–'

/** A duration that may be missing. */
export const ms = (value: number | null, otherwise = none): string =>
  value === null ? otherwise : showMinutes(value)

/** To the minute: tables of instants are read, not computed with. */
export const minuteOf = (instant: string): string => `${instant.slice(0, 16).replace('T', ' ')}Z`

/** An instant that may be missing. */
export const at = (instant: string | null): string => (instant === null ? none : minuteOf(instant))

/** Exposure without a recovery point. */
export const unbounded = 'no bound'
