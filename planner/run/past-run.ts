/**
 * A run as the ledger tells it: what a process that goes on with it has to know. Pure.
 *
 * Outputs of finished steps come from here, so the entries must be proven.
 */
import type { JsonObject } from '../../engine/index.ts'
import type { LedgerEntry, RunOutcome, RunStarted } from '../ledger/ledger-line.ts'
import type { RecordedError, StepRecord } from '../step/record.ts'
import { type Recovery, readRecovery } from './recovery.ts'
import type { StepKey } from './run-event.ts'

/** A step that began and did not end. */
export interface OpenStep extends StepKey {
  readonly stepKind: string
  /** When it began first, epoch milliseconds. */
  readonly at: number
  readonly note?: JsonObject
}

export interface PastRun {
  readonly run: string
  /** Of the plan that its newest lines name. */
  readonly planSha256: string
  readonly gitCommit: string | null
  readonly sequence: RunStarted['sequence']
  /** Epoch milliseconds. */
  readonly startedAt: number
  readonly dueAt: number
  /** Of a procedure. */
  readonly recovery?: Recovery
  /** In the order in which they ended. */
  readonly records: readonly StepRecord[]
  readonly open: readonly OpenStep[]
  /** Present when it was told to stop. */
  readonly stopping?: RecordedError
  /** Absent while it runs, and when its process died. */
  readonly outcome?: RunOutcome
}

/** A step's name in its run: an id alone is unique in its stage only. */
export const keyOf = ({ stage, step }: StepKey): string => `${stage}/${step}`

interface Building {
  head: LedgerEntry
  started: RunStarted
  startedAt: number
  records: StepRecord[]
  open: Map<string, OpenStep>
  stopping?: RecordedError
  outcome?: RunOutcome
}

/** The runs of the plan named `plan`, in the order in which they started. */
export function pastRuns(plan: string, entries: readonly LedgerEntry[]): PastRun[] {
  const runs = new Map<string, Building>()
  for (const entry of entries) {
    if (entry.plan !== plan) continue
    if (entry.kind === 'run-started') {
      const startedAt = Date.parse(entry.at)
      runs.set(entry.run, { head: entry, started: entry, startedAt, records: [], open: new Map() })
    }
    const run = runs.get(entry.run)
    if (run !== undefined) note(run, entry)
  }
  return [...runs.values()].map(finish)
}

function note(run: Building, entry: LedgerEntry): void {
  run.head = entry
  switch (entry.kind) {
    case 'step-started': {
      const { stage, step, stepKind } = entry
      const key = keyOf(entry)
      const earlier = run.open.get(key)
      run.open.set(key, earlier ?? { stage, step, stepKind, at: Date.parse(entry.at) })
      break
    }
    case 'step-noted': {
      const open = run.open.get(keyOf(entry))
      if (open !== undefined) run.open.set(keyOf(entry), { ...open, note: entry.note })
      break
    }
    case 'step':
      run.open.delete(keyOf(entry.record))
      run.records.push(entry.record)
      if (isStop(entry.record.error)) run.stopping ??= entry.record.error
      break
    case 'run-stopping':
      run.stopping ??= entry.error
      break
    case 'run-ended':
      run.outcome = entry.outcome
      break
    case 'run-started':
    case 'run-resumed':
    case 'exercise':
    case 'signature':
    case 'remark':
      break
    default:
      entry satisfies never
  }
}

/** Whether an error is that of a signal: a step that it cancelled may be all that was written of it. */
export const isStop = (error: RecordedError | undefined): error is RecordedError =>
  error?.code === 'interrupted' || error?.code === 'terminated'

function finish({ head, started, startedAt, records, open, stopping, outcome }: Building): PastRun {
  return {
    run: head.run,
    planSha256: head.planSha256,
    gitCommit: head.gitCommit,
    sequence: started.sequence,
    startedAt,
    dueAt: started.dueAt === undefined ? startedAt : Date.parse(started.dueAt),
    ...readRecovery(started),
    records,
    open: [...open.values()],
    ...(stopping && { stopping }),
    ...(outcome && { outcome }),
  }
}
