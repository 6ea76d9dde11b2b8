/** Entries of the ledger, put together to runs. */

import type { LedgerEntry, RunOutcome } from '../ledger/ledger-line.ts'
import type { AnySequence, ObjectiveKind } from '../plan/plan.ts'
import type { RecordedError, StepRecord } from '../step/record.ts'

export interface LedgerStep {
  /** Line of the ledger. */
  readonly line: number
  readonly record: StepRecord
}

export interface LedgerRun {
  readonly run: string
  readonly line: number
  readonly planSha256: string
  readonly gitCommit: string | null
  readonly sequence: { readonly kind: AnySequence['kind']; readonly name: string }
  readonly proves: readonly ObjectiveKind[]
  /** The due time that it serves; when it was started by hand, that. Epoch milliseconds. */
  readonly dueAt: number
  /** Of a procedure: when the disaster began, by the word of who started it. Epoch milliseconds. */
  readonly sinceAt?: number
  /** Epoch milliseconds. */
  readonly startedAt: number
  /** Absent while it runs, and for ever when its process died. */
  readonly ended?: {
    readonly at: number
    readonly outcome: RunOutcome
    readonly durationMs: number
    readonly error?: RecordedError
  }
  /** In the order in which they ended. */
  readonly steps: readonly LedgerStep[]
  /** Times at which its process had died and another one went on. */
  readonly interruptions: readonly Interruption[]
}

/** Epoch milliseconds: the last line that the dead process wrote, and the first of the one that went on. */
export interface Interruption {
  readonly lastSeenAt: number
  readonly resumedAt: number
}

type Building = { -readonly [Key in keyof LedgerRun]: LedgerRun[Key] } & {
  steps: LedgerStep[]
  interruptions: Interruption[]
  lastSeenAt: number
}

/** The runs of the plan named `plan`, oldest first. */
export function runsOf(plan: string, entries: readonly LedgerEntry[]): LedgerRun[] {
  const book = new RunBook(plan)
  for (const entry of entries) book.read(entry)
  return book.runs()
}

/** The runs of one plan, from its entries one by one. */
export class RunBook {
  readonly #plan: string
  readonly #runs = new Map<string, Building>()
  readonly #served = new Map<string, ServedRuns>()

  /** @param plan its name */
  constructor(plan: string) {
    this.#plan = plan
  }

  /** Oldest first. */
  runs(): LedgerRun[] {
    return [...this.#runs.values()]
  }

  read(entry: LedgerEntry): void {
    if (entry.plan !== this.#plan) return
    if (entry.kind === 'run-started') {
      const { run, line, planSha256, gitCommit, sequence, proves } = entry
      const startedAt = Date.parse(entry.at)
      const dueAt = entry.dueAt === undefined ? startedAt : Date.parse(entry.dueAt)
      const known = {
        ...{ run, line, planSha256, gitCommit, sequence, proves, dueAt, startedAt },
        ...(entry.since !== undefined && { sinceAt: Date.parse(entry.since) }),
      }
      this.#runs.set(run, { ...known, steps: [], interruptions: [], lastSeenAt: startedAt })
      return
    }
    const run = this.#runs.get(entry.run)
    if (run === undefined) return
    const at = Date.parse(entry.at)
    if (entry.kind === 'run-resumed') {
      run.interruptions.push({ lastSeenAt: run.lastSeenAt, resumedAt: at })
    }
    run.lastSeenAt = at
    if (entry.kind === 'step') run.steps.push({ line: entry.line, record: entry.record })
    if (entry.kind === 'run-ended') {
      run.startedAt = Date.parse(entry.startedAt)
      run.ended = {
        at: Date.parse(entry.endedAt),
        outcome: entry.outcome,
        durationMs: entry.durationMs,
        ...(entry.error && { error: entry.error }),
      }
    }
  }

  /** Of the run of a schedule, keeps only when it was due and ran: there are more of them than of all others. */
  compact(run: string): void {
    const known = this.#runs.get(run)
    if (known?.sequence.kind !== 'schedule' || known.ended === undefined) return
    this.#runs.delete(run)
    const { line, sequence, dueAt, startedAt, ended } = known
    this.serve(sequence.name, { run, line, dueAt, startedAt, endedAt: ended.at })
  }

  /** One more run of a schedule that passed. @param schedule its name */
  serve(schedule: string, run: ServedRun): void {
    const served = this.#served.get(schedule) ?? {
      ...{ runs: [], lines: [], dueAt: [], startedAt: [], endedAt: [] },
    }
    this.#served.set(schedule, served)
    served.runs.push(run.run)
    served.lines.push(run.line)
    served.dueAt.push(run.dueAt)
    served.startedAt.push(run.startedAt)
    served.endedAt.push(run.endedAt)
  }

  /** The runs of schedules that passed and were kept apart, by the schedule's name. */
  served(): ReadonlyMap<string, ServedRuns> {
    return this.#served
  }
}

/** A run of a schedule that passed; epoch milliseconds. */
export interface ServedRun {
  readonly run: string
  readonly line: number
  readonly dueAt: number
  readonly startedAt: number
  readonly endedAt: number
}

/** Runs of one schedule that passed, column by column, in the order in which they ended; epoch milliseconds. */
export interface ServedRuns {
  readonly runs: string[]
  readonly lines: number[]
  readonly dueAt: number[]
  readonly startedAt: number[]
  readonly endedAt: number[]
}
