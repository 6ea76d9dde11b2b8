/**
 * The audit: plan + ledger + window → verdicts. Pure: the same input gives the same value, down to
 * `generatedAt`, which is the end of the window and not the time of day.
 *
 * What happened after the window is not looked at, so that an audit of the past stays as it was.
 */
import * as path from 'node:path'
import type { LedgerEntry, LedgerLine } from '../ledger/ledger-line.ts'
import { runsOfSum, type SummableRun, unfold } from '../ledger/sum.ts'
import type { ObjectiveKind, Plan, PlanCollection } from '../plan/plan.ts'
import { type Observation, toIso } from '../step/observation.ts'
import { Copies, type PlacedRecord } from './copies.ts'
import { type Day, daysOf } from './days.ts'
import type { LedgerExercise } from './exercises.ts'
import { GrowthBook } from './growth.ts'
import { judge } from './judge.ts'
import { type LedgerRun, RunBook } from './ledger-run.ts'
import { objectivesOf } from './objectives.ts'
import { recovers } from './recovery.ts'
import { Replicas } from './replicas.ts'
import { ReplicationBook } from './replication.ts'
import { type RunSummary, summarise } from './run-summary.ts'
import { type AuditSections, reportSections } from './sections.ts'
import { Sightings } from './sightings.ts'
import type { Verdict, VerdictKind } from './verdict.ts'
import { withExposure } from './verdict-exposure.ts'

/** Epoch milliseconds, both ends included. */
export interface AuditWindow {
  readonly from: number
  readonly to: number
}

export interface AuditRequest {
  readonly plan: Plan
  /** The whole ledger, proven; as far as it is when there is a problem. Read once, from first to last. */
  readonly entries: Iterable<LedgerEntry>
  /** Told in the remarks. */
  readonly ledgerProblem?: { readonly line: number; readonly reason: string }
  readonly window: AuditWindow
  /** Judge this run alone: the objectives that it proves, of the collections that it restores. */
  readonly run?: string
  /** Positions seen beside those in the entries, where these are not the whole ledger. */
  readonly seen?: readonly Observation[]
}

export interface Audit {
  readonly plan: {
    readonly name: string
    /** Without its directory. */
    readonly file: string
    readonly sha256: string
    readonly owner: string
    readonly description?: string
  }
  readonly scope: 'window' | 'run'
  readonly window: { readonly from: string; readonly to: string }
  readonly generatedAt: string
  readonly totals: Readonly<Record<VerdictKind, number>>
  readonly verdicts: readonly Verdict[]
  /** Of a window; a single run has none. */
  readonly sections?: AuditSections
  /**
   * Runs that the window holds, oldest first. Of a window those of schedules that passed are left out: the
   * section on schedules counts them.
   */
  readonly runs: readonly RunSummary[]
  readonly remarks: readonly string[]
  /** Lines of the ledger up to the end of the window. */
  readonly ledgerLines: number
}

/** The same from entries that are at hand. */
export function audit({ entries, ...request }: AuditRequest): Audit {
  const auditor = new Auditor(request)
  for (const entry of entries) auditor.read(entry)
  return auditor.finish()
}

/** One look at each entry of a ledger, first to last; what is left of it is small. */
export class Auditor {
  readonly #request: Omit<AuditRequest, 'entries'>
  readonly #runs: RunBook
  readonly #sightings: Sightings
  readonly #copies: Copies
  readonly #growth: GrowthBook
  readonly #replicas: Replicas
  readonly #replication: ReplicationBook
  readonly #exercises: LedgerExercise[] = []
  readonly #days: readonly Day[]
  #knownSinceAt: number | undefined
  #lastLine = 0

  constructor(request: Omit<AuditRequest, 'entries'>) {
    const { plan, window, seen = [] } = request
    this.#request = request
    this.#runs = new RunBook(plan.name)
    this.#sightings = new Sightings(plan)
    this.#copies = new Copies(this.#sightings)
    this.#days = daysOf(window, plan.timezone)
    this.#growth = new GrowthBook(this.#days)
    this.#replicas = new Replicas(plan)
    this.#replication = new ReplicationBook(request.window)
    for (const each of seen) this.#sightings.see(each)
  }

