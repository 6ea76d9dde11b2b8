/** Joining again, also where it is refused or was not needed: the copy follows afterwards, or is told what keeps it. */
import { expect, test } from 'vitest'
import { ReplicaWorld, replicated } from '../../support/replica-world.ts'
import { seededRandom } from '../../support/seeded-random.ts'

async function clustered(...names: string[]) {
  const world = new ReplicaWorld(seededRandom(11), names)
  await world.build('async', 'async')
  const write = async (name: string, id: string) =>
    world.ends((await world.collection(name)).upsert([{ id, vector: [1, 2] }]))
  const rejoin = (name: string, primary: string) =>
    world.ends(world.node(name).rejoin(replicated, world.of(primary).address, 'async'))
  return { world, write, rejoin }
}

test('a standby that is told to join a node that is no primary says so, and goes on following', async () => {
  const { world, write, rejoin } = await clustered('n1', 'n2', 'n3')
  await expect(rejoin('n3', 'n2')).rejects.toMatchObject({ code: 'not-primary' })
  await write('n1', 'later')
  await world.timer.pass(5_000)
  expect(await (await world.collection('n3')).get('later')).toBeDefined()
})

test('a standby that was fenced by hand takes records again once it joins again', async () => {
  const { world, write, rejoin } = await clustered('n1', 'n2')
  await world.ends(world.node('n2').fence(replicated))
  await write('n1', 'meanwhile')
  await world.timer.pass(3_000)
  expect(await world.node('n2').status(replicated)).toMatchObject({ fenced: true, lsn: 0 })
  await rejoin('n2', 'n1')
  await write('n1', 'later')
  await world.timer.pass(5_000)
  expect(await world.node('n2').status(replicated)).toMatchObject({ fenced: false, lsn: 2 })
})
