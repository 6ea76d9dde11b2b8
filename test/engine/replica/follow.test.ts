/** A standby whose primary has no collection of that name any more, another one, or the very one again. */
import { expect, test } from 'vitest'
import { makeConfig } from '../../../engine/format/config.ts'
import { ReplicaWorld, replicated } from '../../support/replica-world.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const config = makeConfig({ dimension: 2, metric: 'l2', index: 'flat' })

async function following() {
  const world = new ReplicaWorld(seededRandom(21), ['n1', 'n2'])
  await world.build('async', 'async')
  const write = async (id: number) =>
    world.ends((await world.collection('n1')).upsert([{ id, vector: [1, 2] }]))
  await write(1)
  await world.timer.pass(2_000)
  const data = () => world.of('n1').data
  const status = async () => (await world.node('n2').status(replicated)).following
  return { world, write, data, status }
}

test('a primary without the collection is asked again: the status says what stands, and it goes on by itself', async () => {
  const { world, write, status } = await following()
  world.crash('n1')
  const kept = world.of('n1').disk.crash(1)
  await world.start('n1')
  await world.ends(world.of('n1').data?.drop(replicated))
  await world.timer.pass(10_000)
  expect(await status()).toMatchObject({ state: 'waiting' })
  const problem = (await status())?.problem ?? ''
  expect(problem).toContain('n1 at sim://n1 has no collection items now')
  expect(problem).toContain('vectra-cli cluster promote items --node n2')
  expect(world.warnings.filter((each) => each.includes('has no collection'))).toHaveLength(1)
  world.crash('n1')
  world.of('n1').disk = kept // its disk as it was: somebody put it back
  await world.start('n1')
  await write(2)
  await world.timer.pass(5_000)
  expect(await status()).toMatchObject({ state: 'following', problem: null, records: 0 })
  expect(await (await world.collection('n2')).get(2)).toBeDefined()
})

test('another collection of that name is told with what to do, and not taken; the same one is followed again', async () => {
  const { world, data, write, status } = await following()
  world.crash('n1')
  const kept = world.of('n1').disk.crash(1)
  await world.start('n1')
  await world.ends(data()?.drop(replicated))
  await world.ends(data()?.create(replicated, config))
  await world.timer.pass(10_000)
  const seen = await status()
  expect(seen?.state).toBe('diverged')
  expect(seen?.problem).toContain('items at n1 is another collection than the one at n2')
  expect(seen?.problem).toContain('vectra-cli collections drop items --endpoint sim://n2')
  expect(seen?.problem).toContain('vectra-cli cluster promote items --node n2')
  expect(world.warnings.filter((each) => each.includes('another collection'))).toHaveLength(1)
  expect(await (await world.collection('n2')).get(1)).toBeDefined()
  world.cutLink('n1', 'n2', true)
  await world.timer.pass(10_000)
  expect(await status()).toMatchObject({ state: 'waiting' })
  world.heal()
  world.crash('n1')
  world.of('n1').disk = kept
  await world.start('n1')
  await write(2)
  await world.timer.pass(5_000)
  expect(await status()).toMatchObject({ state: 'following', problem: null })
  expect(await (await world.collection('n2')).get(2)).toBeDefined()
})

test('a copy that is dropped at its own node is followed no more', async () => {
  const { world, data } = await following()
  await world.ends(world.of('n2').data?.drop(replicated))
  await world.timer.pass(5_000)
  await world.ends(data()?.drop(replicated))
  await world.timer.pass(20_000)
  expect(world.warnings.join()).not.toContain('has no collection')
})
