/**
 * The section on exposure: for each collection and each loss, how much would have been lost at every instant of
 * the window. Plain JSON; instants ISO 8601.
 *
 * Exposure at *t* is *t* minus the as-of of the newest recovery point that survives the loss: a verified copy, or a
 * replica, which is told apart everywhere (`replicas.ts`) and never survives the loss of the data itself, because it
 * follows every mistake. Verdicts: *met* where verified copies and replicas of proven content keep the objective; what only
 * holds with a replica that nobody compared is *unproven*; what does not hold even so is *missed*. Losses that leave
 * the same places are one series. What is not said of a failure domain counts as shared.
 */
import type { Plan, PlanCollection } from '../plan/plan.ts'
import { type DomainKind, domainKinds, survival } from '../plan/survival.ts'
import { toIso } from '../step/observation.ts'
import { type Breach, type BreachCause, breachesOf, type Incident } from './breach.ts'
import { type Claim, type ClaimedPoint, claimsOf, type Span } from './claims.ts'
import type { Copies } from './copies.ts'
import { type ExposureNumbers, exposureNumbers } from './exposure-numbers.ts'
import { checkIncidents, runIncidents, type SupplyOf } from './incidents.ts'
import { newestClaims, type Stretch } from './newest-claim.ts'
import type { Occurrences } from './occurrences.ts'
import type { Replicas } from './replicas.ts'
import type { VerdictKind } from './verdict.ts'

/** What is lost. `data`: the collection itself, dropped or overwritten, with every place still standing. */
export type Loss = 'data' | DomainKind

export const losses: readonly Loss[] = ['data', ...domainKinds]

export interface ReportedIncident {
  readonly cause: Incident['cause']
  readonly at: string
  readonly run: string | null
  /** Line of the ledger. */
  readonly line: number | null
  readonly message: string
}

export interface ReportedBreach {
  readonly from: string
  readonly to: string
  readonly durationMs: number
  /** At its end; null where there was no verified recovery point. */
  readonly worstMs: number | null
  readonly cause: BreachCause
  readonly because: string
  readonly incidents: readonly ReportedIncident[]
  /** The verified recovery point that ended it; null while it went on at the end of the window. */
  readonly endedBy: ClaimedPoint | null
}

/**
 * A piece of the curve. Exposure rises in it in a straight line from `lowMs` at `from` to `highMs` at `to`;
 * where several were put together these are their bounds. `highMs` is null where some of it had no verified
 * recovery point, and `lowMs` where none of it had one.
 */
export interface CurvePiece {
  readonly from: string
  readonly to: string
  readonly lowMs: number | null
  readonly highMs: number | null
}

/** By verified copies alone. */
export interface CopiesAlone extends ExposureNumbers {
  readonly verdict: VerdictKind | null
  readonly inBreachMs: number
}

export interface ExposureSeries extends ExposureNumbers {
  readonly collection: string
  /** One or more that leave the same places. */
  readonly losses: readonly Loss[]
  /** Destinations that survive. */
  readonly survivors: readonly string[]
  /** Of the survivors, those to which the clock brings snapshots. */
  readonly served: readonly string[]
  /** Targets that follow the collection, by the plan, and survive. */
  readonly standbys: readonly string[]
  /** What there would be without them; null where none survives. */
  readonly copiesAlone: CopiesAlone | null
  /** Time in which the newest recovery point was a replica. */
  readonly replicaMs: number
  /** Of it, time in which the objective would not have been kept without a replica that nobody compared. */
  readonly unprovenMs: number
  /** The RPO; null without one. */
  readonly rpoMs: number | null
  /** Null without an RPO. `unproven`: nothing was ever verified there, nothing survives, or only what nobody compared. */
  readonly verdict: VerdictKind | null
  /** What is looked at: from when the ledger first names the plan, at most the window. */
  readonly from: string
  readonly to: string
  readonly inBreachMs: number
  readonly breaches: readonly ReportedBreach[]
  /** The recovery point that counts at the end. */
  readonly newest: (ClaimedPoint & { readonly asOfAt: string }) | null
  readonly curve: readonly CurvePiece[]
  /** Whether each piece of {@link curve} is one straight line. */
  readonly isCurveExact: boolean
}

/**
 * Whether the objective was kept although there was no recovery point for a time: the first one came before the RPO had
 * passed since the plan's first run.
 */
export const cameInTime = ({
  worstMs,
  verdict,
}: Pick<ExposureSeries, 'worstMs' | 'verdict'>): boolean => worstMs === null && verdict === 'met'

