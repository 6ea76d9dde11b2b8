/** Whether a runbook that was written before still says what its plan says. Pure; owner of `diff`. */
import { createTwoFilesPatch } from 'diff'
import { measuredMark } from '../report/block.ts'

/**
 * What is different, as a unified diff, once what comes from the ledger is left aside; undefined when
 * nothing is.
 */
export function differencesOf(
  file: string,
  written: string,
  expected: string,
): readonly string[] | undefined {
  const [before, now] = [withoutMeasured(written), withoutMeasured(expected)]
  if (before === now) return undefined
  const patch = createTwoFilesPatch(file, `${file} as the plan has it now`, before, now)
  return patch.trimEnd().split('\n').slice(1)
}

/** Lines of commands count whatever they end with. */
function withoutMeasured(page: string): string {
  let fence: string | undefined
  return page
    .split('\n')
    .filter((line) => {
      const mark = /^`{3,}/.exec(line)?.[0]
      if (fence === undefined) fence = mark
      else if (line === fence) fence = undefined
      return fence !== undefined || !line.endsWith(measuredMark)
    })
    .join('\n')
}
