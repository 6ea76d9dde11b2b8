/**
 * Standbys as recovery points: between two instants a replica stood on a target, and this was its as-of. Pure.
 *
 * - A look (`wait: { lag }`) at *t* that measured a lag of *L* gives the as-of *t* − *L*, and it ages with the clock until the next
 *   one: an old measurement improves nothing. A look that failed measured nothing; one that found the standby diverged takes
 *   back all since the look before, and its proof. As-of is the standby's own word.
 * - A replica's content is *proven* from the first look after a seeding that a step `replicate` made: a base counts only once
 *   the digest of its stored bytes was the one that the primary stated, and what follows is chained to it, as
 *   archived log is to a verified snapshot. Another collection in its place (uuid) is not proven by that.
 * - Seeding replaces what the standby held; it stands again from the next look on.
 * - A promotion: the promoted copy has everything at its end, and ages from there until somebody looks at one that follows it.
 *   Who wrote before has everything up to the start of one that lost nothing; after any other nothing is known of it.
 * - A standby that is lost, stopped or damaged is not seen until somebody looks; nor is a copy removed by hand.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../engine/index.ts'
import type { Plan } from '../plan/plan.ts'
import { readInstant } from '../step/observation.ts'
import type { Claim } from './claims.ts'
import type { LineReference, PlacedRecord } from './copies.ts'

const forever = Number.POSITIVE_INFINITY

/** A change of what is known of one copy. */
type Event = LineReference & {
  /** When it counts from, epoch milliseconds. */
  readonly at: number
  readonly collection: string
  readonly target: string
} & (
    | {
        readonly kind: 'look'
        readonly asOfAt: number
        readonly lsn: number
        readonly uuid: string | undefined
      }
    | { readonly kind: 'seeded' }
    | { readonly kind: 'diverged' }
    | {
        readonly kind: 'promoted'
        readonly startedAt: number
        readonly lsn: number
        /** It is known that nothing was lost. */
        readonly isWhole: boolean
      }
  )

/** What is known of one copy right now. */
interface Standing {
  readonly claims: Claim[]
  open: Omit<Claim, 'to'> | undefined
  uuid: string | undefined
  proof: 'none' | 'at the next look' | 'proven'
}

export class Replicas {
  readonly #plan: Plan
  readonly #events: Event[] = []
  #claims: ReadonlyMap<string, readonly Claim[]> | undefined

  constructor(plan: Plan) {
    this.#plan = plan
  }

  read(placed: PlacedRecord): void {
    const { kind, outcome } = placed.record
    if (kind === 'wait' && outcome === 'failed') this.#broken(placed)
    if (outcome !== 'passed') return
    if (kind === 'wait') this.#looked(placed)
    if (kind === 'replicate') this.#joined(placed)
    if (kind === 'promote') this.#promoted(placed)
  }

  /** Of one collection on one target, by time. Nothing may be read after it. */
  claims(collection: string, target: string): readonly Claim[] {
    this.#claims ??= claimsOf(this.#plan, this.#events)
    return this.#claims.get(keyOf(collection, target)) ?? []
  }

