/**
 * The arithmetic of RPO, RTO and recall in a drill. Pure; every number comes from the ledger.
 *
 * - RPO: disaster minus as-of, where as-of is the last moment before the disaster at which the source
 *   was seen at exactly the position that came back. Records lost: last acknowledged LSN before the
 *   disaster minus the LSN of the recovery point.
 * - RTO: from the disaster, or when it began by the word of who started the run, or else the run's start, to
 *   the end of the last check that passed. The first start counts: while a run lay there interrupted, nothing was recovered.
 * - Where a standby took over, its promotion says what was lost, and probes show too that it answers (`takeover.ts`).
 * - Recall: that of the last check that measured it.
 */
import { isJsonObject } from '../../engine/index.ts'
import { type Observation, readInstant, toIso } from '../step/observation.ts'
import type { LedgerRun, LedgerStep } from './ledger-run.ts'
import type { Recovery } from './recovery.ts'
import type { Sightings } from './sightings.ts'
import { takeoverLoss, takeoverMoments, takeoverReasons } from './takeover.ts'
import type { Measured, Phase } from './verdict.ts'

export interface Measurement {
  /** Milliseconds for rpo and rto, 0 to 1 for recall. */
  readonly actual: number
  readonly measured: Measured
  readonly reasons: readonly string[]
  readonly evidence: readonly LedgerStep[]
}

/** A measurement, or the sentence that says why there is none. */
export type Found = Measurement | string

/**
 * By positions, and by canary points where a check counted them: the worse of the two.
 * @param sightings of the plan's whole ledger
 */
export function measureRpo(recovery: Recovery, sightings: Sightings): Found {
  const byPosition =
    recovery.takeover === undefined ? rpoByPosition(recovery, sightings) : rpoByTakeover(recovery)
  const byCanary = rpoByCanary(recovery)
  if (byCanary === undefined) return byPosition
  if (typeof byPosition === 'string') return byCanary
  return byCanary.actual > byPosition.actual ? byCanary : byPosition
}

/** What the last check found that counted canary points. */
function rpoByCanary({ disaster, checks }: Recovery): Measurement | undefined {
  if (disaster === undefined) return undefined
  for (const step of checks.toReversed()) {
    const { canary } = step.record.outputs
    if (!isJsonObject(canary)) continue
    const { lossMs, missing, asOfAt, written } = canary
    if (typeof lossMs !== 'number' || typeof missing !== 'number') continue
    return {
      actual: lossMs,
      measured: {
        disasterAt: toIso(disaster.at),
        ...(typeof asOfAt === 'string' && { asOfAt }),
        recordsLost: missing,
      },
      reasons:
        missing > 0
          ? [`${missing} of ${String(written)} acknowledged canary points did not come back`]
          : [],
      evidence: [disaster.step, step],
    }
  }
  return undefined
}

/** Counted from when writes ended for certain: the disaster, the word of who started the run, or the promotion. */
function rpoByTakeover({ disaster, takeover, run }: Recovery): Found {
  if (takeover === undefined) return 'no standby took over'
  const loss = takeoverLoss(takeover)
  if (typeof loss === 'string') return loss
  const { asOfAt, records } = loss
  const lostAt = disaster?.at ?? run.sinceAt ?? Date.parse(takeover.promote.record.startedAt)
  return {
    actual: asOfAt === undefined ? 0 : Math.max(0, lostAt - asOfAt),
    measured: {
      disasterAt: toIso(lostAt),
      ...(asOfAt !== undefined && { asOfAt: toIso(asOfAt) }),
      ...(records !== undefined && { recordsLost: records }),
    },
    reasons: [
      ...takeoverReasons(takeover),
      ...(records === undefined ? ['how much of that was written is not known'] : []),
    ],
    evidence: [...(disaster ? [disaster.step] : []), takeover.promote],
  }
}

