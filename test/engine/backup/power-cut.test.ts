import { expect, test } from 'vitest'
import { createBackup } from '../../../engine/backup/create.ts'
import { listSnapshots } from '../../../engine/backup/list.ts'
import { verifyRepository } from '../../../engine/backup/verify.ts'
import { isOperatingError } from '../../../engine/base/errors.ts'
import { killAtEveryCall } from '../../support/faulty-disk.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { pinnedSource, segment } from './pinned-source.ts'

const clock = manualClock()
const random = seededRandom(10)
const files = ['vectors', 'points', 'graph'].map((part) => ({
  path: segment(1, part),
  bytes: random.bytes(700),
}))
const golden = { sample: 0 }

test('case 2, case 10: a power cut at any call of a backup leaves no listed snapshot with a hole', async () => {
  let survivors = 0
  let whole = 0
  const points = await killAtEveryCall({
    prepare: async () => new MemoryDisk(),
    work: (disk) =>
      createBackup(pinnedSource(files), {
        disk,
        clock,
        destination: '/repository',
        snapshotId: 's',
        golden,
      }),
    check: async ({ disk, survived, lost }) => {
      for (let seed = 0; seed < 10; seed++) {
        const survivor = disk.crash(1000 * survived + seed)
        survivors++
        const world = { disk: survivor, clock, source: '/repository' }
        const listed = await listSnapshots(world).catch((error: unknown) => {
          if (isOperatingError(error, 'repository-not-found')) return undefined
          throw error
        })
        if (listed !== undefined && listed.snapshots.length > 0) {
          const { damage } = await verifyRepository(world)
          expect(damage, `seed ${seed}, before ${lost.call} ${lost.path}`).toEqual([])
          whole++
        }
        const again = { ...world, destination: '/repository', snapshotId: 's', golden }
        await createBackup(pinnedSource(files), again)
        expect((await verifyRepository(world)).damage).toEqual([])
      }
    },
  })
  expect(whole).toBeGreaterThan(0)
  console.log(
    `case 10: killed at ${points} calls, ${survivors} power cuts, ${whole} with the snapshot whole`,
  )
})
