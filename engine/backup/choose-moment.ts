/**
 * From a moment to what restores it: the history that holds it, the newest snapshot at or before it, and
 * the archived files from there on. Decided before anything is written; what cannot be restored is an
 * error that names what can.
 */
import { fail } from '../base/errors.ts'
import { epochName } from '../format/identity.ts'
import type { Repository } from '../repository/repository.ts'
import {
  findHistories,
  type KnownFile,
  type KnownHistory,
  type KnownSnapshot,
  showUs,
} from './histories.ts'
import { type Moment, showMoment } from './moment.ts'
import { type ChosenSnapshot, findNewest } from './sources.ts'

export interface ChosenMoment extends ChosenSnapshot {
  readonly history: KnownHistory
  readonly moment: Moment
  /** In the order in which they are replayed. */
  readonly files: readonly KnownFile[]
}

export interface MomentRequest {
  readonly collection: string
  readonly moment: Moment
  /** Which history: its number, its id, or both as in a path. Default: the one that holds the moment. */
  readonly epoch?: string
}

/**
 * @throws `snapshot-not-found`; `moment-not-found` before the first snapshot and beyond the archive;
 *   `archive-gap` with both ends; `usage` when several histories hold the moment
 */
export async function chooseMoment(
  repositories: readonly Repository[],
  request: MomentRequest,
  signal?: AbortSignal,
): Promise<ChosenMoment> {
  const { collection, moment } = request
  const { histories, remarks } = await findHistories(repositories, collection, signal)
  if (histories.length === 0) await findNewest(repositories, collection, signal) // says what there is
  const { history, remark } = await chooseHistory(ofEpoch(histories, request), moment, collection)
  if (history.snapshots.length === 0) {
    fail(
      'moment-not-found',
      `${showMoment(moment)} of ${collection} lies in ${history.text}, of which there is archived log but no snapshot`,
      `Take a snapshot of it, or name another history with --epoch: ${names(histories)}.`,
    )
  }
  const base = await chooseSnapshot(history, moment, collection)
  const { files, reach, unknown } = await chooseFiles(history, base.snapshot.manifest.lsn, moment)
  // a file that nobody can read fails with its place when it is replayed
  if (!unknown) await refuseUnreached(history, base, reach, moment, collection)
  return {
    ...base,
    history,
    moment,
    files,
    remarks: remark === undefined ? remarks : [...remarks, remark],
  }
}

const names = (histories: readonly KnownHistory[]): string =>
  histories.map((each) => epochName(each.identity.epoch)).join(', ')

function ofEpoch(
  histories: readonly KnownHistory[],
  { epoch, collection }: MomentRequest,
): readonly KnownHistory[] {
  if (epoch === undefined) return histories
  const found = histories.filter(({ identity }) =>
    [epochName(identity.epoch), identity.epoch.history, String(identity.epoch.number)].includes(
      epoch,
    ),
  )
  if (found.length > 0) return found
  return fail(
    'moment-not-found',
    `there is no epoch ${epoch} of ${collection} in the sources`,
    `There are: ${names(histories)}.`,
  )
}

/** The one history that holds the moment. */
async function chooseHistory(
  histories: readonly KnownHistory[],
  moment: Moment,
  collection: string,
): Promise<{ history: KnownHistory; remark?: string }> {
  const [only] = histories
  if (only === undefined) throw new Error('there is a history')
  if (histories.length === 1) return { history: only }
  const spans = await Promise.all(
    histories.map(async (history) => ({
      history,
      ...(await history.firstUs()),
      endUs: (await history.asOfUs(history.lastLsn)) ?? 0,
      firstLsn: history.snapshots[0]?.snapshot.manifest.lsn ?? history.files[0]?.name.firstLsn ?? 0,
    })),
  )
  const newest = spans.reduce((best, each) => (each.endUs > best.endUs ? each : best))
  const told = (history: KnownHistory) => ({
    history,
    remark: `${collection} has several histories (${names(histories)}); ${showMoment(moment)} is taken from ${history.text}`,
  })
  if (moment.kind === 'latest') return told(newest.history)
  const holding = spans.filter(({ earliestUs, endUs, firstLsn, history }) =>
    moment.kind === 'lsn'
      ? firstLsn <= moment.lsn && moment.lsn <= history.lastLsn
      : earliestUs <= moment.atUs && moment.atUs <= endUs,
  )
  const { kind } = moment
  const sure = kind === 'time' ? holding.filter(({ sureUs }) => sureUs <= moment.atUs) : holding
  const [first, second] = sure.length > 0 ? sure : holding
  if (first === undefined) {
    // nobody holds it: the newest that began before it, else the very first, says what is missing
    const before = spans.filter(({ earliestUs, firstLsn }) =>
      kind === 'lsn' ? firstLsn <= moment.lsn : earliestUs <= moment.atUs,
    )
    const byStart = (a: (typeof spans)[number], b: (typeof spans)[number]) =>
      kind === 'lsn' ? a.firstLsn - b.firstLsn : a.earliestUs - b.earliestUs
    const nearest = before.sort(byStart).at(-1) ?? [...spans].sort(byStart)[0]
    return { history: nearest?.history ?? only }
  }
  if (second === undefined) return told(first.history)
  return fail(
    'usage',
    `${showMoment(moment)} of ${collection} lies in several histories: ${names([first, second].map((each) => each.history))}`,
    `Say which one with --epoch ${epochName(first.history.identity.epoch)} or --epoch ${epochName(second.history.identity.epoch)}.`,
  )
}

