/** Promotions where one of the others has no copy any more: it cannot hold the service up. */
import { expect, test } from 'vitest'
import { makeConfig } from '../../../engine/format/config.ts'
import { FaultyDisk, mutatingCalls } from '../../support/faulty-disk.ts'
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

test('a promotion that a full disk cut off is done again in the same process, wherever that was', async () => {
  let cut = 0
  for (let at = 1; ; at += 4) {
    const world = new ReplicaWorld(seededRandom(at), ['n1', 'n2'])
    await world.build('async', 'async')
    await world.ends((await world.collection('n1')).upsert([{ id: 1, vector: [1, 2] }]))
    await world.timer.pass(2_000)
    world.crash('n1')
    world.crash('n2')
    const disk = new FaultyDisk(world.of('n2').disk)
    await world.start('n2', disk)
    const promote = () => world.ends(world.node('n2').promote(replicated, yes))
    // a failed fsync ends the process, as in case 12
    disk.arm({ at, errno: 'ENOSPC', calls: mutatingCalls.filter((each) => !/sync/i.test(each)) })
    const first = await promote().catch((error: unknown) => error)
    if (disk.hits === 0) break
    cut++
    expect(first, `call ${at}`).toMatchObject({ code: 'disk-full' })
    // after the commit it is the primary: only what follows that was cut off
    const second = await promote().catch((error: unknown) => error)
    expect(second, `call ${at}`).toMatchObject(
      second instanceof Error ? { message: 'n2 is the primary of items already' } : { lsn: 1 },
    )
    await world.ends((await world.collection('n2')).upsert([{ id: 2, vector: [1, 2] }]))
  }
  expect(cut).toBeGreaterThan(8)
})

test('a primary that was promised an epoch that its node gave up writes again', async () => {
  const { world } = await threeNodes()
  const { address: node } = world.of('n2')
  const primary = await world.collection('n1')
  // as it stays when the word that the promotion failed is lost
  await primary.replication.promise({ number: 2, history: 'ab'.repeat(8), node }, 'n1')
  const write = (id: number) => world.ends(primary.upsert([{ id, vector: [1, 2] }]))
  await expect(write(2)).rejects.toMatchObject({ code: 'fenced' })
  await world.timer.pass(1_000)
  await write(3)
})

test('a primary that a person fenced says so, and is promoted again with nothing lost', async () => {
  const { world } = await threeNodes()
  await world.ends(world.node('n1').fence(replicated))
  const primary = await world.collection('n1')
  const write = () => world.ends(primary.upsert([{ id: 2, vector: [1, 2] }]))
  await expect(write()).rejects.toMatchObject({
    code: 'fenced',
    message: 'items was fenced here: nothing is written in it until a copy is promoted',
    hint: expect.not.stringContaining('sim://n1'),
  })
  const promotion = await world.ends(world.node('n1').promote(replicated, yes))
  expect(promotion).toMatchObject({ window: { records: 0 }, lostRecords: 0 })
  await write()
})
