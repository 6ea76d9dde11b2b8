/**
 * The copies of collections that the ledger knows of, and what was found out about each: snapshots at
 * destinations, and archived log. One look at each step. Pure.
 *
 * - Sums bring steps up to an hour after others that came later, so what steps say is kept, and told in the order of
 *   its time once all of them were read: call {@link Copies.settle} then.
 * - A snapshot stands from the end of the step that made or brought it. What retention removed stands no
 *   longer; what was removed by hand is not seen: only asking the destination tells.
 * - Archived log is a *stretch* of records without a gap, each of its files read back. A check that finds it
 *   damaged ends the stretch where it last passed, and what comes later begins another one.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../engine/index.ts'
import { readObservation } from '../step/observation.ts'
import type { StepRecord } from '../step/record.ts'
import type { Moment, Sightings } from './sightings.ts'

/** `copy`: what was brought was read back at the far end. */
export type CheckDepth = 'copy' | 'manifest' | 'objects' | 'content'

/** A line of the ledger. */
export interface LineReference {
  readonly run: string
  readonly line: number
}

/** What a verification found out about one snapshot. */
export interface CopyCheck extends LineReference {
  /** Its end, epoch milliseconds. */
  readonly at: number
  readonly ok: boolean
  readonly depth: CheckDepth
  /** Share of its bytes that were read, 0 to 1. */
  readonly readShare: number
}

export interface SnapshotCopy extends LineReference {
  readonly kind: 'snapshot'
  readonly collection: string
  readonly destination: string
  readonly id: string
  readonly moment: Moment
  /** Epoch milliseconds. */
  readonly madeAt: number
  /** Size of the state, where the backup told it. */
  readonly totalBytes?: number
  readonly count?: number
  readonly checks: CopyCheck[]
  /** Epoch milliseconds. */
  removedAt?: number
}

/** A moment that archived log leads to. */
export interface LogPosition extends LineReference {
  readonly moment: Moment
  /** When the log up to it had been read back, epoch milliseconds. */
  readonly coveredAt: number
}

/** Archived log without a gap. */
export interface LogStretch {
  readonly firstLsn: number
  lastLsn: number
  /** By LSN. */
  readonly positions: LogPosition[]
  /** The last time that all of it was read and sound, epoch milliseconds. */
  lastPassAt?: number
  /** From here on nothing is claimed from it: a later check found it damaged. */
  endsAt?: number
  /** The check that did. */
  failed?: CopyCheck
}

export interface ArchivedLog {
  readonly kind: 'archive'
  readonly collection: string
  readonly destination: string
  readonly uuid: string
  readonly history: string
  readonly stretches: LogStretch[]
  /** Archived and not read back yet, by LSN. */
  pending: { readonly moment: Moment; readonly at: number }[]
  /** The newest moment that was archived, and when. */
  newest: LineReference & { readonly moment: Moment; readonly at: number }
  /** The last check of all of it. */
  lastCheck?: CopyCheck
}

export type StoredCopy = SnapshotCopy | ArchivedLog

/** A step and where the ledger has it. */
export interface PlacedRecord extends LineReference {
  readonly record: StepRecord
}

/** Log that one run archived. */
interface Shipment extends LineReference {
  readonly collection: string
  readonly destination: string
  readonly moment: Moment
  /** What was read back. */
  readonly range: Pick<LogStretch, 'firstLsn' | 'lastLsn'> | undefined
  readonly at: number
}

export class Copies {
  readonly #sightings: Sightings
  /** By destination, collection and id. */
  readonly #snapshots = new Map<string, SnapshotCopy>()
  /** By destination, uuid and history. */
  readonly #logs = new Map<string, ArchivedLog>()
  /** The newest snapshot by destination and collection, for lines that do not name what they brought. */
  readonly #newest = new Map<string, SnapshotCopy>()

  /** What was read and not told yet: archive runs as they are, as there are so many of them. */
  #events: (Shipment | { readonly at: number; readonly tell: () => void })[] = []

  constructor(sightings: Sightings) {
    this.#sightings = sightings
  }

  /** Tells what was read in the order of its time. */
  settle(): void {
    const events = this.#events.sort((a, b) => a.at - b.at)
    this.#events = []
    for (const event of events) {
      if ('tell' in event) event.tell()
      else this.#ship(event)
    }
  }

