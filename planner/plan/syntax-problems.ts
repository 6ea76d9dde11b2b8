/** What the YAML parser finds wrong with a text, in plain words and with a hint. */
import type { YAMLError } from 'yaml'
import { planLimits } from './limits.ts'
import type { TextProblem } from './problem.ts'

const plainWords: Partial<Record<YAMLError['code'], { message: string; hint: string }>> = {
  TAB_AS_INDENT: {
    message: 'a tab stands where YAML wants spaces',
    hint: 'Indent with spaces.',
  },
  MULTIPLE_DOCS: {
    message: 'a plan is one document',
    hint: 'Put what follows into a file of its own.',
  },
  NON_STRING_KEY: { message: 'a key must be text', hint: 'Write one word before the colon.' },
  BLOCK_AS_IMPLICIT_KEY: {
    message: 'a mapping cannot start on this line',
    hint: 'Check the indentation of this line and of the one before, or quote text that holds ": ".',
  },
  MULTILINE_IMPLICIT_KEY: {
    message: 'this is not "key: value"',
    hint: 'Check for a missing colon, or the indentation.',
  },
}

/** At most the problems that are shown at once. */
export const syntaxProblems = (errors: readonly YAMLError[], text: string): TextProblem[] =>
  withoutCascades(errors)
    .slice(0, planLimits.problems)
    .map((error) => syntaxProblem(error, text))

/** After one unexpected word the parser finds every further one unexpected: the first tells it all. */
const withoutCascades = (errors: readonly YAMLError[]): YAMLError[] =>
  errors.filter(
    ({ code }, index) =>
      code !== 'UNEXPECTED_TOKEN' || errors[index - 1]?.code !== 'UNEXPECTED_TOKEN',
  )

function syntaxProblem(error: YAMLError, text: string): TextProblem {
  const [offset, end] = error.pos
  const at = { rule: 'yaml-syntax', offset, path: '' } as const
  if (text.slice(Math.max(0, offset - 1), offset + 1) === '${') {
    const hint = 'Put the whole text in quotes: "x_${date}".'
    return { ...at, message: 'a text with ${…} needs quotes inside brackets', hint }
  }
  const known = plainWords[error.code]
  if (known !== undefined) return { ...at, ...known }
  const hint = 'Check indentation, quotes and brackets from here upwards.'
  if (error.code === 'UNEXPECTED_TOKEN') {
    const word = JSON.stringify(text.slice(offset, Math.min(end, offset + 40)))
    return { ...at, message: `${word} is not expected here`, hint }
  }
  const [, closing] = /must .*end with a (.)$/.exec(error.message) ?? []
  if (closing !== undefined) {
    return { ...at, message: `the "${closing}" of a bracket before this is missing`, hint }
  }
  const message = error.message.charAt(0).toLowerCase() + error.message.slice(1, 300)
  return { ...at, message, hint }
}