export interface ExposureRequest {
  readonly plan: Plan
  readonly copies: Copies
  readonly replicas: Replicas
  readonly occurrences: readonly Occurrences[]
  readonly supplyOf: SupplyOf
  /** Epoch milliseconds. */
  readonly window: Span
  /** When the ledger first names the plan, epoch milliseconds. */
  readonly knownSinceAt: number
}

/** Of the collections that compliance does not exclude, in the order of the plan. */
export function reportExposure(request: ExposureRequest): ExposureSeries[] {
  const { plan, copies, occurrences } = request
  const failures = runIncidents(occurrences)
  const at = <T extends { readonly destination: string; readonly collection: string }>(
    all: readonly T[],
  ): Map<string, T[]> => {
    const places = new Map<string, T[]>()
    for (const each of all) {
      const key = `${each.collection}\n${each.destination}`
      const known = places.get(key)
      if (known === undefined) places.set(key, [each])
      else known.push(each)
    }
    return places
  }
  const snapshots = at(copies.snapshots())
  const logs = at(copies.logs())
  return [...plan.collections.values()]
    .filter(({ name }) => !plan.compliance.exclusions.has(name))
    .flatMap((collection) => {
      const claims = new Map<string, readonly Claim[]>()
      for (const destination of plan.destinations.keys()) {
        const key = `${collection.name}\n${destination}`
        claims.set(destination, claimsOf(snapshots.get(key) ?? [], logs.get(key) ?? []))
      }
      return fatesOf(plan, collection).map(({ losses: same, survivors, standbys }) => {
        const supply = request.supplyOf(collection.name, survivors, standbys)
        const damaged = survivors.flatMap((name) =>
          checkIncidents(snapshots.get(`${collection.name}\n${name}`) ?? []),
        )
        const incidents = [
          ...damaged,
          ...[...supply.sequences].flatMap((key) => failures.get(key) ?? []),
        ].sort((a, b) => a.at - b.at)
        const standing = {
          copies: survivors.flatMap((name) => claims.get(name) ?? []),
          replicas: standbys.flatMap((name) => request.replicas.claims(collection.name, name)),
        }
        const isServed = supply.served.length + standbys.length > 0
        const findBreaches: FindBreaches = (stretches, rpoMs) =>
          breachesOf(stretches, rpoMs, incidents, {
            ...{ isServed, hasStandby: standbys.length > 0 },
            knownSinceAt: request.knownSinceAt,
          })
        return {
          ...{ collection: collection.name, losses: same, survivors, served: supply.served },
          standbys,
          ...seriesOf(standing, standbys.length > 0, request, collection, findBreaches),
        }
      })
    })
}

/** Whether the plan provides for the losses: by the clock, or by a standby. Of others nothing was promised. */
export const isPromised = ({ served, standbys }: ExposureSeries): boolean =>
  served.length + standbys.length > 0

interface Fate {
  readonly losses: Loss[]
  readonly survivors: readonly string[]
  readonly standbys: readonly string[]
}

/** Losses by the places that they leave. */
function fatesOf(
  { targets, destinations, replication }: Plan,
  { name: collection, target }: PlanCollection,
): Fate[] {
  const home = targets.get(target)?.domains ?? {}
  const following = replication.get(collection)?.to ?? []
  const fates = new Map<string, Fate>()
  for (const loss of losses) {
    const standbys = following.filter(
      (name) =>
        loss !== 'data' && survival(home, targets.get(name)?.domains ?? {}, loss) === 'survives',
    )
    const survivors = [...destinations.values()]
      .filter(({ domains }) => loss === 'data' || survival(home, domains, loss) === 'survives')
      .map(({ name }) => name)
    const key = JSON.stringify([survivors, standbys])
    const known = fates.get(key)
    if (known === undefined) fates.set(key, { losses: [loss], survivors, standbys })
    else known.losses.push(loss)
  }
  return [...fates.values()]
}

type FindBreaches = (stretches: readonly Stretch[], rpoMs: number) => Breach[]

interface StandingClaims {
  readonly copies: readonly Claim[]
  readonly replicas: readonly Claim[]
}

