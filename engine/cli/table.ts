/** Aligned columns of plain text, for people. Scripts use `--json`. */
import { oneLine } from './plain-text.ts'

export interface Column {
  readonly title: string
  /** Numbers stand right. Default left. */
  readonly align?: 'left' | 'right'
}

const gap = '  '

/**
 * One line a row under a line of titles, each ended by a line feed.
 * @param maxWidth cuts lines that are longer, marked by `…`; 0 cuts nothing
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  maxWidth = 0,
): string {
  const cells = [columns.map((column) => column.title), ...rows.map((row) => row.map(oneLine))]
  const widths = columns.map((_, index) =>
    Math.max(...cells.map((row) => [...(row[index] ?? '')].length)),
  )
  return cells
    .map((row) => {
      const padded = columns.map((column, index) => {
        const cell = row[index] ?? ''
        const space = ' '.repeat((widths[index] ?? 0) - [...cell].length)
        return column.align === 'right' ? space + cell : cell + space
      })
      return `${cut(padded.join(gap).trimEnd(), maxWidth)}\n`
    })
    .join('')
}

/** `key  value` lines, keys padded to one width. */
export function renderPairs(pairs: readonly (readonly [key: string, value: string])[]): string {
  const width = Math.max(0, ...pairs.map(([key]) => key.length))
  return pairs.map(([key, value]) => `${key.padEnd(width)}${gap}${oneLine(value)}\n`).join('')
}

function cut(line: string, maxWidth: number): string {
  const chars = [...line]
  return maxWidth > 0 && chars.length > maxWidth
    ? `${chars.slice(0, maxWidth - 1).join('')}…`
    : line
}
