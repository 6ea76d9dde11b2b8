/** What a report over a window tells besides the verdicts, section by section. Pure; plain JSON. */
import type { Plan } from '../plan/plan.ts'
import { timedOf } from '../schedule/timed.ts'
import { toIso } from '../step/observation.ts'
import type { Span } from './claims.ts'
import { type ComplianceReport, reportCompliance } from './compliance-report.ts'
import { type ControlReport, reportControls } from './controls.ts'
import type { Copies } from './copies.ts'
import { type CopyReport, reportCopies } from './copy-report.ts'
import type { Day } from './days.ts'
import { type DrillReport, reportDrills } from './drills.ts'
import { type LedgerExercise, reportTraining, type TrainingReport } from './exercises.ts'
import { type ExposureSeries, reportExposure } from './exposure.ts'
import { type AuditFinding, reportFindings } from './findings.ts'
import type { DataReport, GrowthBook } from './growth.ts'
import { suppliesOf } from './incidents.ts'
import type { LedgerRun, ServedRuns } from './ledger-run.ts'
import { occurrencesOf } from './occurrences.ts'
import { type CollectionRecoveries, reportRecoveries } from './recoveries.ts'
import type { Replicas } from './replicas.ts'
import type { ReplicationBook, ReplicationReport } from './replication.ts'
import { reportSchedules, type SequenceReport } from './schedules.ts'
import type { Sightings } from './sightings.ts'
import type { Verdict } from './verdict.ts'
import { withExposure } from './verdict-exposure.ts'

export interface AuditSections {
  /** From when on the ledger names the plan, within the window: before it nothing is known. */
  readonly observedFrom: string
  /** By collection, then by loss. */
  readonly exposure: readonly ExposureSeries[]
  /** By collection: what recoveries measured. */
  readonly recoveries: readonly CollectionRecoveries[]
  /** In the order of the plan. */
  readonly drills: readonly DrillReport[]
  /** By collection, then by destination: the newest snapshot, then the archived log. */
  readonly recoveryPoints: readonly CopyReport[]
  /** By collection: size and change, day by day. */
  readonly data: readonly DataReport[]
  /** Schedules, then drills, that the clock runs. */
  readonly schedules: readonly SequenceReport[]
  /** Open ones first. */
  readonly findings: readonly AuditFinding[]
  /** By collection: how far standbys were behind; absent where the plan replicates none. */
  readonly replication?: readonly ReplicationReport[]
  /** Who took part in exercises; absent where nobody has ever played. */
  readonly training?: TrainingReport
  readonly compliance: ComplianceReport
  /** Of the frameworks that the plan names: evidence, not certification. */
  readonly controls: readonly ControlReport[]
}

export interface SectionsRequest {
  readonly plan: Plan
  /** All runs of the plan up to the end of the window, but for those of {@link served}. */
  readonly runs: readonly LedgerRun[]
  /** Runs of schedules that passed, by the schedule's name. */
  readonly served: ReadonlyMap<string, ServedRuns>
  /** Up to the end of the window. */
  readonly exercises: readonly LedgerExercise[]
  readonly sightings: Sightings
  readonly copies: Copies
  readonly growth: GrowthBook
  readonly replicas: Replicas
  readonly replication: ReplicationBook
  /** As the drills of the window have it. */
  readonly verdicts: readonly Verdict[]
  /** The days of the window, in the time zone of the plan. */
  readonly days: readonly Day[]
  /** When the ledger first names the plan, epoch milliseconds. */
  readonly knownSinceAt: number
  readonly window: Span
}

export function reportSections(request: SectionsRequest): AuditSections {
  const { plan, runs, copies, sightings, knownSinceAt } = request
  const { to } = request.window
  const window = { from: Math.min(Math.max(request.window.from, knownSinceAt), to), to }
  const timed = timedOf(plan)
  const occurrences = occurrencesOf(plan, timed, runs, request.served, window)
  const supplyOf = suppliesOf(plan, timed)
  const schedules = reportSchedules(occurrences, request.days)
  const { replicas } = request
  const exposure = reportExposure({
    ...{ plan, copies, replicas, occurrences, supplyOf, window, knownSinceAt },
  })
  const drills = reportDrills(plan, runs, schedules, window)
  const training = reportTraining(plan, request.exercises, to)
  const sections = {
    observedFrom: toIso(window.from),
    exposure,
    recoveries: reportRecoveries({ plan, runs, sightings, copies, window: request.window }),
    drills,
    recoveryPoints: reportCopies(plan, copies, to),
    data: request.growth.report(plan),
    schedules,
    findings: reportFindings({ ...request, occurrences, exposure, drills, window }),
    ...(plan.replication.size > 0 && { replication: request.replication.report(plan) }),
    ...(training && { training }),
    compliance: reportCompliance(plan, to),
  }
  const verdicts = request.verdicts.map((verdict) => withExposure(verdict, exposure))
  return { ...sections, controls: reportControls(plan, sections, verdicts) }
}
