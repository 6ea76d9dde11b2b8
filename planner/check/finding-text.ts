/** Findings for people: what, why, what to do, in that order, and the sums below. Pure. */
import { showCount } from '../step/quantity.ts'
import { countFindings } from './check.ts'
import type { Finding } from './finding.ts'

/** Lines without line ends. */
export function findingLines(finding: Finding): string[] {
  const { code, severity, place, message, arithmetic, assumes, remedy } = finding
  return [
    `${place.file}:${place.line}:${place.column}: ${severity}: ${message} [${code}]`,
    ...arithmetic.map((line) => `    ${line}`),
    ...(assumes === undefined ? [] : [`    assumed: ${assumes}`]),
    `  → ${remedy}`,
  ]
}

/** `2 errors, 1 warning, 4 notes`; `nothing found`. */
export function totalsText(findings: readonly Finding[]): string {
  const counts = countFindings(findings)
  const parts = (['error', 'warning', 'note'] as const)
    .filter((severity) => counts[severity] > 0)
    .map((severity) => showCount(counts[severity], severity))
  return parts.length === 0 ? 'nothing found' : parts.join(', ')
}
