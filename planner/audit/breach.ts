/** When exposure was beyond the objective, and why. Pure. */
import { showMinutes } from '../step/quantity.ts'
import type { ClaimedPoint, Span } from './claims.ts'
import type { Stretch } from './newest-claim.ts'

/**
 * `missed run`: a run that was due did not begin. `failed run`: it began, and did not pass. `failed
 * verification`: a copy was found damaged, or its verification failed. `no survivor`: the plan brings no copy
 * to a place that survives the loss. `lag`: all of it ran; copies or their verification came too late.
 */
export type BreachCause =
  | 'missed run'
  | 'failed run'
  | 'failed verification'
  | 'no survivor'
  | 'lag'

/** Something that kept a recovery point from being made or from counting. */
export interface Incident {
  readonly cause: 'missed run' | 'failed run' | 'failed verification'
  /** From when on it counted: of a failed verification, the last that passed. Epoch milliseconds. */
  readonly at: number
  /** A run that was due and did not begin has none. */
  readonly run?: string
  readonly line?: number
  readonly message: string
}

/** An interval in which exposure was beyond the objective; epoch milliseconds. */
export interface Breach extends Span {
  /** At its end; null where there was no verified recovery point. */
  readonly worstMs: number | null
  readonly cause: BreachCause
  /** In words. */
  readonly because: string
  /** What stands behind the cause, oldest first. */
  readonly incidents: readonly Incident[]
  /** The recovery point that ended it; absent while it goes on. */
  readonly endedBy?: ClaimedPoint
}

/** What the plan does about a loss. */
export interface Provision {
  /** It brings copies to a place that survives, or lets a standby there follow. */
  readonly isServed: boolean
  readonly hasStandby: boolean
  /** When the plan first ran, epoch milliseconds. */
  readonly knownSinceAt: number
}

/**
 * Where there is no recovery point, exposure has no bound. The objective is broken by that, or by a point that was old
 * already, once it has had its time since the plan first ran.
 * @param stretches without a gap
 * @param incidents by time, of sequences that bring copies to places that survive
 */
export function breachesOf(
  stretches: readonly Stretch[],
  rpoMs: number,
  incidents: readonly Incident[],
  provision: Provision,
): Breach[] {
  const { knownSinceAt } = provision
  const spans: { from: number; to: number; asOfAt: number | undefined; worstMs: number | null }[] =
    []
  for (const { from, to, claim } of stretches) {
    const begins = Math.max(from, Math.max(claim?.asOfAt ?? 0, knownSinceAt) + rpoMs)
    if (begins >= to) continue
    const worst = claim === undefined ? null : to - claim.asOfAt
    const last = spans.at(-1)
    if (last === undefined || last.to !== begins) {
      spans.push({ from: begins, to, asOfAt: claim?.asOfAt, worstMs: worst })
      continue
    }
    last.to = to
    last.worstMs = last.worstMs === null || worst === null ? null : Math.max(last.worstMs, worst)
  }
  const begun = new Map(stretches.map((each) => [each.from, each.claim?.point]))
  return spans.map((span) => {
    const endedBy = begun.get(span.to)
    return {
      ...{ from: span.from, to: span.to, worstMs: span.worstMs },
      ...causeOf(span, incidents, provision),
      ...(endedBy && { endedBy }),
    }
  })
}

/** Incidents told of one breach; a long one has more of them than anybody reads. */
const incidentsTold = 20

function causeOf(
  { from, to, asOfAt = Number.NEGATIVE_INFINITY }: Span & { readonly asOfAt: number | undefined },
  incidents: readonly Incident[],
  { isServed, hasStandby }: Provision,
): Pick<Breach, 'cause' | 'because' | 'incidents'> {
  if (!isServed) {
    const because = 'by the clock the plan brings no copy to a place that survives this loss'
    return { cause: 'no survivor', because, incidents: [] }
  }
  const within = between(incidents, asOfAt, to)
  const [first] = within
  if (first === undefined || first.at > from) {
    const later = first === undefined ? '' : `; later on: ${first.message}`
    const because =
      asOfAt === Number.NEGATIVE_INFINITY
        ? `no copy had been verified${hasStandby ? ' and no standby looked at' : ''} yet${later}`
        : `nothing failed in the ${showMinutes(from - asOfAt)} since the last recovery point: ${hasStandby ? 'looks at standbys, copies' : 'copies'} or their verification come too seldom${later}`
    return { cause: 'lag', because, incidents: within.slice(0, incidentsTold) }
  }
  const more = within.length === 1 ? '' : `, and ${within.length - 1} more until it ended`
  return {
    cause: first.cause,
    because: `${first.message}${more}`,
    incidents: within.slice(0, incidentsTold),
  }
}

/** Those after `from` and before `to`. @param incidents by time */
function between(incidents: readonly Incident[], from: number, to: number): Incident[] {
  let low = 0
  let high = incidents.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((incidents[middle]?.at ?? 0) <= from) low = middle + 1
    else high = middle
  }
  const found: Incident[] = []
  for (let at = low; (incidents[at]?.at ?? to) < to; at++) {
    const each = incidents[at]
    if (each !== undefined) found.push(each)
  }
  return found
}
