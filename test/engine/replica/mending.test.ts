/** Nodes that mend what is damaged from each other, by themselves. */
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { filesOf } from '../../../engine/format/manifest.ts'
import type { MemoryDisk } from '../../support/memory-disk.ts'
import { ReplicaWorld, replicated } from '../../support/replica-world.ts'
import { seededRandom } from '../../support/seeded-random.ts'

/** A primary and a standby that began with the same sealed segment. */
async function twoNodes() {
  const world = new ReplicaWorld(seededRandom(16), ['n1', 'n2'])
  await world.build('async', 'async')
  const primary = await world.collection('n1')
  const points = Array.from({ length: 40 }, (_, id) => ({ id, vector: [id, 1] }))
  await world.ends(primary.upsert(points))
  await primary.checkpoint()
  await world.of('n2').data?.drop(replicated)
  const to = world.of('n2').address
  await world.ends(world.node('n1').replicate(replicated, to, { mode: 'async' }))
  await world.timer.pass(2_000)
  return world
}

async function damage(world: ReplicaWorld, name: string): Promise<string> {
  const { replication, manifest } = await world.collection(name)
  const entry = filesOf(manifest).find((each) => each.path.endsWith('.vectors'))
  const file = path.join(replication.directory, entry?.path ?? '')
  const { disk }: { disk: MemoryDisk } = world.of(name)
  const bytes = await disk.readFile(file, 2 ** 20)
  bytes.writeUInt8(bytes.readUInt8(200) ^ 1, 200)
  const handle = await disk.open(file, 'append')
  await handle.write(bytes, 0)
  await handle.sync()
  await handle.close()
  return file
}

/** Lets time pass until `text` was told. */
async function told(world: ReplicaWorld, text: string): Promise<void> {
  for (let waited = 0; !world.warnings.join('\n').includes(text); waited++) {
    expect(waited, world.warnings.join('\n')).toBeLessThan(1_000)
    await world.timer.pass(50)
  }
}

for (const [name, other] of [
  ['n1', 'n2'],
  ['n2', 'n1'],
] as const) {
  const what = name === 'n1' ? 'a primary from its standby' : 'a standby from its primary'
  test(`case 16: damage that is met on ${what} is fetched by hash, proven, and writes go on`, async () => {
    const world = await twoNodes()
    const { digest } = await world.collection(name)
    await damage(world, name)
    await expect((await world.collection(name)).proveDigest()).rejects.toThrow()
    await told(world, `${replicated} is mended and proven: segments/00000001.vectors from ${other}`)
    expect(world.warnings.join('\n')).toContain(`${name}: ${replicated} is read-only: point`)
    expect(await (await world.collection(name)).proveDigest()).toBe(digest)
    await world.ends((await world.collection('n1')).upsert([{ id: 99, vector: [9, 9] }]))
    await world.timer.pass(3_000)
    const copies = await Promise.all(['n1', 'n2'].map((each) => world.collection(each)))
    expect(copies[0]?.digest).toBe(copies[1]?.digest)
    expect(copies[1]?.count).toBe(41)
  })
}

test('case 16: a standby whose segments nobody has takes a new base of its primary', async () => {
  const world = await twoNodes()
  const primary = await world.collection('n1')
  await world.ends(primary.upsert([{ id: 50, vector: [5, 5] }]))
  await world.ends(primary.delete([3]))
  await primary.compact() // the primary has other files now
  await world.timer.pass(2_000)
  await damage(world, 'n2')
  await expect((await world.collection('n2')).proveDigest()).rejects.toThrow()
  await told(world, 'is mended and proven')
  await world.timer.pass(2_000)
  const copy = await world.collection('n2')
  expect(await copy.proveDigest()).toBe(primary.digest)
  expect(copy.replication.isStandby).toBe(true)
})

test('case 16: a primary that nobody can help stays read-only, and says why', async () => {
  const world = await twoNodes()
  await damage(world, 'n1')
  world.cutLink('n1', 'n2', true)
  await expect((await world.collection('n1')).proveDigest()).rejects.toThrow()
  await told(world, 'nobody has the piece')
  expect(world.warnings.join('\n')).toContain(`n1: ${replicated} is not mended`)
  await expect((await world.collection('n1')).proveDigest()).rejects.toThrow()
  await expect(
    (await world.collection('n1')).upsert([{ id: 99, vector: [9, 9] }]),
  ).rejects.toMatchObject({ message: expect.stringContaining('is read-only') })
})

test('a standby that is mended by another name of it stops following meanwhile, and has one follower afterwards', async () => {
  const world = await twoNodes()
  await world.of('n2').data?.aliases.set('live', replicated)
  const before = world.warnings.length
  await world.ends(world.node('n2').mend('live'))
  await world.ends((await world.collection('n1')).upsert([{ id: 60, vector: [6, 6] }]))
  await world.timer.pass(3_000)
  expect(await (await world.collection('n2')).get(60)).toBeDefined()
  expect(world.warnings.slice(before)).toEqual([])
})