function seriesOf(
  { copies, replicas }: StandingClaims,
  hasStandby: boolean,
  { window }: ExposureRequest,
  { objectives }: PlanCollection,
  findBreaches: FindBreaches,
) {
  const { from, to } = window
  const { rpoMs } = objectives
  const breachesIn = (of: readonly Stretch[]) =>
    rpoMs === undefined ? [] : findBreaches(of, rpoMs)
  const stretchesOf = (claims: readonly Claim[]) => newestClaims(claims, window)
  const proven = replicas.filter(({ point }) => point.isProven === true)
  const stretches = stretchesOf([...copies, ...replicas])
  const provenOnly =
    proven.length === replicas.length ? stretches : stretchesOf([...copies, ...proven])
  const copiesOnly = replicas.length === 0 ? stretches : stretchesOf(copies)
  const breaches = breachesIn(stretches)
  const unproven = provenOnly === stretches ? breaches : breachesIn(provenOnly)
  const newest = stretches.at(-1)?.claim
  const curve = curveOf(stretches)
  return {
    rpoMs: rpoMs ?? null,
    verdict:
      rpoMs === undefined
        ? null
        : withUnproven(
            verdictOf(stretches, breaches.length),
            verdictOf(provenOnly, unproven.length),
          ),
    copiesAlone: hasStandby ? copiesAlone(copiesOnly, rpoMs, breachesIn(copiesOnly)) : null,
    replicaMs: timeIn(stretches.filter(({ claim }) => claim?.point.kind === 'replica')),
    unprovenMs: Math.max(0, timeIn(unproven) - timeIn(breaches)),
    from: toIso(from),
    to: toIso(to),
    ...exposureNumbers(stretches),
    inBreachMs: timeIn(breaches),
    breaches: breaches.map((each) => ({
      from: toIso(each.from),
      to: toIso(each.to),
      durationMs: each.to - each.from,
      worstMs: each.worstMs,
      cause: each.cause,
      because: each.because,
      incidents: each.incidents.map(reported),
      endedBy: each.endedBy ?? null,
    })),
    newest: newest === undefined ? null : { ...newest.point, asOfAt: toIso(newest.asOfAt) },
    curve,
    isCurveExact: curve.length === stretches.length,
  }
}

const timeIn = (spans: readonly Span[]): number =>
  spans.reduce((sum, { from, to }) => sum + to - from, 0)

function copiesAlone(
  stretches: readonly Stretch[],
  rpoMs: number | undefined,
  breaches: readonly Breach[],
): CopiesAlone {
  return {
    ...exposureNumbers(stretches),
    verdict: rpoMs === undefined ? null : verdictOf(stretches, breaches.length),
    inBreachMs: timeIn(breaches),
  }
}

/** Unproven is contagious: what is kept by what nobody compared is not known to be kept. */
const withUnproven = (all: VerdictKind, proven: VerdictKind): VerdictKind =>
  all === 'met' && proven !== 'met' ? 'unproven' : all

const reported = ({ cause, at, run, line, message }: Incident): ReportedIncident => ({
  ...{ cause, at: toIso(at), run: run ?? null, line: line ?? null, message },
})

function verdictOf(stretches: readonly Stretch[], breaches: number): VerdictKind {
  if (stretches.every(({ claim }) => claim === undefined)) return 'unproven'
  return breaches > 0 ? 'missed' : 'met'
}

/** More pieces than a drawing has room for. */
const mostPieces = 480

/** The stretches, or as many equal spans with their bounds: no peak is lost. */
function curveOf(stretches: readonly Stretch[]): CurvePiece[] {
  const [first] = stretches
  const last = stretches.at(-1)
  if (first === undefined || last === undefined) return []
  if (stretches.length <= mostPieces) return stretches.map((each) => pieceOf([each], each))
  const pieceMs = (last.to - first.from) / mostPieces
  let next = 0
  return Array.from({ length: mostPieces }, (_, index) => {
    const from = Math.round(first.from + index * pieceMs)
    const to = index === mostPieces - 1 ? last.to : Math.round(first.from + (index + 1) * pieceMs)
    while ((stretches[next]?.to ?? to) <= from && next < stretches.length) next++
    const own: Stretch[] = []
    for (let at = next; (stretches[at]?.from ?? to) < to; at++) {
      const each = stretches[at]
      if (each !== undefined) own.push(each)
    }
    return pieceOf(own, { from, to })
  })
}

function pieceOf(stretches: readonly Stretch[], { from, to }: Span): CurvePiece {
  let lowMs: number | null = null
  let highMs: number | null = null
  let isBounded = true
  for (const { claim, ...each } of stretches) {
    if (claim === undefined) {
      isBounded = false
      continue
    }
    const low = Math.max(each.from, from) - claim.asOfAt
    const high = Math.min(each.to, to) - claim.asOfAt
    lowMs = Math.min(lowMs ?? low, low)
    highMs = Math.max(highMs ?? high, high)
  }
  const [start, end] = [toIso(from), toIso(to)]
  return { from: start, to: end, lowMs, highMs: isBounded ? highMs : null }
}
