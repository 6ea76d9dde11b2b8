/** Ledgers as values: chained entries of runs that a test describes. */
import { createHash } from 'node:crypto'
import {
  encodeLine,
  type LedgerBody,
  type LedgerEntry,
  type LineBefore,
  type RunOutcome,
  startOfLedger,
} from '../../planner/ledger/ledger-line.ts'
import type { ObjectiveKind } from '../../planner/plan/plan.ts'
import type { StepRecord } from '../../planner/step/record.ts'
import { buildRecord } from './step-bench.ts'

export interface DescribedRun {
  readonly run: string
  readonly startedAt: number
  /** Absent: its process died. */
  readonly endedAt?: number
  readonly outcome?: RunOutcome
  readonly proves?: readonly ObjectiveKind[]
  readonly planSha256?: string
  readonly steps: readonly StepRecord[]
  readonly kind?: 'schedule' | 'drill' | 'procedure'
  /** Of the schedule, drill or procedure; `restore-test` when absent. */
  readonly name?: string
  readonly dueAt?: number
  /** When the disaster began, by the word of who started the procedure. */
  readonly sinceAt?: number
}

const iso = (at: number): string => new Date(at).toISOString()

/** A step that ran from `from` to `to`, epoch milliseconds. */
export const stepAt = (from: number, to: number, changes: Partial<StepRecord>): StepRecord =>
  buildRecord({
    startedAt: iso(from),
    endedAt: iso(to),
    durationMs: to - from,
    ...changes,
  })

export function ledgerOf(...runs: readonly DescribedRun[]): LedgerEntry[] {
  const entries: LedgerEntry[] = []
  let before: LineBefore = startOfLedger
  for (const run of runs) {
    const header = {
      plan: 'test',
      planSha256: run.planSha256 ?? '5'.repeat(64),
      gitCommit: null,
      run: run.run,
    }
    const add = (body: LedgerBody, at: number) => {
      const { text, entry } = encodeLine(header, body, before, iso(at))
      before = {
        line: entry.line,
        sha256: createHash('sha256').update(text).digest('hex'),
      }
      entries.push(entry)
    }
    add(
      {
        kind: 'run-started',
        sequence: { kind: run.kind ?? 'drill', name: run.name ?? 'restore-test' },
        proves: run.proves ?? ['rpo', 'rto', 'recall'],
        planFile: 'plans/test.yaml',
        version: '0.0.0',
        ...(run.dueAt !== undefined && { dueAt: iso(run.dueAt) }),
        ...(run.sinceAt !== undefined && { since: iso(run.sinceAt) }),
      },
      run.startedAt,
    )
    for (const record of run.steps) add({ kind: 'step', record }, Date.parse(record.endedAt))
    if (run.endedAt === undefined) continue
    add(
      {
        kind: 'run-ended',
        outcome: run.outcome ?? 'passed',
        startedAt: iso(run.startedAt),
        endedAt: iso(run.endedAt),
        durationMs: run.endedAt - run.startedAt,
      },
      run.endedAt,
    )
  }
  return entries
}