  /** In the order in which they were made. */
  snapshots(): readonly SnapshotCopy[] {
    return [...this.#snapshots.values()]
  }

  logs(): readonly ArchivedLog[] {
    return [...this.#logs.values()]
  }

  read(placed: PlacedRecord): void {
    const { kind, outcome } = placed.record
    if (kind === 'verify') this.#verified(placed)
    if (kind === 'copy') this.#copied(placed)
    if (kind === 'prune') this.#pruned(placed)
    // a gap in one archive fails the step and does not keep the others from being shipped
    if (kind === 'archive') this.#archived(placed)
    if (kind === 'backup' && outcome === 'passed') this.#backedUp(placed)
  }

  /** @param tell holds no more of a record than it needs: all of them wait */
  #later(at: number, tell: () => void): void {
    this.#events.push({ at, tell })
  }

  #backedUp({ record, run, line }: PlacedRecord): void {
    const { destination, snapshots } = record.outputs
    const madeAt = Date.parse(record.endedAt)
    for (const each of objectsIn(snapshots)) {
      const { collection, snapshotId, count, totalBytes } = each
      const position = readObservation(each['position'])
      if (typeof collection !== 'string' || typeof snapshotId !== 'string') continue
      if (typeof destination !== 'string' || position === undefined) continue
      const copy: SnapshotCopy = {
        ...{ kind: 'snapshot', collection, destination, id: snapshotId, run, line, madeAt },
        // the source that was backed up counts, also where the plan has moved on since
        moment: this.#sightings.see(position),
        ...(typeof totalBytes === 'number' && { totalBytes }),
        ...(typeof count === 'number' && { count }),
        checks: [],
      }
      this.#later(madeAt, () => void this.#stand(copy))
    }
  }

  #copied({ record, run, line }: PlacedRecord): void {
    const { from, to } = record.outputs
    if (typeof from !== 'string' || typeof to !== 'string') return
    const at = Date.parse(record.endedAt)
    const named = namedBy(record)
    const brought =
      named === undefined ? (): Brought[] => broughtBy(record, this.#newest) : () => named
    this.#later(at, () => {
      for (const { collection, id, isBrought, readShare } of brought()) {
        const near = this.#snapshots.get(keyOf(from, collection, id))
        if (near === undefined) continue
        const known = this.#snapshots.get(keyOf(to, collection, id))
        const far =
          known ?? this.#stand({ ...near, destination: to, madeAt: at, checks: [], run, line })
        // what was there already was not read back now
        if (isBrought) far.checks.push({ at, ok: true, depth: 'copy', readShare, run, line })
      }
    })
  }

  #stand(copy: SnapshotCopy): SnapshotCopy {
    const { removedAt: _, ...standing } = copy
    this.#snapshots.set(keyOf(copy.destination, copy.collection, copy.id), standing)
    this.#newest.set(`${copy.destination}\n${copy.collection}`, standing)
    return standing
  }

  #verified({ record, run, line }: PlacedRecord): void {
    const { destination, depth, readShare, verified, log } = record.outputs
    if (typeof destination !== 'string' || !isDepth(depth)) return
    const share = typeof readShare === 'number' ? readShare : 0
    const found = { at: Date.parse(record.endedAt), depth, readShare: share, run, line }
    const startedAt = Date.parse(record.startedAt)
    const looked = objectsIn(verified)
    this.#later(found.at, () => {
      for (const { collection, snapshotId, ok } of looked) {
        if (typeof collection !== 'string' || typeof snapshotId !== 'string') continue
        const copy = this.#snapshots.get(keyOf(destination, collection, snapshotId))
        if (typeof ok === 'boolean') copy?.checks.push({ ...found, ok })
      }
      if (isJsonObject(log)) this.#logRead(destination, log, found, startedAt)
    })
  }

  /** A verification of whole collections reads their archived log as well. */
  #logRead(
    destination: string,
    { ranges, damaged }: JsonObject,
    found: Omit<CopyCheck, 'ok'>,
    startedAt: number,
  ): void {
    const bad = Array.isArray(damaged) ? damaged : []
    for (const log of this.#logs.values()) {
      if (log.destination !== destination) continue
      const check = (ok: boolean): CopyCheck => ({ ...found, ok })
      if (bad.includes(log.uuid)) {
        failLog(log, check(false))
        continue
      }
      const range = objectsIn(ranges)
        .filter(({ uuid, history }) => uuid === log.uuid && history === log.history)
        .at(-1)
      const { firstLsn, lastLsn } = range ?? {}
      if (typeof firstLsn !== 'number' || typeof lastLsn !== 'number') continue
      const lost = log.stretches
        .at(-1)
        ?.positions.some(({ moment, coveredAt }) => moment.lsn > lastLsn && coveredAt <= startedAt)
      if (lost === true) failLog(log, check(false))
      else if (found.readShare === 1 && found.depth !== 'manifest') {
        passLog(log, firstLsn + 1, lastLsn, check(true))
      }
    }
  }

  /** Archive runs are most of a ledger: nothing of their records is kept. */
  #archived({ record, run, line }: PlacedRecord): void {
    const { destination, archives } = record.outputs
    if (typeof destination !== 'string') return
    const at = Date.parse(record.endedAt)
    for (const each of objectsIn(archives)) {
      const { collection, readBack } = each
      const position = readObservation(each['position'])
      if (typeof collection !== 'string' || position === undefined) continue
      const moment = this.#sightings.see(position)
      const { firstLsn, lastLsn } = isJsonObject(readBack) ? readBack : {}
      const range =
        typeof firstLsn === 'number' && typeof lastLsn === 'number'
          ? { firstLsn, lastLsn }
          : undefined
      this.#events.push({ collection, destination, moment, range, at, run, line })
    }
  }

  #ship({ collection, destination, moment, range, at, run, line }: Shipment): void {
    const { uuid, history } = moment
    const key = keyOf(destination, uuid, history)
    const newest = { moment, at, run, line }
    const log = this.#logs.get(key) ?? {
      ...{ kind: 'archive', collection, destination, uuid, history, newest },
      ...{ stretches: [], pending: [] },
    }
    this.#logs.set(key, log)
    log.newest = newest
    const last = log.stretches.at(-1)
    const open = last?.endsAt === undefined ? last : undefined
    if (range !== undefined) {
      const { firstLsn, lastLsn } = range
      const place = { moment, coveredAt: at, run, line }
      if (open !== undefined && firstLsn <= open.lastLsn + 1) {
        open.lastLsn = Math.max(open.lastLsn, lastLsn)
        open.positions.push(place)
      } else log.stretches.push({ firstLsn, lastLsn, positions: [place] })
    } else if (open === undefined || moment.lsn > open.lastLsn) {
      if (log.pending.at(-1)?.moment !== moment) log.pending.push({ moment, at })
    }
  }

  #pruned({ record }: PlacedRecord): void {
    const { destination, forgotten } = record.outputs
    const at = Date.parse(record.endedAt)
    for (const { collection, snapshotId } of objectsIn(forgotten)) {
      if (typeof destination !== 'string') continue
      if (typeof collection !== 'string' || typeof snapshotId !== 'string') continue
      this.#later(at, () => {
        const copy = this.#snapshots.get(keyOf(destination, collection, snapshotId))
        if (copy !== undefined) copy.removedAt = at
      })
    }
  }
}

