/** Looking at all copies of a node while some cannot be looked at. */
import { expect, test } from 'vitest'
import { limits } from '../../../engine/base/limits.ts'
import { manifestName } from '../../../engine/format/manifest.ts'
import { type CopyStatus, lookAtAll } from '../../../engine/replica/copy-status.ts'
import { smallConfig } from '../../support/collections.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { manualTimer, settle } from '../../support/manual-timer.ts'
import { ReplicaWorld, replicated } from '../../support/replica-world.ts'
import { seededRandom } from '../../support/seeded-random.ts'

test('a collection that cannot be opened says why, and the others stand as they are', async () => {
  const world = new ReplicaWorld(seededRandom(2), ['n1', 'n2'])
  await world.build('async', 'async')
  await world.of('n1').data?.create('other', smallConfig)
  await world.ends(world.node('n1').fence('other'))
  const { replication, manifest } = await world.collection('n1')
  world.crash('n1')
  const { disk } = world.of('n1')
  const file = `${replication.directory}/${manifestName(manifest.sequence)}`
  const handle = await disk.open(file, 'append')
  await handle.write(Buffer.from('{"broken":'), 0)
  await handle.close()
  await world.start('n1')
  await world.timer.pass(2_000)
  const { copies, broken } = await world.ends(world.node('n1').copies())
  expect(copies).toMatchObject([{ name: 'other', fenced: true, damage: null }])
  expect(broken).toMatchObject([
    { name: replicated, problem: { code: 'damaged', message: expect.stringContaining(file) } },
  ])
  // the standby of what is broken goes on answering, and says that it does not follow
  const [standby] = (await world.ends(world.node('n2').copies())).copies
  expect(standby).toMatchObject({ name: replicated, following: { state: 'waiting' } })
})

test('a collection that is not open yet holds nobody up', async () => {
  const clock = manualClock()
  const timer = manualTimer(clock)
  // nothing of it is looked at here
  const open = { name: 'open' } as unknown as CopyStatus
  const look = (name: string) =>
    name === 'open' ? Promise.resolve(open) : new Promise<CopyStatus>(() => {})
  const seen = lookAtAll(['open', 'slow'], look, timer)
  await settle()
  await timer.pass(limits.copyLookMs)
  const { copies, broken } = await seen
  expect(copies).toEqual([open])
  expect(broken).toMatchObject([{ name: 'slow', problem: { code: 'locked' } }])
  expect(timer.pending).toBe(0)
})
