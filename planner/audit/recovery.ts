/**
 * One run as a recovery of one collection: the disaster, the restore or the takeover, the checks that followed.
 *
 * Only what the ledger says counts, and only steps of the run itself, not steady checks or clean-up.
 */
import { isJsonObject, type JsonObject } from '../../engine/index.ts'
import { type Observation, readInstant, readObservation } from '../step/observation.ts'
import type { LedgerRun, LedgerStep } from './ledger-run.ts'
import { type Takeover, takesOver, toTakeover } from './takeover.ts'

export interface Disaster {
  readonly step: LedgerStep
  readonly at: number
  /** The last acknowledged write, read right before. */
  readonly before?: Observation
}

export interface Recovery {
  readonly run: LedgerRun
  readonly disaster?: Disaster
  /** The last restore that passed after the disaster. */
  readonly restore?: LedgerStep
  /** Position of the source that came back. */
  readonly recoveryPoint?: Observation
  /** Where nothing was restored: the standby that took over. */
  readonly takeover?: Takeover
  /** Checks of the collection that came back, after it did, in order, passed or not. */
  readonly checks: readonly LedgerStep[]
  /** The first step of the run that did not pass, skipped ones aside. */
  readonly failure?: LedgerStep
  /** Whether the failure was one of recovering: a restore, a check, or anything after the disaster. */
  readonly failedToRecover: boolean
}

/** Whether the run restores `collection` or lets a standby take it over, or would have. */
export const recovers = (run: LedgerRun, collection: string): boolean =>
  run.steps.some(
    ({ record }) => record.kind === 'restore' && record.inputs['collection'] === collection,
  ) || takesOver(run, collection)

/** The run seen as a recovery of `collection`; what it did to others is left out. */
export function toRecovery(run: LedgerRun, collection: string): Recovery {
  const steps = run.steps.filter(({ record }) => record.stage === 'steps')
  const disasterAt = steps.findLastIndex(
    ({ record }) => passed(record) && isDisasterOf(record, collection),
  )
  const disaster = disasterOf(steps[disasterAt])
  const after = steps.slice(disasterAt + 1)
  const restoreAt = after.findLastIndex(
    ({ record }) =>
      record.kind === 'restore' && passed(record) && record.outputs['restoredFrom'] === collection,
  )
  const restore = after[restoreAt]
  const recoveryPoint = readObservation(restore?.record.outputs['recoveryPoint'])
  const takeover = restore === undefined ? toTakeover(run, after, collection) : undefined
  const checks =
    restore === undefined
      ? (takeover?.checks ?? [])
      : after.slice(restoreAt + 1).filter(({ record }) => checksPlaceOf(record, restore))
  const failure = run.steps.find(({ record }) => !passed(record) && record.outcome !== 'skipped')
  return {
    run,
    ...(disaster && { disaster }),
    ...(restore && { restore }),
    ...(recoveryPoint && { recoveryPoint }),
    ...(takeover && { takeover }),
    checks,
    ...(failure && { failure }),
    failedToRecover:
      failure !== undefined && isRecovering(failure, steps, disasterAt, takesOver(run, collection)),
  }
}

const passed = (record: LedgerStep['record']): boolean => record.outcome === 'passed'

const isDisasterOf = (record: LedgerStep['record'], collection: string): boolean =>
  record.kind === 'inject' && record.outputs['collection'] === collection

function disasterOf(step: LedgerStep | undefined): Disaster | undefined {
  const at = readInstant(step?.record.outputs['disasterAt'])
  if (step === undefined || at === undefined) return undefined
  const before = readObservation(step.record.outputs['lastAcknowledged'])
  return { step, at, ...(before && { before }) }
}

/** A failed check may have no outputs: then its inputs tell the place. */
function checksPlaceOf(record: LedgerStep['record'], { record: restore }: LedgerStep): boolean {
  if (record.kind !== 'check') return false
  const place = (of: JsonObject) => [of['target'], of['collection']].join('/')
  const looked = record.outputs['collection'] === undefined ? record.inputs : record.outputs
  return isJsonObject(looked) && place(looked) === place(restore.outputs)
}

function isRecovering(
  failure: LedgerStep,
  steps: readonly LedgerStep[],
  disasterAt: number,
  isTakeover: boolean,
): boolean {
  const { kind, stage } = failure.record
  if (stage !== 'steps') return false
  const index = steps.indexOf(failure)
  if (isTakeover && takingOver.has(kind)) return true
  return kind === 'restore' || kind === 'check' || (disasterAt >= 0 && index > disasterAt)
}

/** Without any of them no standby takes over. */
const takingOver: ReadonlySet<string> = new Set(['fence', 'promote', 'switch', 'probe'])