const keyOf = (...parts: readonly string[]): string => parts.join('\n')

const isDepth = (value: JsonValue | undefined): value is 'manifest' | 'objects' | 'content' =>
  value === 'manifest' || value === 'objects' || value === 'content'

function failLog(log: ArchivedLog, check: CopyCheck): void {
  log.lastCheck = check
  const open = log.stretches.at(-1)
  if (open === undefined || open.endsAt !== undefined) return
  open.endsAt = open.lastPassAt ?? Number.NEGATIVE_INFINITY
  open.failed = check
}

/** All of the log from `firstLsn` to `lastLsn` was read and is sound. */
function passLog(log: ArchivedLog, firstLsn: number, lastLsn: number, check: CopyCheck): void {
  log.lastCheck = check
  const last = log.stretches.at(-1)
  let open = last?.endsAt === undefined ? last : undefined
  if (open === undefined) {
    open = { firstLsn, lastLsn, positions: [] }
    log.stretches.push(open)
  }
  open.lastLsn = Math.max(open.lastLsn, lastLsn)
  open.lastPassAt = check.at
  const { at: coveredAt, run, line } = check
  for (const { moment } of log.pending) {
    if (moment.lsn <= lastLsn) open.positions.push({ moment, coveredAt, run, line })
  }
  log.pending = log.pending.filter(({ moment }) => moment.lsn > lastLsn)
}

interface Brought {
  readonly collection: string
  readonly id: string
  /** Copied now, and read back; else it was there. */
  readonly isBrought: boolean
  readonly readShare: number
}

/** What a copy step left at the far end, by its outputs; undefined in lines of earlier versions. */
const namedBy = ({ outputs: { snapshots } }: StepRecord): readonly Brought[] | undefined =>
  Array.isArray(snapshots)
    ? objectsIn(snapshots).flatMap(({ collection, snapshotId, readShare }) =>
        typeof collection === 'string' && typeof snapshotId === 'string'
          ? [{ collection, id: snapshotId, isBrought: true, readShare: numberOr(readShare, 0) }]
          : [],
      )
    : undefined

/** The same of lines of earlier versions, which name it by their evidence, or not at all. */
function broughtBy(
  { inputs, outputs, evidence, outcome }: StepRecord,
  newest: ReadonlyMap<string, SnapshotCopy>,
): Brought[] {
  const { from, to, snapshot, copied, present } = outputs
  if (outcome !== 'passed') return []
  const isBrought = present === 0 && copied !== 0
  const paths = evidence.flatMap(({ artefact }) => {
    const match = /^(.*):(?:.*\/)?snapshots\/([^/]+)\/([^/]+)\.json$/.exec(artefact)
    const [, place, collection = '', id = ''] = match ?? []
    return place === to ? [{ collection, id, isBrought, readShare: 1 }] : []
  })
  if (paths.length > 0) return paths
  const wanted = inputs['collection']
  return [...newest.values()].flatMap(({ destination, collection, id }) => {
    if (destination !== from || (typeof wanted === 'string' && wanted !== collection)) return []
    const named = typeof snapshot === 'string' ? snapshot : id
    return [{ collection, id: named, isBrought, readShare: 1 }]
  })
}

const numberOr = (value: JsonValue | undefined, otherwise: number): number =>
  typeof value === 'number' ? value : otherwise

const objectsIn = (value: JsonValue | undefined): JsonObject[] =>
  Array.isArray(value) ? value.filter(isJsonObject) : []
