/** Problems of values → problems of the text that they stand in, one for each place. Pure. */
import { parentPointer } from './path-text.ts'
import type { Positions } from './positions.ts'
import type { TextProblem, ValueProblem } from './problem.ts'

/** Where they stand in the text; without those that follow from another. */
export const toTextProblems = (
  problems: readonly ValueProblem[],
  positions: Positions,
): TextProblem[] => withoutEchoes(problems).map((problem) => toText(problem, positions))

/** What stands below a key that should not be there needs no problems of its own. */
function withoutEchoes(problems: readonly ValueProblem[]): ValueProblem[] {
  const refused = new Set(problems.filter(({ rule }) => rule === 'unknown-key').map(pointerOf))
  return problems.filter(({ pointer }) => {
    for (let above = parentPointer(pointer); above !== ''; above = parentPointer(above)) {
      if (refused.has(above)) return false
    }
    return true
  })
}

const pointerOf = ({ pointer }: ValueProblem): string => pointer

/** The first problem of a place is the cause; the others follow from it. Several keys may be missing. */
export function onePerPlace(problems: readonly TextProblem[]): TextProblem[] {
  const seen = new Set<string>()
  return problems.filter(({ offset, rule, message }) => {
    const key = `${offset}${rule === 'missing-key' ? message : ''}`
    return !seen.has(key) && seen.add(key)
  })
}

function toText(problem: ValueProblem, positions: Positions): TextProblem {
  const { rule, pointer, atKey, message, hint } = problem
  const position = positions.get(pointer)
  return {
    rule,
    offset: (atKey ? position?.keyOffset : position?.valueOffset) ?? 0,
    path: position?.path ?? '',
    message,
    ...(hint !== undefined && { hint }),
  }
}
