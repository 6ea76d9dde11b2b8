/** From the runs of a plan to the verdict on one objective of one collection. Pure. */
import type { ObjectiveKind, Plan, PlanCollection } from '../plan/plan.ts'
import { formatDuration } from '../plan/units.ts'
import { toIso } from '../step/observation.ts'
import type { LedgerRun, LedgerStep } from './ledger-run.ts'
import { type Found, measureRecall, measureRpo, measureRto } from './measure-objective.ts'
import { type Recovery, recovers, toRecovery } from './recovery.ts'
import type { Sightings } from './sightings.ts'
import { takesOver } from './takeover.ts'
import type { EvidenceReference, Verdict } from './verdict.ts'

export interface Evidence {
  /** Runs that may be evidence, inside the window, oldest first. */
  readonly runs: readonly LedgerRun[]
  /** When sources were seen where, whatever run looked. */
  readonly sightings: Sightings
  /** End of the window, epoch milliseconds. */
  readonly at: number
}

export function judge(
  plan: Plan,
  collection: PlanCollection,
  objective: ObjectiveKind,
  wanted: number,
  evidence: Evidence,
): Verdict {
  const base = { collection: collection.name, objective, wanted }
  const candidates = evidence.runs.filter((run) => isEvidence(run, objective, collection.name))
  const asides: string[] = []
  for (const run of candidates.toReversed()) {
    const recovery = toRecovery(run, collection.name)
    const inconclusive = whyInconclusive(recovery)
    if (inconclusive !== undefined) {
      asides.push(`run ${run.run}: ${inconclusive}`)
      continue
    }
    const found = measure(objective, recovery, evidence.sightings)
    return { ...base, ...conclude(plan, objective, wanted, recovery, found, evidence.at, asides) }
  }
  const reasons = [...asides, whyNoRun(plan, objective, candidates.length)]
  return { ...base, ...nothingMeasured, verdict: 'unproven', reasons, run: null, evidence: [] }
}

/**
 * A drill that says so, and of RTO a real failover too: a procedure in which a standby took over unplanned. A
 * restore by hand is none; it may have been of anything, beside what still served.
 */
export const isEvidence = (
  run: LedgerRun,
  objective: ObjectiveKind,
  collection: string,
): boolean =>
  run.sequence.kind === 'drill'
    ? run.proves.includes(objective) && recovers(run, collection)
    : run.sequence.kind === 'procedure' && objective === 'rto' && takesOver(run, collection)

const nothingMeasured = { actual: null, gap: null, measuredAt: null, measured: {} } as const

const measure = (objective: ObjectiveKind, recovery: Recovery, sightings: Sightings): Found => {
  switch (objective) {
    case 'rpo':
      return measureRpo(recovery, sightings)
    case 'rto':
      return measureRto(recovery)
    case 'recall':
      return measureRecall(recovery)
    default:
      return objective satisfies never
  }
}

/** A run that says nothing about recovering, neither well nor badly. */
function whyInconclusive({ run, failure, failedToRecover }: Recovery): string | undefined {
  if (run.ended === undefined) return 'it has no end: it still runs, or its process died'
  if (run.ended.outcome === 'void') return 'the system was not steady before the drill'
  if (run.ended.outcome === 'interrupted') return 'it was interrupted'
  if (run.ended.outcome === 'passed' || failedToRecover) return undefined
  const step = failure === undefined ? '' : ` at step ${failure.record.step}`
  return `it failed${step}, which says nothing about recovering`
}

function conclude(
  plan: Plan,
  objective: ObjectiveKind,
  wanted: number,
  recovery: Recovery,
  found: Found,
  at: number,
  asides: readonly string[],
): Omit<Verdict, 'collection' | 'objective' | 'wanted'> {
  const { run, failure } = recovery
  const endedAt = run.ended?.at ?? run.startedAt
  const about = { run: run.run, measuredAt: toIso(endedAt) }
  if (typeof found === 'string' && failure === undefined) {
    const reasons = [found, ...asides]
    return { ...nothingMeasured, ...about, verdict: 'unproven', reasons, evidence: [] }
  }
  const measured =
    typeof found === 'string'
      ? { ...nothingMeasured, evidence: [] }
      : {
          actual: found.actual,
          gap: gapOf(objective, wanted, found.actual),
          measured: found.measured,
          evidence: found.evidence.map((step) => referenceTo(run, step)),
        }
  const told = typeof found === 'string' ? [] : found.reasons
  if (failure !== undefined) {
    const why = failure.record.error?.message ?? failure.record.outcome
    return {
      ...measured,
      ...about,
      verdict: 'missed',
      reasons: [
        `the ${run.sequence.kind} failed at step ${failure.record.step}: ${why}`,
        ...told,
        ...asides,
      ],
      evidence: [...measured.evidence, referenceTo(run, failure)],
    }
  }
  const { drillEveryMs } = plan.compliance
  if (drillEveryMs !== undefined && at - endedAt > drillEveryMs) {
    const age = `the proof is ${formatDuration(wholeSeconds(at - endedAt))} old`
    const reasons = [`${age}, and a drill is wanted every ${formatDuration(drillEveryMs)}`]
    return { ...measured, ...about, verdict: 'unproven', reasons: [...reasons, ...told, ...asides] }
  }
  const verdict = (measured.gap ?? 1) > 0 ? 'missed' : 'met'
  return { ...measured, ...about, verdict, reasons: [...told, ...asides] }
}

const wholeSeconds = (ms: number): number => Math.floor(ms / 1_000) * 1_000

/** More of it is worse for times, better for recall. */
function gapOf(objective: ObjectiveKind, wanted: number, actual: number): number {
  const gap = objective === 'recall' ? wanted - actual : actual - wanted
  return Math.round(gap * 1e6) / 1e6
}

function whyNoRun(plan: Plan, objective: ObjectiveKind, tried: number): string {
  if (tried > 0) return `no drill that proves ${objective} came to a result in the window`
  const drills = [...plan.drills.values()].filter((drill) => drill.proves.includes(objective))
  if (drills.length === 0) return `no drill of the plan proves ${objective}`
  const names = drills.map((drill) => drill.name).join(', ')
  return `no drill that proves ${objective} and restores the collection ran in the window (drills that prove it: ${names})`
}

const referenceTo = ({ run }: LedgerRun, { line, record }: LedgerStep): EvidenceReference => ({
  run,
  step: record.step,
  line,
  artefacts: record.evidence,
})
