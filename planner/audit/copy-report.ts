/** The section on recovery points: the newest copies of each collection at each destination. Plain JSON. */
import type { FailureDomains, Plan } from '../plan/plan.ts'
import { toIso } from '../step/observation.ts'
import { verifiedSpans } from './claims.ts'
import type { ArchivedLog, Copies, CopyCheck, SnapshotCopy } from './copies.ts'
import { lastSeen, type Moment } from './sightings.ts'

export interface CheckReport {
  readonly at: string
  readonly ok: boolean
  /** `copy`: read back when it was brought. */
  readonly depth: CopyCheck['depth']
  /** Share of its bytes that were read, 0 to 1. */
  readonly readShare: number
  readonly run: string
  readonly line: number
}

export interface CopyReport {
  readonly collection: string
  readonly destination: string
  /** Where it is, as far as the plan says; empty for a destination that the plan no longer has. */
  readonly domains: FailureDomains
  readonly kind: 'snapshot' | 'archive'
  /** Of a snapshot. */
  readonly id: string | null
  readonly lsn: number
  readonly madeAt: string
  /** When the source was last seen at it; null when it never was. */
  readonly asOfAt: string | null
  /** At the end of the window. */
  readonly ageMs: number | null
  /** Line of the ledger that left it there. */
  readonly line: number
  /** The last verification that looked at it. */
  readonly lastCheck: CheckReport | null
  /** Since when it counts as verified; null when it does not. */
  readonly verifiedSince: string | null
  /** Copies of this kind that stand there by the ledger, verified or not. */
  readonly standing: number
}

/** @param at end of the window, epoch milliseconds */
export function reportCopies(plan: Plan, copies: Copies, at: number): CopyReport[] {
  const places = new Map<string, SnapshotCopy[]>()
  for (const each of copies.snapshots()) {
    if (each.removedAt !== undefined || !plan.collections.has(each.collection)) continue
    const key = `${each.collection}\n${each.destination}`
    const known = places.get(key)
    if (known === undefined) places.set(key, [each])
    else known.push(each)
  }
  const logs = new Map<string, ArchivedLog>()
  for (const each of copies.logs()) {
    const key = `${each.collection}\n${each.destination}`
    const known = logs.get(key)
    if (known === undefined || known.newest.at <= each.newest.at) logs.set(key, each)
  }
  const domainsOf = (name: string) => plan.destinations.get(name)?.domains ?? {}
  const names = new Set([...plan.destinations.keys(), ...copies.snapshots().map(placeOf)])
  return [...plan.collections.keys()].flatMap((collection) => {
    return [...names].flatMap((destination): CopyReport[] => {
      const key = `${collection}\n${destination}`
      const base = { collection, destination, domains: domainsOf(destination) }
      const log = logs.get(key)
      return [
        ...newestSnapshot(places.get(key) ?? [], at).map((each) => ({ ...base, ...each })),
        ...(log === undefined ? [] : [{ ...base, ...newestLog(log, at) }]),
      ]
    })
  })
}

const placeOf = ({ destination }: SnapshotCopy): string => destination

type Told = Omit<CopyReport, 'collection' | 'destination' | 'domains'>

function newestSnapshot(all: readonly SnapshotCopy[], at: number): Told[] {
  const asOf = (each: SnapshotCopy) => lastSeen(each.moment.seenAt, at) ?? each.madeAt
  const [first, ...rest] = all
  if (first === undefined) return []
  const newest = rest.reduce((best, each) => (asOf(each) >= asOf(best) ? each : best), first)
  const span = verifiedSpans(newest).at(-1)
  return [
    {
      ...{ kind: 'snapshot', id: newest.id, line: newest.line, standing: all.length },
      ...ageOf(newest.moment, newest.madeAt, at),
      lastCheck: checkReport(newest.checks.at(-1)),
      verifiedSince: span !== undefined && span.to > at ? toIso(span.from) : null,
    },
  ]
}

function newestLog({ newest, stretches, lastCheck }: ArchivedLog, at: number): Told {
  const last = stretches.at(-1)
  const position = last?.positions.at(-1)
  const isWhole = last !== undefined && last.endsAt === undefined
  const isCovered = isWhole && last.lastLsn >= newest.moment.lsn
  return {
    ...{ kind: 'archive', id: null, line: newest.line, standing: 1 },
    ...ageOf(newest.moment, newest.at, at),
    lastCheck: checkReport(lastCheck),
    verifiedSince: isCovered && position !== undefined ? toIso(position.coveredAt) : null,
  }
}

function ageOf({ lsn, seenAt }: Moment, madeAt: number, at: number) {
  const asOf = lastSeen(seenAt, at)
  return {
    lsn,
    madeAt: toIso(madeAt),
    asOfAt: asOf === undefined ? null : toIso(asOf),
    ageMs: asOf === undefined ? null : at - asOf,
  }
}

const checkReport = (check: CopyCheck | undefined): CheckReport | null =>
  check === undefined ? null : { ...check, at: toIso(check.at) }
