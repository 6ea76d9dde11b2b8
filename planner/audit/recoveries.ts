/**
 * The section on recoveries: what each run that brought a collection back measured, drills and real ones. Only what
 * was measured stands in it; the forecast is an estimate, and stands apart. Plain JSON.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../engine/index.ts'
import type { RunOutcome } from '../ledger/ledger-line.ts'
import type { AnySequence, Plan, PlanCollection } from '../plan/plan.ts'
import { toIso } from '../step/observation.ts'
import { showCount, showDuration } from '../step/quantity.ts'
import type { Span } from './claims.ts'
import type { Copies } from './copies.ts'
import type { LedgerRun, LedgerStep } from './ledger-run.ts'
import { type Found, measureRecall, measureRpo, measureRto } from './measure-objective.ts'
import { type Recovery, recovers, toRecovery } from './recovery.ts'
import type { Sightings } from './sightings.ts'
import type { Takeover } from './takeover.ts'
import type { Measured, Phase } from './verdict.ts'

/** Milliseconds, of single searches. */
export interface LatencyReport {
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly searches: number
}

/** Points that were written and acknowledged until the disaster. */
export interface CanaryReport {
  readonly written: number
  readonly missing: number
  /** Null when nothing tells the time of the disaster. */
  readonly lossMs: number | null
}

export interface RecoveryReport {
  readonly sequence: { readonly kind: AnySequence['kind']; readonly name: string }
  readonly run: string
  /** Line of the ledger where the run begins. */
  readonly line: number
  readonly outcome: RunOutcome | 'unfinished'
  readonly startedAt: string
  readonly endedAt: string | null
  /** Null where it was not measured; so are the others. */
  readonly rtoMs: number | null
  readonly countedFrom: NonNullable<Measured['countedFrom']> | null
  readonly phases: readonly Phase[]
  readonly rpoMs: number | null
  readonly recordsLost: number | null
  readonly recall: number | null
  readonly k: number | null
  readonly queries: number | null
  readonly truth: string | null
  readonly latency: LatencyReport | null
  readonly canary: CanaryReport | null
  /** What was restored, and in what time. */
  readonly restored: {
    readonly source: string | null
    readonly count: number | null
    readonly bytes: number | null
    readonly graphs: string | null
    readonly durationMs: number
  } | null
  /** Which standby took over, where nothing was restored. */
  readonly takeover: TakeoverReport | null
}

export interface TakeoverReport {
  readonly target: string
  /** The primary was there and handed over. */
  readonly isPlanned: boolean
  readonly epoch: number | null
  readonly durationMs: number
}

/** How long a recovery would take today. Never a measurement. */
export interface RtoForecast {
  readonly isEstimate: true
  readonly rtoMs: number
  readonly fromRun: string
  /** How it comes about. */
  readonly basis: string
}

export interface CollectionRecoveries {
  readonly collection: string
  /** Oldest first, of the window. */
  readonly runs: readonly RecoveryReport[]
  /** Over drills and real failovers of the window that passed and measured it. */
  readonly rto: {
    readonly objectiveMs: number | null
    readonly measured: number
    readonly worstMs: number | null
    readonly medianMs: number | null
    readonly newestAt: string | null
    /** At the end of the window. */
    readonly proofAgeMs: number | null
    readonly forecast: RtoForecast | null
  }
}

export interface RecoveriesRequest {
  readonly plan: Plan
  readonly runs: readonly LedgerRun[]
  readonly sightings: Sightings
  readonly copies: Copies
  /** Epoch milliseconds. */
  readonly window: Span
}

/** Of the collections that compliance does not exclude. */
export function reportRecoveries(request: RecoveriesRequest): CollectionRecoveries[] {
  const { plan, runs, window } = request
  const inside = runs.filter(
    ({ sequence, startedAt, ended }) =>
      sequence.kind !== 'schedule' &&
      startedAt >= window.from &&
      startedAt <= window.to &&
      (ended === undefined || ended.at <= window.to),
  )
  const today = countsToday(request.copies)
  return [...plan.collections.values()]
    .filter(({ name }) => !plan.compliance.exclusions.has(name))
    .map((collection) => {
      const own = inside
        .filter((run) => recovers(run, collection.name))
        .map((run) => toReport(toRecovery(run, collection.name), request.sightings))
      return { collection: collection.name, runs: own, rto: rtoOf(collection, own, today, request) }
    })
}

