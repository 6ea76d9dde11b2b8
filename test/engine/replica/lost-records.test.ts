/** What only an old primary has, where its log does not reach back to where the histories part. */
import { expect, test } from 'vitest'
import { exportLost } from '../../../engine/replica/lost-records.ts'
import { ReplicaWorld, replicated } from '../../support/replica-world.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const yes = { confirm: async () => true }

/** A primary whose standby was let go writes on, and seals; the standby was promoted meanwhile. */
async function apart(after: 'nothing' | 'more') {
  const world = new ReplicaWorld(seededRandom(15), ['n1', 'n2'])
  await world.build('async', 'async')
  const write = async (id: string) =>
    world.ends((await world.collection('n1')).upsert([{ id, vector: [1, 2] }]))
  await write('shared')
  await world.timer.pass(2_000)
  await world.ends(world.node('n1').forget(replicated, 'n2'))
  world.cutLink('n1', 'n2', true)
  await write('lost')
  await world.ends((await world.collection('n1')).checkpoint())
  if (after === 'more') await write('later')
  await world.ends((await world.collection('n1')).checkpoint())
  if (after === 'more') await write('last')
  await world.ends(world.node('n2').promote(replicated, yes))
  world.heal()
  const { address } = world.of('n2')
  const rejoin = () => world.ends(world.node('n1').rejoin(replicated, address, 'async'))
  return { world, rejoin }
}

test('a copy whose records are in no log any more is not replaced: it stays as it is, fenced', async () => {
  for (const after of ['nothing', 'more'] as const) {
    const { world, rejoin } = await apart(after)
    await expect(rejoin()).rejects.toMatchObject({
      code: 'possible-loss',
      message: expect.stringMatching(after === 'more' ? /LSN 2 to 3/ : /LSN 2 to 2/),
    })
    expect(await (await world.collection('n1')).get('lost')).toBeDefined()
    expect(await world.node('n1').status(replicated)).toMatchObject({
      role: 'primary',
      fenced: true,
    })
    const logs = await world.of('n1').disk.list('/d')
    expect(logs).not.toContain('lost')
  }
})

test('where it is not known how far two histories are one, what is in no log is told as missing', async () => {
  const { world } = await apart('more')
  const collection = await world.collection('n1')
  const lost = await exportLost(world.of('n1').disk, '/d/lost', collection, undefined)
  expect(lost).toMatchObject({ records: 1, firstLsn: 4, missing: { firstLsn: 1, lastLsn: 3 } })
})
