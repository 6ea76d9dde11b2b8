/** The collection of a snapshot that was named by its id alone. */
import type { RepositoryLocation } from '../backup/sources.ts'
import { fail } from '../base/errors.ts'
import type { Context } from './context.ts'

/**
 * The one collection that has a snapshot of this id.
 * @throws `snapshot-not-found`; `usage` when several have one
 */
export async function ownerOf(
  context: Context,
  source: RepositoryLocation,
  snapshotId: string,
): Promise<string> {
  const { listSnapshots } = await import('../backup/list.ts')
  const { disk, signal } = context.io
  const { repository, snapshots, unreadable } = await listSnapshots({ source, disk, signal })
  const owners = [...snapshots, ...unreadable]
    .filter((each) => each.snapshotId === snapshotId)
    .map((each) => each.collection)
  const [owner] = owners
  if (owner === undefined) {
    const hint = `See them with: vectra-cli collections backup list --source ${repository.url}.`
    return fail(
      'snapshot-not-found',
      `there is no snapshot ${snapshotId} in ${repository.url}`,
      hint,
    )
  }
  if (owners.length > 1) {
    const problem = `several collections have a snapshot ${snapshotId}: ${owners.join(', ')}`
    return fail('usage', problem, 'Say which one with --collection.')
  }
  return owner
}