  #looked({ record, run, line }: PlacedRecord): void {
    const { collection } = record.inputs
    const { lag, lookedAt } = record.outputs
    if (typeof collection !== 'string' || !isJsonObject(lag)) return
    const at = Date.parse(record.endedAt)
    // lines of earlier versions do not say when they looked
    const askedAt = readInstant(lookedAt) ?? at
    for (const [target, { seconds, lsn, uuid }] of objectsIn(lag)) {
      if (typeof seconds !== 'number' || typeof lsn !== 'number') continue
      const asOfAt = askedAt - seconds * 1_000
      const text = typeof uuid === 'string' ? uuid : undefined
      this.#events.push({
        kind: 'look',
        at,
        collection,
        target,
        asOfAt,
        lsn,
        uuid: text,
        run,
        line,
      })
    }
  }

  #broken({ record, run, line }: PlacedRecord): void {
    const { collection } = record.inputs
    const { diverged } = record.outputs
    if (typeof collection !== 'string' || !isJsonObject(diverged)) return
    const at = Date.parse(record.endedAt)
    for (const target of Object.keys(diverged)) {
      this.#events.push({ kind: 'diverged', at, collection, target, run, line })
    }
  }

  #joined({ record, run, line }: PlacedRecord): void {
    const { to, collections } = record.outputs
    if (typeof to !== 'string' || !isJsonObject(collections)) return
    const at = Date.parse(record.endedAt)
    for (const [collection, { how }] of objectsIn(collections)) {
      if (how === 'seeded')
        this.#events.push({ kind: 'seeded', at, collection, target: to, run, line })
    }
  }

  #promoted({ record, run, line }: PlacedRecord): void {
    const { target, collections } = record.outputs
    if (typeof target !== 'string' || !isJsonObject(collections)) return
    const [startedAt, at] = [Date.parse(record.startedAt), Date.parse(record.endedAt)]
    for (const [collection, { already, lsn, lostRecords, window }] of objectsIn(collections)) {
      if (already === true || typeof lsn !== 'number') continue
      const isWhole = lostRecords === 0 || (isJsonObject(window) && window['records'] === 0)
      const where = { collection, target, run, line }
      this.#events.push({ kind: 'promoted', at, startedAt, lsn, isWhole, ...where })
    }
  }
}

const keyOf = (collection: string, target: string): string => `${collection}\n${target}`

const objectsIn = (value: JsonObject): [string, JsonObject][] =>
  Object.entries(value).filter((each): each is [string, JsonObject & JsonValue] =>
    isJsonObject(each[1]),
  )

/** By collection and target. */
function claimsOf(plan: Plan, events: readonly Event[]): ReadonlyMap<string, readonly Claim[]> {
  const copies = new Map<string, Standing>()
  const writers = new Map<string, string | undefined>()
  const copyOf = (collection: string, target: string): Standing => {
    const key = keyOf(collection, target)
    const known = copies.get(key)
    if (known !== undefined) return known
    const made: Standing = { claims: [], open: undefined, uuid: undefined, proof: 'none' }
    copies.set(key, made)
    return made
  }
  for (const event of [...events].sort((a, b) => a.at - b.at)) {
    const { collection, target, at } = event
    const copy = copyOf(collection, target)
    if (event.kind === 'seeded') {
      close(copy, at)
      copy.proof = 'at the next look'
      copy.uuid = undefined
    } else if (event.kind === 'diverged') {
      // nobody knows when it broke
      copy.open = undefined
      copy.proof = 'none'
    } else if (event.kind === 'look') {
      const { uuid } = event
      if (copy.proof === 'at the next look') copy.proof = 'proven'
      if (uuid !== undefined && copy.uuid !== undefined && uuid !== copy.uuid) copy.proof = 'none'
      copy.uuid = uuid ?? copy.uuid
      stand(copy, target, event, event.asOfAt)
      const writer = writers.get(collection)
      // what follows it saw it then, with everything
      if (writer !== undefined && writer !== target) {
        stand(copyOf(collection, writer), writer, event, event.asOfAt)
      }
    } else {
      const before = writers.get(collection) ?? plan.replication.get(collection)?.from
      writers.set(collection, target)
      stand(copy, target, event, at)
      if (before === undefined || before === target) continue
      const other = copyOf(collection, before)
      if (event.isWhole) stand(other, before, event, event.startedAt)
      else close(other, at)
    }
  }
  for (const copy of copies.values()) close(copy, forever)
  return new Map([...copies].map(([key, { claims }]) => [key, claims]))
}

function close(copy: Standing, to: number): void {
  if (copy.open !== undefined && copy.open.from < to) copy.claims.push({ ...copy.open, to })
  copy.open = undefined
}

function stand(
  copy: Standing,
  destination: string,
  { at, run, line, lsn }: { at: number; lsn: number } & LineReference,
  asOfAt: number,
): void {
  close(copy, at)
  const isProven = copy.proof === 'proven'
  const point = { destination, kind: 'replica', isProven, lsn, run, line } as const
  copy.open = { from: at, asOfAt: Math.min(asOfAt, at), point }
}