async function chooseSnapshot(
  history: KnownHistory,
  moment: Moment,
  collection: string,
): Promise<KnownSnapshot> {
  const { snapshots } = history
  const found = snapshots.findLast(({ snapshot: { manifest } }) => {
    if (moment.kind === 'latest') return true
    if (moment.kind === 'lsn') return manifest.lsn <= moment.lsn
    // before anything was written, what is known is only that it was empty when it was seen
    const fromUs = manifest.committedAtUs || Date.parse(manifest.asOfAt) * 1000
    return fromUs <= moment.atUs
  })
  if (found !== undefined) return found
  const first = snapshots[0]?.snapshot.manifest
  return fail(
    'moment-not-found',
    `${showMoment(moment)} lies before the first snapshot of ${collection} in ${history.text}: ${first?.id} at LSN ${first?.lsn}, committed ${showUs(first?.committedAtUs)}`,
    `The earliest moment that can be restored is --at lsn:${first?.lsn}.`,
  )
}

/** The files to replay, in order, and the last LSN that they lead to. */
export async function chooseFiles(
  history: KnownHistory,
  fromLsn: number,
  moment: Moment,
): Promise<{ files: readonly KnownFile[]; reach: number; unknown: boolean }> {
  const files: KnownFile[] = []
  let reach = fromLsn
  for (const file of history.files) {
    const { firstLsn, lastLsn } = file.name
    if (lastLsn <= reach) continue
    if (firstLsn > reach + 1) break
    if (moment.kind === 'lsn' && reach >= moment.lsn) break
    files.push(file)
    reach = lastLsn
    if (moment.kind !== 'time') continue
    // the first file that goes beyond the moment is the last one that is needed
    const trailer = await history.trailer(file)
    if (trailer === undefined) return { files, reach, unknown: true }
    if (trailer.lastCommittedAtUs > moment.atUs) break
  }
  return { files, reach, unknown: false }
}

/** Refuses a moment that the archive does not reach without a gap. */
async function refuseUnreached(
  history: KnownHistory,
  { snapshot }: KnownSnapshot,
  reach: number,
  moment: Moment,
  collection: string,
): Promise<void> {
  const endUs = await history.asOfUs(reach)
  if (moment.kind === 'lsn' && moment.lsn <= reach) return
  if (moment.kind === 'time' && moment.atUs <= (endUs ?? 0)) return
  const next = history.nextAfter(reach)
  if (next === undefined) {
    if (moment.kind === 'latest') return
    fail(
      'moment-not-found',
      `${showMoment(moment)} lies beyond what is known of ${collection} in ${history.text}: it ends at LSN ${reach}, as of ${showUs(endUs)}`,
      'Restore the newest state with --at latest, or archive again first.',
    )
  }
  fail(
    'archive-gap',
    `the archive of ${collection} in ${history.text} has a gap: from snapshot ${snapshot.manifest.id} it reaches LSN ${reach}, as of ${showUs(endUs)}, and goes on at LSN ${next}; ${showMoment(moment)} cannot be restored from it`,
    `Restore to the end before the gap with --at lsn:${reach}, to a snapshot behind it, or name another copy of the repository too.`,
    { place: { lsn: reach + 1 }, details: [{ afterLsn: reach, beforeLsn: next }] },
  )
}
