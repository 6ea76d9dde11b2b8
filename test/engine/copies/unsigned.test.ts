import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { createBackup } from '../../../engine/backup/create.ts'
import { nodeDisk } from '../../../engine/base/disk.ts'
import { copySnapshots } from '../../../engine/copies/copy.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { pinnedSource, segment } from '../backup/pinned-source.ts'

it('case 54: a copy locks what it writes as the target is asked to', async () => {
  const clock = manualClock()
  const world = { disk: nodeDisk, clock }
  const from = new MemoryDestination('from')
  const to = new MemoryDestination('to', clock)
  const files = [{ path: segment(1, 'vectors'), bytes: randomBytes(500) }]
  await createBackup(pinnedSource(files), { ...world, destination: from, snapshotId: 's1' })
  const lockPolicy = { mode: 'governance', forMs: 86_400_000 } as const
  const copied = await copySnapshots({ ...world, from, to: { location: to, lockPolicy } })
  expect(copied).toMatchObject({ ok: true })
  for (const prefix of ['objects/', 'snapshots/']) {
    for await (const { key } of to.list(prefix)) {
      const untilMs = clock.nowMs() + lockPolicy.forMs
      expect(await to.objectLock?.lockOf(key)).toMatchObject({
        retention: { mode: 'governance', untilMs },
      })
    }
  }
})
