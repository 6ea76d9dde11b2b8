/** Restores over collections that have copies on other nodes. */
import { expect, test } from 'vitest'
import { createBackup } from '../../../engine/backup/create.ts'
import { restoreSnapshot } from '../../../engine/backup/restore.ts'
import { replicaFileName } from '../../../engine/collection/replica-file.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { threadless } from '../../support/collections.ts'
import { ReplicaWorld, replicated } from '../../support/replica-world.ts'
import { seededRandom } from '../../support/seeded-random.ts'

async function backedUp() {
  const world = new ReplicaWorld(seededRandom(14), ['n1', 'n2'])
  await world.build('sync', 'block')
  await world.ends((await world.collection('n1')).upsert([{ id: 1, vector: [1, 2] }]))
  const source = { location: new MemoryDestination() }
  const { clock } = world
  const backup = { destination: source, snapshotId: 's1', disk: world.of('n1').disk, clock }
  await createBackup(await world.collection('n1'), backup)
  const restore = (name: string) => {
    const { data, disk } = world.of(name)
    if (data === undefined) throw new Error(`${name} is down`)
    const options = { collection: replicated, source, replace: true, disk, clock }
    return world.ends(restoreSnapshot(threadless(data), options))
  }
  return { world, restore }
}

test('a standby is not restored over: nothing is written, and it goes on following', async () => {
  const { world, restore } = await backedUp()
  await expect(restore('n2')).rejects.toMatchObject({ code: 'not-primary' })
  await world.ends((await world.collection('n1')).upsert([{ id: 2, vector: [1, 2] }]))
  expect(await (await world.collection('n2')).get(2)).toBeDefined()
})

test('who restores over a primary is told that nobody follows it any more, and a standby joins again', async () => {
  const { world, restore } = await backedUp()
  await world.ends((await world.collection('n1')).upsert([{ id: 2, vector: [1, 2] }]))
  const { remarks } = await restore('n1')
  expect(remarks.join()).toContain('was followed by n2 (sync), and is by nobody now')
  await world.timer.pass(5_000)
  const { address } = world.of('n1')
  const rejoined = await world.ends(world.node('n2').rejoin(replicated, address, 'sync'))
  expect(rejoined).toMatchObject({ how: 'seeded', lost: { records: 2 } })
  await world.ends((await world.collection('n1')).upsert([{ id: 3, vector: [1, 2] }]))
  const standby = await world.collection('n2')
  expect([await standby.get(2), (await standby.get(3))?.id]).toEqual([undefined, 3])
})

test('a collection that does not know any more what it is to others is restored over', async () => {
  const { world, restore } = await backedUp()
  const { directory } = (await world.collection('n1')).replication
  const { disk } = world.of('n1')
  const file = await disk.open(`${directory}/${replicaFileName}`, 'append')
  await file.write(Buffer.from('x'), 20)
  await file.close()
  expect((await restore('n1')).remarks.join()).toContain('cannot be read')
})

/** A standby that dropped its copy and restored a backup of it: a history apart, under the same uuid. */
async function restoredApart(names: readonly string[]) {
  const world = new ReplicaWorld(seededRandom(15), names)
  await world.build('async', 'async')
  const write = async (name: string, id: number) =>
    world.ends((await world.collection(name)).upsert([{ id, vector: [1, 2] }]))
  await write('n1', 1)
  const { disk, data } = world.of('n2')
  const source = { location: new MemoryDestination() }
  const { clock } = world
  const backup = { destination: source, snapshotId: 's1', disk: world.of('n1').disk, clock }
  await createBackup(await world.collection('n1'), backup)
  await write('n1', 2)
  await world.timer.pass(2_000)
  if (data === undefined) throw new Error('n2 is down')
  await world.ends(data.drop(replicated))
  const options = { collection: replicated, source, disk, clock }
  await world.ends(restoreSnapshot(threadless(data), options))
  expect((await world.node('n2').status(replicated)).epoch.number).toBe(2)
  await world.timer.pass(10_000) // nobody was heard of: the primary asks around before it writes
  return { world, write }
}

test('a node that drops its copy and restores a backup of it fences nobody: the primary writes on', async () => {
  const { world, write } = await restoredApart(['n1', 'n2'])
  await write('n1', 3)
  expect(await world.node('n1').status(replicated)).toMatchObject({ fenced: false, lsn: 3 })
  await write('n2', 4)
  const { address } = world.of('n1')
  await expect(
    world.ends(world.node('n2').rejoin(replicated, address, 'async')),
  ).rejects.toMatchObject({
    code: 'divergence',
    hint: expect.stringContaining('vectra-cli collections drop items --endpoint sim://n2'),
  })
})

test('a standby is promoted although another node restored a backup apart, and that node is not fenced by it', async () => {
  const { world, write } = await restoredApart(['n1', 'n2', 'n3'])
  world.crash('n1')
  await world.ends(world.node('n3').promote(replicated, { confirm: async () => true }))
  await write('n3', 3)
  await write('n2', 4)
  expect(await world.node('n2').status(replicated)).toMatchObject({ fenced: false })
})

test('an older primary that comes back is fenced by a restore in place of the newer one', async () => {
  const { world, restore } = await backedUp()
  world.cutLink('n1', 'n2', true)
  await world.ends(world.node('n2').promote(replicated, { confirm: async () => true }))
  await restore('n2')
  expect((await world.node('n2').status(replicated)).epoch.number).toBe(2)
  await world.timer.pass(10_000)
  world.heal()
  const write = (await world.collection('n1')).upsert([{ id: 9, vector: [1, 2] }])
  await expect(world.ends(write)).rejects.toMatchObject({ code: 'fenced' })
})

test('a primary that another node took over from is not restored over', async () => {
  const { world, restore } = await backedUp()
  world.cutLink('n1', 'n2', true)
  await world.ends(world.node('n2').promote(replicated, { confirm: async () => true }))
  await world.timer.pass(10_000)
  world.heal()
  await world
    .ends((await world.collection('n1')).upsert([{ id: 9, vector: [1, 2] }]))
    .catch(() => {})
  await expect(restore('n1')).rejects.toMatchObject({ code: 'fenced' })
})
