/** The lines of the ledger that a report names, each once, with what it says: where its figures come from. */
import type { Audit } from '../audit/audit.ts'
import type { LedgerReference } from './block.ts'

/** To the minute: the line itself has the rest. */
const showInstant = (instant: string): string => `${instant.slice(0, 16).replace('T', ' ')}Z`

/** In the order of the ledger. */
export function ledgerReferences({ runs, verdicts, sections }: Audit): LedgerReference[] {
  const texts = new Map<number, string>()
  const name = (line: number | null, text: string) => {
    if (line !== null && !texts.has(line)) texts.set(line, text)
  }
  for (const { run, sequence, line, startedAt, steps, outcome } of runs) {
    name(
      line,
      `${showInstant(startedAt)}: ${sequence.kind} ${sequence.name} begins, run ${run} (${outcome})`,
    )
    for (const step of steps) {
      name(
        step.line,
        `${showInstant(step.startedAt)}: step ${step.step} of run ${run}: ${step.outcome}`,
      )
    }
  }
  for (const { evidence } of verdicts) {
    for (const { line, run, step } of evidence) name(line, `step ${step} of run ${run}`)
  }
  for (const { runs: recoveries } of sections?.recoveries ?? []) {
    for (const { line, run, startedAt } of recoveries)
      name(line, `${showInstant(startedAt)}: run ${run} begins`)
  }
  for (const { line, lastCheck, kind, id, destination, collection } of sections?.recoveryPoints ??
    []) {
    const what =
      kind === 'archive' ? `log of ${collection}` : `snapshot ${id ?? ''} of ${collection}`
    name(line, `${what} is stored at ${destination}`)
    if (lastCheck !== null) {
      const { at, depth, ok, run } = lastCheck
      name(
        lastCheck.line,
        `${showInstant(at)}: run ${run} verifies ${what} at ${destination} (${depth}): ${ok ? 'passed' : 'failed'}`,
      )
    }
  }
  for (const { closedBy } of sections?.findings ?? []) {
    if (closedBy !== null) name(closedBy.line, `run ${closedBy.run} closes a finding`)
  }
  for (const { collection, standbys, failed, promotions } of sections?.replication ?? []) {
    for (const { at, line } of standbys.flatMap(({ newest, worst }) => [newest, worst])) {
      name(line, `${showInstant(at)}: the lag of ${collection} is looked at`)
    }
    for (const { at, line } of failed) {
      name(line, `${showInstant(at)}: the standbys of ${collection} are not close in time`)
    }
    for (const { at, line, target } of promotions) {
      name(line, `${showInstant(at)}: ${collection} is promoted on ${target}`)
    }
  }
  for (const { line, lastTookPartAt } of sections?.training?.people ?? []) {
    name(line, `${showInstant(lastTookPartAt ?? '')}: an exercise was played`)
  }
  for (const { breaches } of sections?.exposure ?? []) {
    for (const { line, at, message } of breaches.flatMap(({ incidents }) => incidents)) {
      name(line, `${showInstant(at)}: ${message}`)
    }
  }
  for (const { failing, sequence } of sections?.schedules ?? []) {
    for (const { line, run, error } of failing) {
      name(line, `${sequence.kind} ${sequence.name}, run ${run ?? 'unknown'}: ${error ?? 'failed'}`)
    }
  }
  return [...texts].sort(([a], [b]) => a - b).map(([line, text]) => ({ line, text }))
}
