/** "Did you mean": the name that is closest to a misspelt one. */
import { planLimits } from './limits.ts'

/**
 * The candidate with the smallest edit distance to `word`, ignoring case, or undefined when none is
 * close: a suggestion that is not plainly right is worse than none.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase()
  if (wanted.length > planLimits.suggestedLength) return undefined
  let best: { readonly name: string; readonly distance: number } | undefined
  for (const name of candidates) {
    const distance = editDistance(wanted, name.toLowerCase())
    if (best === undefined || distance < best.distance) best = { name, distance }
  }
  const tolerated = Math.max(1, Math.floor(wanted.length / 3))
  return best !== undefined && best.distance <= tolerated ? best.name : undefined
}

/**
 * Insertions, deletions, replacements and swaps of neighbours that turn one word into the other
 * (optimal string alignment; Damerau, "A technique for computer detection and correction of spelling
 * errors", 1964).
 */
export function editDistance(from: string, to: string): number {
  const at = (row: readonly number[], column: number): number => row[column] ?? 0
  let before: readonly number[] = []
  let previous: readonly number[] = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1]
      let best = Math.min(
        at(previous, j) + 1,
        at(row, j - 1) + 1,
        at(previous, j - 1) + (same ? 0 : 1),
      )
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) {
        best = Math.min(best, at(before, j - 2) + 1)
      }
      row.push(best)
    }
    before = previous
    previous = row
  }
  return at(previous, to.length)
}
