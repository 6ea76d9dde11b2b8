/** Snapshots that somebody names are removed, unless they must stay. Pure. */
import { fail } from '../base/errors.ts'
import type { Candidate, Decision } from './keep-rules.ts'

/**
 * @throws `usage` without a collection; `snapshot-not-found`; `snapshot-kept` for one that is pinned, and
 *   when no good snapshot of a collection would be left
 */
export function removeNamed<T extends Candidate>(
  snapshots: readonly T[],
  collection: string | undefined,
  ids: readonly string[],
): readonly Decision<T>[] {
  if (collection === undefined) {
    fail('usage', 'snapshots are named without their collection', 'Add --collection NAME.')
  }
  const named = ids.map((id) => {
    const found = snapshots.find((each) => each.collection === collection && each.snapshotId === id)
    if (found !== undefined) return found
    return fail(
      'snapshot-not-found',
      `there is no readable snapshot ${id} of ${collection}, so nothing was removed`,
      'Check the names with "backup list".',
    )
  })
  for (const { snapshotId, pinned } of named) {
    if (pinned === undefined) continue
    fail(
      'snapshot-kept',
      `snapshot ${snapshotId} of ${collection} is pinned (${pinned}), so nothing was removed`,
      'Unpin it first with "backup unpin".',
    )
  }
  for (const { uuid, snapshotId, isBad } of named) {
    const left = snapshots.some(
      (each) => each.uuid === uuid && !each.isBad && !named.includes(each),
    )
    if (isBad || left) continue
    fail(
      'snapshot-kept',
      `snapshot ${snapshotId} is the last good one of ${collection}, so nothing was removed`,
      'Take another backup first. To give the collection up altogether, remove the repository.',
    )
  }
  return snapshots.map((snapshot) => {
    const keep = !named.includes(snapshot)
    return { snapshot, keep, reasons: [keep ? 'not named' : 'named'] }
  })
}
