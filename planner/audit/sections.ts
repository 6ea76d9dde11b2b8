/** What a report over a window tells besides the verdicts, section by section. Pure; plain JSON. */
import type { Plan } from '../plan/plan.ts'
import { timedOf } from '../schedule/timed.ts'
import { toIso } from '../step/observation.ts'
import type { Span } from './claims.ts'
import type { Copies } from './copies.ts'
import { type ExposureSeries, reportExposure } from './exposure.ts'
import { suppliesOf } from './incidents.ts'
import type { LedgerRun } from './ledger-run.ts'
import { occurrencesOf } from './occurrences.ts'
import { reportSchedules, type SequenceReport } from './schedules.ts'

export interface AuditSections {
  /** From when on the ledger names the plan, within the window: before it nothing is known. */
  readonly observedFrom: string
  /** By collection, then by loss. */
  readonly exposure: readonly ExposureSeries[]
  /** Schedules, then drills, that the clock runs. */
  readonly schedules: readonly SequenceReport[]
}

export interface SectionsRequest {
  readonly plan: Plan
  /** All runs of the plan up to the end of the window. */
  readonly runs: readonly LedgerRun[]
  readonly copies: Copies
  /** When the ledger first names the plan, epoch milliseconds. */
  readonly knownSinceAt: number
  readonly window: Span
}

export function reportSections(request: SectionsRequest): AuditSections {
  const { plan, runs, copies, knownSinceAt } = request
  const { to } = request.window
  const window = { from: Math.min(Math.max(request.window.from, knownSinceAt), to), to }
  const timed = timedOf(plan)
  const occurrences = occurrencesOf(plan, timed, runs, window)
  const supplyOf = suppliesOf(plan, timed)
  return {
    observedFrom: toIso(window.from),
    exposure: reportExposure({ plan, copies, occurrences, supplyOf, window, knownSinceAt }),
    schedules: reportSchedules(occurrences, window, plan.timezone),
  }
}
