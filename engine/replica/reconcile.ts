/**
 * Reconciling: what an old primary acknowledged and the new history does not have, held against the collection as
 * it is now, and replayed where that takes nothing away from anybody.
 *
 * Only what the lost history would say last of an id counts. A point that is absent now is written again. One that
 * is there with another content, and a delete of one that is there, are conflicts: the new history may have
 * written it since; they are listed, and done only when somebody says so.
 */
import { canonicalJson, isJsonObject, type JsonObject } from '../base/canonical-json.ts'
import { Sha256 } from '../base/checksum.ts'
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Point, PointId, PointInput } from '../format/point.ts'
import { lostRecordsFormat } from './lost-records.ts'

/** A collection, wherever it is. */
export interface ReconcileTarget {
  readonly uuid: string
  get(id: PointId): Promise<Point | undefined>
  upsert(points: readonly PointInput[]): Promise<unknown>
  delete(ids: readonly PointId[]): Promise<unknown>
}

/** Plain data. */
export interface Reconciliation {
  readonly collection: string
  readonly records: number
  readonly firstLsn: number
  readonly lastLsn: number
  /** Ids that the lost records wrote or deleted. */
  readonly ids: number
  /** Those that are now as the lost history left them. */
  readonly same: number
  /** Those that were written and are not there. */
  readonly absent: readonly PointId[]
  /** Those that are there with another content. */
  readonly different: readonly PointId[]
  /** Those that were deleted and are there. */
  readonly undeleted: readonly PointId[]
  readonly written: number
  readonly deleted: number
  /** LSNs that the old primary had removed from its log before it exported. */
  readonly missing: { readonly firstLsn: number; readonly lastLsn: number } | null
}

export interface ReconcileOptions {
  /** Write what is absent. */
  readonly replay: boolean
  /** And do what conflicts, too. */
  readonly overwrite: boolean
}

interface LostFile {
  readonly header: JsonObject
  readonly records: number
  /** The last word on each id. */
  readonly last: ReadonlyMap<PointId, PointInput | undefined>
}

/**
 * @param bytes the file, whole
 * @throws `damaged` when it is not what was written, `divergence` for another collection's
 */
export async function reconcile(
  target: ReconcileTarget,
  bytes: Buffer,
  place: string,
  { replay, overwrite }: ReconcileOptions,
): Promise<Reconciliation> {
  const { header, records, last } = readLost(bytes, place)
  if (header['uuid'] !== target.uuid) {
    fail(
      'divergence',
      `${place} has records of another collection`,
      'Name the collection that it was written for.',
    )
  }
  const absent: PointInput[] = []
  const different: PointInput[] = []
  const undeleted: PointId[] = []
  let same = 0
  for (const [id, wanted] of last) {
    const now = await target.get(id)
    if (wanted === undefined) {
      if (now === undefined) same++
      else undeleted.push(id)
    } else if (now === undefined) absent.push(wanted)
    else if (isSame(now, wanted)) same++
    else different.push(wanted)
  }
  const writes = replay ? [...absent, ...(overwrite ? different : [])] : []
  for (let at = 0; at < writes.length; at += limits.batchPoints) {
    await target.upsert(writes.slice(at, at + limits.batchPoints))
  }
  const deletes = replay && overwrite ? undeleted : []
  if (deletes.length > 0) await target.delete(deletes)
  const missing = header['missing']
  return {
    collection: String(header['collection']),
    records,
    firstLsn: Number(header['firstLsn']),
    lastLsn: Number(header['lastLsn']),
    ids: last.size,
    same,
    absent: absent.map(idOf),
    different: different.map(idOf),
    undeleted,
    written: writes.length,
    deleted: deletes.length,
    missing: isJsonObject(missing)
      ? { firstLsn: Number(missing['firstLsn']), lastLsn: Number(missing['lastLsn']) }
      : null,
  }
}

// what the file holds was accepted as a point before it was logged
const idOf = ({ id }: PointInput): PointId => id as PointId

const isSame = (now: Point, { vector, metadata }: PointInput): boolean =>
  canonicalJson({ v: Array.from(now.vector), m: now.metadata }) ===
  canonicalJson({ v: vector, m: metadata ?? {} })

function readLost(bytes: Buffer, place: string): LostFile {
  const damaged = (reason: string): never =>
    fail(
      'damaged',
      `${place} is damaged: ${reason}`,
      'Export the records again, or take the file from a copy.',
      {
        place: { file: place },
      },
    )
  const end = bytes.lastIndexOf('\n', bytes.length - 2) + 1
  const hash = new Sha256()
  hash.update(bytes.subarray(0, end))
  const seal = parse(bytes.toString('utf8', end))
  if (!isJsonObject(seal) || seal['sha256'] !== hash.hex())
    return damaged('its SHA-256 does not match')
  const lines = bytes.toString('utf8', 0, end).trimEnd().split('\n').map(parse)
  const [header, ...records] = lines
  if (!isJsonObject(header) || header['format'] !== lostRecordsFormat)
    return damaged('it holds no lost records')
  if (header['version'] !== 1) {
    fail(
      'newer-format',
      `${place} has version ${String(header['version'])}; this build reads 1`,
      'Upgrade Vectra DR.',
    )
  }
  const last = new Map<PointId, PointInput | undefined>()
  for (const record of records) {
    if (!isJsonObject(record)) return damaged('a line is no record')
    const { points, ids } = record
    if (Array.isArray(points))
      for (const each of points) note(isJsonObject(each) ? each : damaged('a point'))
    else if (Array.isArray(ids))
      for (const id of ids) last.set(id as PointId, undefined) // as it was logged
    else return damaged('a line is no record')
  }
  return { header, records: records.length, last }

  function note(point: JsonObject): void {
    const { id, vector, metadata } = point
    last.set(id as PointId, { id, vector, metadata }) // as it was logged
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
