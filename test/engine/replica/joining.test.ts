/** Who is asked to stand by under a name that is not its own. */
import { expect, test } from 'vitest'
import { ReplicaWorld, replicated } from '../../support/replica-world.ts'
import { seededRandom } from '../../support/seeded-random.ts'

test('a node stands by under its own name only, and a primary is not asked to stand by itself', async () => {
  const world = new ReplicaWorld(seededRandom(13), ['n1', 'n2'])
  await world.build('async', 'async')
  const replicate = (name: string, url: string) =>
    world.ends(world.node('n1').replicate(replicated, { name, url }, { mode: 'sync' }))
  await expect(replicate('other', 'sim://n2')).rejects.toMatchObject({
    code: 'usage',
    message: 'the node that was named other calls itself n2',
  })
  await expect(replicate('other', 'sim://n1')).rejects.toMatchObject({
    code: 'usage',
    message: 'other is the primary itself',
  })
  expect((await world.node('n1').status(replicated)).members).toMatchObject([{ name: 'n2' }])
})

async function replicating() {
  const world = new ReplicaWorld(seededRandom(16), ['n1', 'n2'])
  await world.build('async', 'async')
  const { address } = world.of('n2')
  const replicate = () =>
    world.ends(world.node('n1').replicate(replicated, address, { mode: 'async' }))
  return { world, replicate }
}

test('a standby that follows no more is not said to follow: fenced by hand, or with records of its own', async () => {
  const { world, replicate } = await replicating()
  await world.ends(world.node('n2').fence(replicated))
  await expect(replicate()).rejects.toMatchObject({ code: 'fenced' })
  const { address } = world.of('n1')
  await world.ends(world.node('n2').rejoin(replicated, address, 'async'))
  await replicate()
  // records that the primary then lacks: it was put back to before them
  await world.ends((await world.collection('n1')).upsert([{ id: 1, vector: [1, 2] }]))
  await world.timer.pass(2_000)
  await world.ends(world.of('n1').data?.repair(replicated, 0))
  await world.ends((await world.collection('n1')).upsert([{ id: 2, vector: [3, 4] }]))
  await expect(replicate()).rejects.toMatchObject({ code: 'divergence' })
})

test('a join whose primary went is not remembered for the next one: that finds what is there then', async () => {
  const { world, replicate } = await replicating()
  await world.ends(world.of('n2').data?.drop(replicated))
  world.cutLink('n2', 'n1', false) // a base is asked for in vain, and nobody hears of it
  await expect(replicate()).rejects.toMatchObject({ code: 'unreachable' })
  await world.timer.pass(120_000)
  world.heal()
  await replicate()
  await world.timer.pass(2_000)
  expect(await world.collection('n2')).toBeDefined()
})
