/**
 * Which snapshot of a repository a standby may begin with: one of the very collection, in a history that leads
 * to the primary's state, and near enough that the primary's log, or archived log before it, goes on from it.
 * Pure: what is known of both sides is handed in.
 */
import type { KnownHistory, KnownSnapshot } from '../backup/histories.ts'
import { isSameEpoch } from '../collection/replica-file.ts'
import { epochName } from '../format/identity.ts'
import type { CopyState } from './copy-state.ts'

/** A snapshot, and up to where archived log is replayed behind it; its own LSN: none is. */
export interface BaseCandidate extends KnownSnapshot {
  readonly history: KnownHistory
  readonly toLsn: number
}

export interface BaseChoice {
  /** Newest state first. */
  readonly candidates: readonly BaseCandidate[]
  /** Snapshots that belong to the history, and that nothing goes on from without a gap. */
  readonly short: readonly string[]
  /** Snapshots of something else. */
  readonly foreign: readonly string[]
}

/** What is known of the primary: its copy, and the LSN after which its log, in its epoch, is there. */
export interface PrimaryLog {
  readonly state: CopyState
  readonly afterLsn: number
  /** Further names of the collection there. */
  readonly aliases: readonly string[]
}

/** Sorts the snapshots that some repositories have, or the one called `snapshotId`. */
export function chooseBase(
  histories: readonly KnownHistory[],
  primary: PrimaryLog,
  snapshotId?: string,
): BaseChoice {
  const candidates: BaseCandidate[] = []
  const short: string[] = []
  const foreign: string[] = []
  for (const history of histories) {
    for (const known of history.snapshots.toReversed()) {
      const { id } = known.snapshot.manifest
      if (snapshotId !== undefined && id !== snapshotId) continue
      const judged = judge(known, history, primary)
      if (judged.kind === 'fits') candidates.push({ ...known, history, toLsn: judged.toLsn })
      else (judged.kind === 'short' ? short : foreign).push(`${id} ${judged.why}`)
    }
  }
  candidates.sort(
    ({ snapshot: { manifest: a } }, { snapshot: { manifest: b } }) =>
      b.epoch.number - a.epoch.number || b.lsn - a.lsn,
  )
  return { candidates, short, foreign }
}

type Judged =
  | { readonly kind: 'fits'; readonly toLsn: number }
  | { readonly kind: 'short' | 'foreign'; readonly why: string }

function judge({ snapshot }: KnownSnapshot, history: KnownHistory, primary: PrimaryLog): Judged {
  const { state, afterLsn } = primary
  const { collection, epoch, lsn } = snapshot.manifest
  if (collection.uuid !== state.uuid) {
    return { kind: 'foreign', why: `is of another collection, ${collection.uuid}` }
  }
  const reach = history.reach(lsn)
  if (isSameEpoch(epoch, state.epoch)) {
    if (lsn > state.lsn) {
      return {
        kind: 'foreign',
        why: `has LSN ${lsn}, and the primary ends at LSN ${state.lsn}: their histories differ`,
      }
    }
    if (lsn >= afterLsn) return { kind: 'fits', toLsn: lsn }
    const toLsn = Math.min(reach, state.lsn)
    return toLsn >= afterLsn ? { kind: 'fits', toLsn } : tooShort(toLsn, afterLsn)
  }
  const ancestor = state.lineage.find((each) => isSameEpoch(each.epoch, epoch))
  if (ancestor === undefined) {
    return {
      kind: 'foreign',
      why: `is of epoch ${epochName(epoch)}, which the primary does not come from`,
    }
  }
  if (lsn > ancestor.lsn) {
    return {
      kind: 'foreign',
      why: `has LSN ${lsn}, and of its epoch the primary has no more than LSN ${ancestor.lsn}: what came after was left behind by a promotion`,
    }
  }
  if (ancestor !== state.lineage.at(-1)) {
    return { kind: 'short', why: 'is more than one promotion old' }
  }
  if (reach < ancestor.lsn) return tooShort(reach, ancestor.lsn)
  // the log of the primary's epoch begins right behind it, or its beginning was removed
  return afterLsn <= ancestor.lsn
    ? { kind: 'fits', toLsn: ancestor.lsn }
    : tooShort(ancestor.lsn, afterLsn)
}

const tooShort = (reach: number, afterLsn: number): Judged => ({
  kind: 'short',
  why: `reaches LSN ${reach} with the archived log that follows it, and the primary's log begins after LSN ${afterLsn}`,
})
