/**
 * The recovery points that the ledger knows of, by collection and destination. Pure.
 *
 * - As-of of a point is the last moment at which its source was seen at exactly its position, so a
 *   collection that is idle does not age.
 * - A snapshot is *verified* from the end of a verification that read all of it (depth objects or
 *   content), or of a copy that brought it; a verification that failed takes that back.
 * - What was removed since, by retention or by hand, is not seen: only asking the destination tells.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../engine/index.ts'
import type { LedgerEntry } from '../ledger/ledger-line.ts'
import { type Observation, observationsIn, readObservation } from '../step/observation.ts'
import type { StepRecord } from '../step/record.ts'

export interface RecoveryPoint {
  readonly collection: string
  readonly destination: string
  /** `archive`: the end of the archived log. */
  readonly kind: 'snapshot' | 'archive'
  /** Of a snapshot. */
  readonly id?: string
  readonly lsn: number
  /** Epoch milliseconds. */
  readonly asOfAt: number
  /** When it was last found whole, epoch milliseconds. */
  readonly verifiedAt?: number
}

/** A point, and of which history of its collection it is. */
export type KnownPoint = { -readonly [Key in keyof RecoveryPoint]: RecoveryPoint[Key] } & {
  readonly source: Pick<Observation, 'uuid' | 'history'>
}

/** Of one collection at one destination, the oldest forgotten first. */
const keptPoints = 100

/** Of the plan named `plan`, for each collection and destination oldest first. */
export function recoveryPoints(plan: string, entries: readonly LedgerEntry[]): RecoveryPoint[] {
  const book = new RecoveryBook()
  for (const entry of entries) {
    if (entry.plan === plan && entry.kind === 'step') book.read(entry.record)
  }
  return book.points()
}

/** The same, step by step; {@link RecoveryBook.known} is all that it remembers, and JSON. */
export class RecoveryBook {
  readonly #places = new Map<string, KnownPoint[]>()
  /** By source and LSN: those that an observation makes younger. */
  readonly #byPosition = new Map<string, Set<KnownPoint>>()

  constructor(known: readonly KnownPoint[] = []) {
    for (const point of known) this.#add({ ...point })
  }

  known(): readonly KnownPoint[] {
    return [...this.#places.values()].flat()
  }

  points(): RecoveryPoint[] {
    return this.known().map(({ source: _, ...each }) => each)
  }

  read(record: StepRecord): void {
    const { kind, outcome, outputs } = record
    if (kind === 'verify') this.#verified(outputs, Date.parse(record.endedAt))
    if (outcome !== 'passed') return
    if (kind === 'backup') this.#made(outputs, 'snapshots', 'snapshot')
    if (kind === 'archive') this.#made(outputs, 'archives', 'archive')
    if (kind === 'copy') this.#copied(record.inputs, outputs, Date.parse(record.endedAt))
    for (const seen of observationsIn(outputs)) this.#seen(seen)
  }

  #made(outputs: JsonObject, list: string, kind: RecoveryPoint['kind']): void {
    const destination = outputs['destination']
    for (const each of objectsIn(outputs[list])) {
      const { collection, snapshotId, restorable } = each
      const position = readObservation(each['position'])
      if (typeof collection !== 'string' || typeof destination !== 'string') continue
      if (position === undefined || restorable === false) continue
      const { uuid, history, lsn, observedAt } = position
      this.#add({
        ...{ collection, destination, kind, lsn, asOfAt: observedAt, source: { uuid, history } },
        ...(typeof snapshotId === 'string' && { id: snapshotId }),
      })
    }
  }

  /** The far end has the snapshot that was named, or else the newest of each collection of the near end. */
  #copied(inputs: JsonObject, outputs: JsonObject, at: number): void {
    const { from, to, snapshot, present } = outputs
    if (typeof from !== 'string' || typeof to !== 'string') return
    const wanted = inputs['collection']
    for (const points of [...this.#places.values()]) {
      const point = points.findLast(
        ({ kind, id }) => kind === 'snapshot' && (typeof snapshot !== 'string' || id === snapshot),
      )
      if (point?.destination !== from) continue
      if (typeof wanted === 'string' && point.collection !== wanted) continue
      if (this.#place(to, point.collection).some(({ id }) => id === point.id)) continue
      const { verifiedAt: _, ...rest } = point
      // what was there already was not read back now
      this.#add({ ...rest, destination: to, ...(present === 0 && { verifiedAt: at }) })
    }
  }

  #verified(outputs: JsonObject, at: number): void {
    const { destination, depth, readShare } = outputs
    if (typeof destination !== 'string') return
    const isWhole = depth !== 'manifest' && readShare === 1
    for (const { collection, snapshotId, ok } of objectsIn(outputs['verified'])) {
      if (typeof collection !== 'string') continue
      const point = this.#place(destination, collection).find(({ id }) => id === snapshotId)
      if (point === undefined) continue
      if (ok === false) delete point.verifiedAt
      else if (isWhole && ok === true) point.verifiedAt = at
    }
  }

  #seen({ observedAt, ...seen }: Observation): void {
    for (const point of this.#byPosition.get(positionKey(seen, seen.lsn)) ?? []) {
      if (observedAt > point.asOfAt) point.asOfAt = observedAt
    }
  }

  #add(point: KnownPoint): void {
    const points = this.#place(point.destination, point.collection)
    const known = points.findIndex(({ kind, id }) => kind === point.kind && id === point.id)
    const [replaced] = known < 0 ? [] : points.splice(known, 1)
    if (replaced !== undefined) this.#forget(replaced)
    points.push(point)
    if (points.length > keptPoints) {
      const oldest = points.shift()
      if (oldest !== undefined) this.#forget(oldest)
    }
    const key = positionKey(point.source, point.lsn)
    const same = this.#byPosition.get(key)
    if (same === undefined) this.#byPosition.set(key, new Set([point]))
    else same.add(point)
  }

  #forget(point: KnownPoint): void {
    const key = positionKey(point.source, point.lsn)
    const same = this.#byPosition.get(key)
    same?.delete(point)
    if (same?.size === 0) this.#byPosition.delete(key)
  }

  #place(destination: string, collection: string): KnownPoint[] {
    const key = `${destination}\n${collection}`
    const points = this.#places.get(key) ?? []
    this.#places.set(key, points)
    return points
  }
}

const positionKey = ({ uuid, history }: KnownPoint['source'], lsn: number): string =>
  `${uuid} ${history} ${lsn}`

const objectsIn = (value: JsonValue | undefined): JsonObject[] =>
  Array.isArray(value) ? value.filter(isJsonObject) : []
