/** Every rule over one plan. Pure: the same plan, ledger and day give the same findings. */
import { type CheckRequest, factsOf } from './facts.ts'
import type { Finding, Rule, Severity } from './finding.ts'
import { rules } from './registry.ts'

const ranks: Readonly<Record<Severity, number>> = { error: 0, warning: 1, note: 2 }

/** Errors first, then in the order of the file. */
export function check(request: CheckRequest, applied: readonly Rule[] = rules): Finding[] {
  const facts = factsOf(request)
  return applied
    .flatMap(({ code, severity, remedy, find }) =>
      find(facts).map((found): Finding => ({ code, severity, remedy, arithmetic: [], ...found })),
    )
    .sort(
      (a, b) =>
        ranks[a.severity] - ranks[b.severity] ||
        a.place.line - b.place.line ||
        a.place.column - b.place.column,
    )
}

/** How many of each. */
export function countFindings(findings: readonly Finding[]): Readonly<Record<Severity, number>> {
  const count = (severity: Severity): number =>
    findings.filter((finding) => finding.severity === severity).length
  return { error: count('error'), warning: count('warning'), note: count('note') }
}
