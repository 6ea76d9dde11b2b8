/** Promotions where one of the others has no copy any more: it cannot hold the service up. */
import { expect, test } from 'vitest'
import { makeConfig } from '../../../engine/format/config.ts'
import { ReplicaWorld, replicated } from '../../support/replica-world.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const yes = { confirm: async () => true }
const config = makeConfig({ dimension: 3, metric: 'l2', index: 'flat' })

async function threeNodes() {
  const world = new ReplicaWorld(seededRandom(12))
  await world.build('async', 'async')
  await world.ends((await world.collection('n1')).upsert([{ id: 1, vector: [1, 2] }]))
  await world.timer.pass(2_000)
  const drop = async (name: string) => world.ends(world.of(name).data?.drop(replicated))
  return { world, drop }
}

test('a standby takes over although another one dropped its copy', async () => {
  const { world, drop } = await threeNodes()
  await drop('n3')
  world.crash('n1')
  const promotion = await world.ends(world.node('n2').promote(replicated, yes))
  expect(promotion).toMatchObject({ lsn: 1, members: [], notAsked: ['n1', 'n3'] })
})

test('a standby takes over from a primary that dropped the collection, and from one that made another of its name', async () => {
  for (const another of [false, true]) {
    const { world, drop } = await threeNodes()
    await drop('n1')
    if (another) await world.of('n1').data?.create(replicated, config)
    const refused = world.ends(world.node('n2').promote(replicated, { ...yes, planned: true }))
    await expect(refused).rejects.toMatchObject({ code: 'unreachable' })
    const promotion = await world.ends(world.node('n2').promote(replicated, yes))
    expect(promotion).toMatchObject({
      window: { records: null, unreachable: ['n1'] },
      members: [{ name: 'n3' }],
    })
    expect(await (await world.collection('n2')).get(1)).toBeDefined()
  }
})
