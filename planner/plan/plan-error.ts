/** The errors of a plan as people read them: place, what is wrong, the line with a caret, a hint. */
import type { PlanError } from './problem.ts'

/**
 * Plain text, one block an error:
 *
 *     plans/shop.yaml:12:15: there is no destination "loacl"
 *       at schedules.nightly.steps[0].backup.to
 *        12 |         to: loacl
 *           |             ^
 *       Did you mean "local"?
 */
export const formatPlanErrors = (errors: readonly PlanError[]): string =>
  errors.map((error) => formatPlanError(error)).join('\n\n')

function formatPlanError(error: PlanError): string {
  const { file, line, column, path, message, source, caret, hint } = error
  const gutter = String(line).padStart(5)
  return [
    `${file}:${line}:${column}: ${message}`,
    ...(path === '' ? [] : [`  at ${path}`]),
    `${gutter} | ${source}`,
    `${' '.repeat(gutter.length)} | ${' '.repeat(Math.max(0, caret - 1))}^`,
    ...(hint === undefined ? [] : [`  ${hint}`]),
  ].join('\n')
}
