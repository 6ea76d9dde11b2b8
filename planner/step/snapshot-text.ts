/** How sentences call a choice of snapshots. */
import type { RandomSnapshot, SnapshotChoice } from '../plan/step-inputs.ts'
import { formatDuration } from '../plan/units.ts'

/** All of them when nothing is chosen. */
export function snapshotText(choice: SnapshotChoice | RandomSnapshot | undefined): string {
  if (choice === undefined) return 'every snapshot'
  if (choice.kind === 'latest') return 'the newest snapshot'
  return choice.kind === 'id'
    ? `snapshot ${choice.id.text}`
    : `a random snapshot of the last ${formatDuration(choice.withinMs)}`
}