function rpoByPosition(recovery: Recovery, sightings: Sightings): Found {
  const { disaster, restore, recoveryPoint } = recovery
  if (disaster === undefined) return 'the drill makes no disaster, so nothing could be lost'
  if (restore === undefined || recoveryPoint === undefined) return 'nothing was restored'
  const { before, at } = disaster
  if (before === undefined) return 'the last acknowledged write before the disaster is not known'
  const same = (each: Observation) =>
    each.uuid === recoveryPoint.uuid && each.history === recoveryPoint.history
  if (!same(before)) return 'what was restored is not of the history that was lost'
  const { uuid, history, lsn } = recoveryPoint
  const told = [recoveryPoint, before].filter((each) => same(each) && each.lsn === lsn)
  const moments = [
    ...told.map(({ observedAt }) => observedAt),
    ...sightings.moment(uuid, history, lsn).seenAt,
  ].filter((seenAt) => seenAt <= at)
  if (moments.length === 0) return 'the source was never seen at the recovery point'
  const asOf = Math.max(...moments)
  const recordsLost = before.lsn - recoveryPoint.lsn
  return {
    actual: at - asOf,
    measured: {
      disasterAt: toIso(at),
      asOfAt: toIso(asOf),
      recordsLost,
      lastAcknowledgedLsn: before.lsn,
      recoveryPointLsn: recoveryPoint.lsn,
    },
    reasons: recordsLost > 0 ? [`${recordsLost} acknowledged log records did not come back`] : [],
    evidence: [disaster.step, restore],
  }
}

/** From the disaster, or the start of the run, to the end of the last check (or probe, of a takeover) that passed. */
export function measureRto(recovery: Recovery): Found {
  const { run, disaster, restore, takeover } = recovery
  const shown = restore === undefined ? takeover && takeoverMoments(takeover) : restored(recovery)
  if (restore === undefined && takeover === undefined) return 'nothing was restored'
  if (shown === undefined) {
    return restore === undefined
      ? 'no check or probe showed that the standby which took over answers'
      : 'no check proved the restored collection'
  }
  const from = disaster?.at ?? run.sinceAt ?? run.startedAt
  const countedFrom = disaster ? 'disaster' : run.sinceAt === undefined ? 'run start' : 'since'
  const end = Date.parse(shown.last.record.endedAt)
  const first = [countedFrom === 'run start' ? 'run started' : 'disaster', from] as const
  const came = restore ?? takeover?.promote
  return {
    actual: end - from,
    measured: {
      countedFrom,
      phases: [first, ...shown.moments].map(([name, at]) => ({
        ...{ name, at: toIso(at), afterMs: at - from },
      })),
    },
    reasons: [
      ...(takeover ? takeoverReasons(takeover) : []),
      ...countingReasons(run, countedFrom),
      ...run.interruptions
        .filter(({ resumedAt }) => resumedAt > from && resumedAt < end)
        .map(
          ({ lastSeenAt, resumedAt }) =>
            `the run was interrupted after ${toIso(lastSeenAt)} and resumed at ${toIso(resumedAt)}; that time counts`,
        ),
    ],
    evidence: [...(disaster ? [disaster.step] : []), ...(came ? [came] : []), shown.last],
  }
}

function countingReasons(
  { sequence }: LedgerRun,
  countedFrom: NonNullable<Measured['countedFrom']>,
): string[] {
  if (countedFrom === 'disaster') return []
  if (countedFrom === 'since') {
    return ['counted from the moment that was given as the start of the disaster']
  }
  return [
    sequence.kind === 'drill'
      ? 'counted from the start of the run, which made no disaster'
      : 'counted from the start of the run: nobody said with --since when the disaster began',
  ]
}

/** The moments of a restore; undefined where no check proved it. */
function restored({ restore, checks }: Recovery): ReturnType<typeof takeoverMoments> {
  const last = checks.findLast(({ record }) => record.outcome === 'passed')
  if (restore === undefined || last === undefined) return undefined
  const instant = (step: LedgerStep, name: 'contentKnownAt' | 'servingAt') =>
    step.record.outcome === 'passed' ? readInstant(step.record.outputs[name]) : undefined
  const newest = (name: 'contentKnownAt' | 'servingAt') =>
    checks.map((check) => instant(check, name)).findLast((at) => at !== undefined)
  const moments: [Phase['name'], number | undefined][] = [
    ['restored', Date.parse(restore.record.endedAt)],
    ['verified', newest('contentKnownAt')],
    ['serving', newest('servingAt')],
    ['checked', Date.parse(last.record.endedAt)],
  ]
  return {
    moments: moments.flatMap(([name, at]) => (at === undefined ? [] : [[name, at] as const])),
    last,
  }
}

/** Of the last check that measured it, passed or not. */
export function measureRecall({ checks }: Recovery): Found {
  for (const step of checks.toReversed()) {
    const { recall, k, queries, truth } = step.record.outputs
    if (typeof recall !== 'number') continue
    if (typeof queries === 'number' && queries === 0) return 'there was no query to measure it with'
    return {
      actual: recall,
      measured: {
        ...(typeof k === 'number' && { k }),
        ...(typeof queries === 'number' && { queries }),
        ...(typeof truth === 'string' && { truth }),
      },
      reasons: [],
      evidence: [step],
    }
  }
  return 'no check measured the recall'
}
