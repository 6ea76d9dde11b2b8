/** What earlier runs measured, out of the ledger, for estimates. */

import type { LedgerEntry } from '../ledger/ledger-line.ts'
import type { History } from '../step/estimate.ts'

/** Of one schedule or drill of one plan. Pure. */
export function historyOf(
  entries: readonly LedgerEntry[],
  plan: string,
  sequence: { readonly kind: string; readonly name: string },
): History {
  const runs = new Set<string>()
  const durations = new Map<string, number[]>()
  for (const entry of entries) {
    if (entry.plan !== plan) continue
    if (entry.kind === 'run-started') {
      const { kind, name } = entry.sequence
      if (kind === sequence.kind && name === sequence.name) runs.add(entry.run)
    }
    if (entry.kind !== 'step' || !runs.has(entry.run)) continue
    const { step, kind, outcome, durationMs, interrupted } = entry.record
    // what was taken up again half-way says nothing about how long all of it takes
    if (outcome !== 'passed' || interrupted !== undefined) continue
    const key = `${kind}/${step}`
    const known = durations.get(key)
    if (known === undefined) durations.set(key, [durationMs])
    else known.push(durationMs)
  }
  return { durationsMs: (step, kind) => durations.get(`${kind}/${step}`) ?? [] }
}