function toReport(recovery: Recovery, sightings: Sightings): RecoveryReport {
  const { run, checks, restore, takeover } = recovery
  const { ended, sequence, line, startedAt } = run
  const rto = measured(measureRto(recovery))
  const rpo = measured(measureRpo(recovery, sightings))
  const recall = measured(measureRecall(recovery))
  return {
    ...{ sequence, run: run.run, line, outcome: ended?.outcome ?? 'unfinished' },
    startedAt: toIso(startedAt),
    endedAt: ended === undefined ? null : toIso(ended.at),
    rtoMs: rto?.actual ?? null,
    countedFrom: rto?.measured.countedFrom ?? null,
    phases: rto?.measured.phases ?? [],
    rpoMs: rpo?.actual ?? null,
    recordsLost: rpo?.measured.recordsLost ?? null,
    recall: recall?.actual ?? null,
    k: recall?.measured.k ?? null,
    queries: recall?.measured.queries ?? null,
    truth: recall?.measured.truth ?? null,
    latency: lastOf(checks, latencyOf),
    canary: lastOf(checks, canaryOf),
    restored: restore === undefined ? null : restoredOf(restore),
    takeover: takeover === undefined ? null : takeoverOf(takeover),
  }
}

const measured = (found: Found) => (typeof found === 'string' ? undefined : found)

/** What the last check says that says it. */
function lastOf<T>(
  checks: readonly LedgerStep[],
  read: (outputs: JsonObject) => T | null,
): T | null {
  for (const { record } of checks.toReversed()) {
    const found = read(record.outputs)
    if (found !== null) return found
  }
  return null
}

function latencyOf(outputs: JsonObject): LatencyReport | null {
  const p50Ms = numberIn(outputs['latencyP50Ms'])
  const p95Ms = numberIn(outputs['latencyP95Ms'])
  const p99Ms = numberIn(outputs['latencyP99Ms'])
  if (p50Ms === null || p95Ms === null || p99Ms === null) return null
  return { p50Ms, p95Ms, p99Ms, searches: numberIn(outputs['searches']) ?? 0 }
}

function canaryOf({ canary }: JsonObject): CanaryReport | null {
  if (!isJsonObject(canary)) return null
  const written = numberIn(canary['written'])
  const missing = numberIn(canary['missing'])
  if (written === null || missing === null) return null
  return { written, missing, lossMs: numberIn(canary['lossMs']) }
}

function restoredOf({ record }: LedgerStep): NonNullable<RecoveryReport['restored']> {
  const { source, count, bytes, graphs } = record.outputs
  return {
    source: textIn(source),
    count: numberIn(count),
    bytes: numberIn(bytes),
    graphs: textIn(graphs),
    durationMs: record.durationMs,
  }
}

const takeoverOf = ({ target, isPlanned, said, promote }: Takeover): TakeoverReport => ({
  ...{ target, isPlanned, epoch: numberIn(said['epoch']) },
  durationMs: promote.record.durationMs,
})

const numberIn = (value: JsonValue | undefined): number | null =>
  typeof value === 'number' ? value : null

const textIn = (value: JsonValue | undefined): string | null =>
  typeof value === 'string' ? value : null

function rtoOf(
  { name, objectives }: PlanCollection,
  runs: readonly RecoveryReport[],
  today: ReadonlyMap<string, number>,
  { window }: RecoveriesRequest,
): CollectionRecoveries['rto'] {
  const proofs = runs.filter(
    ({ sequence, outcome, rtoMs, takeover }) =>
      (sequence.kind === 'drill' || takeover !== null) && outcome === 'passed' && rtoMs !== null,
  )
  const times = proofs.flatMap(({ rtoMs }) => (rtoMs === null ? [] : [rtoMs]))
  const newest = proofs.at(-1)
  const newestAt = newest?.endedAt ?? null
  return {
    objectiveMs: objectives.rtoMs ?? null,
    measured: times.length,
    worstMs: times.length === 0 ? null : Math.max(...times),
    medianMs: medianOf(times),
    newestAt,
    proofAgeMs: newestAt === null ? null : window.to - Date.parse(newestAt),
    forecast: newest === undefined ? null : forecastOf(newest, today.get(name)),
  }
}

function medianOf(times: readonly number[]): number | null {
  const sorted = [...times].sort((a, b) => a - b)
  const low = sorted[Math.floor((sorted.length - 1) / 2)]
  const high = sorted[Math.floor(sorted.length / 2)]
  return low === undefined || high === undefined ? null : (low + high) / 2
}

/** Points in the newest backup that told them, by collection. */
const countsToday = (copies: Copies): ReadonlyMap<string, number> =>
  new Map(
    copies
      .snapshots()
      .flatMap(({ collection, count }) => (count === undefined ? [] : [[collection, count]])),
  )

/** Restoring, checking and building an index take time in proportion to the points, at least. */
function forecastOf(
  { rtoMs, restored, run }: RecoveryReport,
  today: number | undefined,
): RtoForecast | null {
  const then = restored?.count ?? 0
  if (rtoMs === null || today === undefined || then === 0) return null
  const forecastMs = Math.round((rtoMs * today) / then)
  const basis = `${showDuration(rtoMs)} measured with ${showCount(then, 'point')} in run ${run}; today ${showCount(today, 'point')}, in proportion`
  return { isEstimate: true, rtoMs: forecastMs, fromRun: run, basis }
}
