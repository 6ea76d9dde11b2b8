/** Rows as aligned lines: two spaces between columns, none at the end. */

import type { Context } from './context.ts'

/** @param rows the same number of cells in each */
export function tableLines(rows: readonly (readonly string[])[]): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length))
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** A table and an empty line; nothing without rows. */
export async function printTable(
  context: Pick<Context, 'print'>,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): Promise<void> {
  if (rows.length === 0) return
  for (const line of tableLines([head, ...rows])) await context.print(line)
  await context.print('')
}