  /**
   * The same as reading what a sum unfolds to, without making entries of it.
   * @param summed its runs, where somebody has them
   */
  readLine(line: LedgerLine, summed?: readonly SummableRun[]): void {
    const { plan, window, run: only } = this.#request
    if (line.kind !== 'runs-summed') {
      this.read(line)
      return
    }
    const runs = summed ?? runsOfSum(line)
    if (runs.every(({ at }) => Date.parse(at) > window.to)) return
    const isInside = runs.every(({ endedAt }) => Date.parse(endedAt) <= window.to)
    if (!isInside || only !== undefined || line.sequence.kind !== 'schedule') {
      for (const entry of unfold(line)) this.read(entry)
      return
    }
    this.#lastLine = Math.max(this.#lastLine, line.line)
    if (line.plan !== plan.name) return
    for (const { run, at, dueAt, endedAt, records } of runs) {
      const startedAt = Date.parse(at)
      this.#knownSinceAt = Math.min(this.#knownSinceAt ?? startedAt, startedAt)
      this.#runs.serve(line.sequence.name, {
        ...{ run, line: line.line, dueAt: Date.parse(dueAt) },
        ...{ startedAt, endedAt: Date.parse(endedAt) },
      })
      for (const record of records) this.#readStep({ run, line: line.line, record })
    }
  }

  #readStep(placed: PlacedRecord): void {
    // the positions of archive runs, which are most of a ledger, are seen by the copies that they make
    if (placed.record.kind !== 'archive') this.#sightings.read(placed.record.outputs)
    this.#copies.read(placed)
    this.#growth.read(placed.record)
    this.#replicas.read(placed)
    this.#replication.read(placed)
  }

  read(entry: LedgerEntry): void {
    const { plan, window, run: only } = this.#request
    const at = Date.parse(entry.at)
    if (at > window.to) return
    this.#lastLine = Math.max(this.#lastLine, entry.line)
    if (entry.plan !== plan.name) return
    // what was only played says nothing of copies and runs, nor since when they are known
    if (entry.kind === 'exercise') {
      this.#exercises.push(entry)
      return
    }
    // entries of a sum come after others that are younger, and a run begins before its first line is written
    const since = entry.kind === 'run-ended' ? Date.parse(entry.startedAt) : at
    this.#knownSinceAt = Math.min(this.#knownSinceAt ?? since, since)
    this.#runs.read(entry)
    if (entry.kind === 'step') {
      const { run, line, record } = entry
      this.#readStep({ run, line, record })
    }
    if (entry.kind === 'run-ended' && only === undefined && entry.outcome === 'passed') {
      this.#runs.compact(entry.run)
    }
  }

  /** Whether the ledger names the plan up to the end of the window. */
  get knowsPlan(): boolean {
    return this.#knownSinceAt !== undefined
  }

  finish(): Audit {
    const { plan, window, run: only } = this.#request
    const isWindow = only === undefined
    const all = this.#runs.runs()
    this.#sightings.settle()
    this.#copies.settle()
    const runs = all.filter((run) => (isWindow ? isInside(run, window) : run.run === only))
    const evidence = {
      runs,
      sightings: this.#sightings,
      at: window.to,
    }
    const [judged] = runs
    const drilled = [...plan.collections.values()]
      .filter(({ name }) => !plan.compliance.exclusions.has(name))
      .flatMap((collection) =>
        objectivesOf(collection)
          .filter(([kind]) => isWindow || isAbout(judged, collection, kind))
          .map(([kind, wanted]) => judge(plan, collection, kind, wanted, evidence)),
      )
    const sections = isWindow ? this.#sections(all, drilled) : undefined
    const verdicts = drilled.map((verdict) => withExposure(verdict, sections?.exposure ?? []))
    const count = (kind: VerdictKind) => verdicts.filter(({ verdict }) => verdict === kind).length
    return {
      plan: {
        name: plan.name,
        file: path.basename(plan.file),
        sha256: plan.sha256,
        owner: plan.owner,
        ...(plan.description !== undefined && { description: plan.description }),
      },
      scope: isWindow ? 'window' : 'run',
      window: { from: toIso(window.from), to: toIso(window.to) },
      generatedAt: toIso(window.to),
      totals: { met: count('met'), missed: count('missed'), unproven: count('unproven') },
      verdicts,
      ...(sections && { sections }),
      runs: runs.filter((run) => !isWindow || !isQuiet(run)).map(summarise),
      remarks: [...brokenLedger(this.#request), ...remarksOn(plan, runs, verdicts)],
      ledgerLines: this.#lastLine,
    }
  }

  #sections(runs: readonly LedgerRun[], verdicts: readonly Verdict[]): AuditSections {
    const { plan, window } = this.#request
    return reportSections({
      ...{ plan, window, runs, verdicts, served: this.#runs.served() },
      knownSinceAt: this.#knownSinceAt ?? window.to,
      sightings: this.#sightings,
      copies: this.#copies,
      exercises: this.#exercises,
      growth: this.#growth,
      replicas: this.#replicas,
      replication: this.#replication,
      days: this.#days,
    })
  }
}

/** A run of a schedule that passed: the section on schedules counts it. */
const isQuiet = ({ sequence, ended }: LedgerRun): boolean =>
  sequence.kind === 'schedule' && ended?.outcome === 'passed'

const isInside = ({ startedAt, ended }: LedgerRun, { from, to }: AuditWindow): boolean =>
  startedAt >= from && startedAt <= to && (ended === undefined || ended.at <= to)

const isAbout = (
  run: LedgerRun | undefined,
  collection: PlanCollection,
  kind: ObjectiveKind,
): boolean =>
  run === undefined ? false : run.proves.includes(kind) && recovers(run, collection.name)

const brokenLedger = ({ ledgerProblem: problem }: Omit<AuditRequest, 'entries'>): string[] =>
  problem === undefined
    ? []
    : [`the ledger does not hold: line ${problem.line} does not fit: ${problem.reason}`]

function remarksOn(plan: Plan, runs: readonly LedgerRun[], verdicts: readonly Verdict[]): string[] {
  const used = new Set(verdicts.flatMap((verdict) => (verdict.run === null ? [] : [verdict.run])))
  return runs
    .filter((run) => used.has(run.run) && run.planSha256 !== plan.sha256)
    .map((run) => `the plan has changed since run ${run.run}, which is used as evidence`)
}
