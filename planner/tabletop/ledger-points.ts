/** Recovery points that the ledger proves, and the stretch of it that a simulation may draw disasters from. */
import { type Claim, claimsOf } from '../audit/claims.ts'
import { Copies } from '../audit/copies.ts'
import { Sightings } from '../audit/sightings.ts'
import type { LedgerEntry } from '../ledger/ledger-line.ts'
import type { Plan } from '../plan/plan.ts'
import type { Points, Window } from './loss.ts'
import { weekMs } from './staff.ts'

const dayMs = 86_400_000

export interface LedgerPoints {
  /** Its last week at most; absent while it covers less than a day, in which people have no hours yet. */
  readonly window?: Window
  /** Of its last line of the plan, epoch milliseconds; −∞ when there is none. */
  readonly endsAt: number
  claims(collection: string, destination: string): readonly Claim[]
}

/** @param entries of the whole ledger; those of other plans are passed over */
export function ledgerPoints(plan: Plan, entries: readonly LedgerEntry[]): LedgerPoints {
  const sightings = new Sightings(plan)
  const copies = new Copies(sightings)
  let endsAt = Number.NEGATIVE_INFINITY
  for (const entry of entries) {
    // what was only played is no moment at which copies were known
    if (entry.plan !== plan.name || entry.kind === 'exercise') continue
    endsAt = Math.max(endsAt, Date.parse(entry.at))
    if (entry.kind !== 'step') continue
    const { run, line, record } = entry
    // those of archive runs are seen by the copies that they make
    if (record.kind !== 'archive') sightings.read(record.outputs)
    copies.read({ run, line, record })
  }
  sightings.settle()
  copies.settle()
  const snapshots = copies.snapshots()
  const logs = copies.logs()
  const claims = (collection: string, destination: string): readonly Claim[] => {
    const isHere = (each: { readonly collection: string; readonly destination: string }) =>
      each.collection === collection && each.destination === destination
    return claimsOf(snapshots.filter(isHere), logs.filter(isHere))
  }
  const all = [...plan.collections.keys()].flatMap((collection) =>
    [...plan.destinations.keys()].flatMap((destination) => claims(collection, destination)),
  )
  const first = all.reduce((least, each) => Math.min(least, each.from), Number.POSITIVE_INFINITY)
  const isLong = endsAt - first >= dayMs && first < Number.POSITIVE_INFINITY
  return {
    ...(isLong && { window: { from: Math.max(first, endsAt - weekMs), to: endsAt } }),
    ...{ endsAt, claims },
  }
}

/**
 * Where nobody copies by the clock: the newest verified point that stood at the end of the ledger. The week of the
 * disaster is the one after that end, in which nobody makes another one, and it grows older.
 */
export function pointsByHand(claims: readonly Claim[], endsAt: number, { from }: Window): Points {
  const standing = claims.filter((each) => each.from <= endsAt && each.to > endsAt)
  const newestAt = Math.max(Number.NEGATIVE_INFINITY, ...standing.map(({ asOfAt }) => asOfAt))
  return () => from - (endsAt - newestAt)
}
