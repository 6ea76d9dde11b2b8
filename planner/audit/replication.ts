/**
 * The section on standbys: how far they were behind whenever a step looked, and what promotions lost. Plain JSON.
 *
 * A lag is the standby's own word: the time since the last moment at which it had everything. Between two looks
 * nothing is known. What it is worth as a recovery point, and until when, the section on exposure tells.
 */
import { isJsonObject, type JsonObject } from '../../engine/index.ts'
import type { Plan } from '../plan/plan.ts'
import { toIso } from '../step/observation.ts'
import type { Span } from './claims.ts'
import type { LineReference, PlacedRecord } from './copies.ts'

/** One look at a standby. */
export interface LagReading extends LineReference {
  readonly at: string
  readonly seconds: number
  /** Records of the primary that it lacked. */
  readonly records: number | null
}

export interface StandbyLag {
  readonly target: string
  readonly looks: number
  readonly newest: LagReading
  readonly worst: LagReading
}

/** A look at which the standbys were not close enough in time, or none answered. */
export interface FailedLook extends LineReference {
  readonly at: string
  readonly error: string
}

export interface PromotionReport extends LineReference {
  readonly at: string
  readonly target: string
  readonly epoch: number | null
  /** Acknowledged records that were lost; null: the old primary did not answer. */
  readonly lostRecords: number | null
  /** What was said before it could be: writes of so many seconds; null: it was not known, or everything was there. */
  readonly windowSeconds: number | null
}

export interface ReplicationReport {
  readonly collection: string
  readonly from: string
  readonly to: readonly string[]
  readonly mode: 'async' | 'sync'
  readonly maxLagMs: number | null
  /** Those that were looked at in the window, by name. */
  readonly standbys: readonly StandbyLag[]
  readonly failed: readonly FailedLook[]
  readonly promotions: readonly PromotionReport[]
  /** Whether no look of the window saw more than `maxLag`, and none failed; null: nobody looked, or no bound. */
  readonly isWithin: boolean | null
}

interface Seen {
  readonly standbys: Map<string, StandbyLag>
  readonly failed: FailedLook[]
  readonly promotions: PromotionReport[]
}

/** Reads steps one by one. */
export class ReplicationBook {
  readonly #window: Span
  readonly #collections = new Map<string, Seen>()

  constructor(window: Span) {
    this.#window = window
  }

  read(placed: PlacedRecord): void {
    const { kind, endedAt } = placed.record
    if (kind !== 'wait' && kind !== 'promote') return
    const endedMs = Date.parse(endedAt)
    if (endedMs < this.#window.from || endedMs > this.#window.to) return
    const at = toIso(endedMs)
    if (kind === 'wait') this.#looked(placed, at)
    else this.#promoted(placed, at)
  }

  /** By collection, as the plan names them; empty when it replicates none. */
  report({ replication }: Plan): readonly ReplicationReport[] {
    return [...replication.values()].map(({ collection, from, to, mode, maxLagMs = null }) => {
      const { standbys, failed, promotions } = this.#seen(collection)
      const all = [...standbys.values()].sort((a, b) => (a.target < b.target ? -1 : 1))
      const isClose = all.every(({ worst }) => worst.seconds * 1_000 <= (maxLagMs ?? 0))
      const isKnown = maxLagMs !== null && (all.length > 0 || failed.length > 0)
      return {
        ...{ collection, from, to, mode, maxLagMs, standbys: all, failed, promotions },
        isWithin: isKnown ? isClose && failed.length === 0 : null,
      }
    })
  }

  #looked({ record, run, line }: PlacedRecord, at: string): void {
    const { collection } = record.inputs
    if (record.inputs['kind'] !== 'lag' || typeof collection !== 'string') return
    const { standbys, failed } = this.#seen(collection)
    const { lag } = record.outputs
    if (!isJsonObject(lag)) {
      if (record.outcome === 'passed' || record.outcome === 'skipped') return
      failed.push({ at, error: record.error?.message ?? record.outcome, run, line })
      return
    }
    for (const [target, each] of Object.entries(lag)) {
      if (!isJsonObject(each)) continue
      const { seconds, records } = each
      if (typeof seconds !== 'number') continue
      const newest = {
        ...{ at, seconds, run, line },
        records: typeof records === 'number' ? records : null,
      }
      const before = standbys.get(target)
      const worst = before !== undefined && before.worst.seconds >= seconds ? before.worst : newest
      standbys.set(target, { target, looks: (before?.looks ?? 0) + 1, newest, worst })
    }
  }

  #promoted({ record, run, line }: PlacedRecord, at: string): void {
    const { target, collections } = record.outputs
    if (record.outcome !== 'passed' || typeof target !== 'string' || !isJsonObject(collections)) {
      return
    }
    for (const [collection, each] of Object.entries(collections)) {
      if (!isJsonObject(each) || each['already'] === true) continue
      const { epoch, lostRecords, window } = each
      const known: JsonObject = isJsonObject(window) ? window : {}
      const isWhole = known['records'] === 0
      this.#seen(collection).promotions.push({
        ...{ at, target, run, line },
        epoch: typeof epoch === 'number' ? epoch : null,
        lostRecords: typeof lostRecords === 'number' ? lostRecords : null,
        windowSeconds: typeof known['seconds'] === 'number' && !isWhole ? known['seconds'] : null,
      })
    }
  }

  #seen(collection: string): Seen {
    const seen = this.#collections.get(collection)
    if (seen !== undefined) return seen
    const made: Seen = { standbys: new Map(), failed: [], promotions: [] }
    this.#collections.set(collection, made)
    return made
  }
}
