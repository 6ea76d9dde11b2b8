/** Standbys that begin with a snapshot of a repository: which ones they may, and what a death leaves. */
import { expect, test } from 'vitest'
import { archiveOnce } from '../../../engine/backup/archive.ts'
import { createBackup } from '../../../engine/backup/create.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { makeConfig } from '../../../engine/format/config.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { ReplicaWorld, replicated } from '../../support/replica-world.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const config = makeConfig({ dimension: 2, metric: 'l2', index: 'flat' })
const base = { source: { location: 'backups' } }

/** Objects are hashed in real threads, which virtual time does not wait for. */
const untilDone = Number.POSITIVE_INFINITY

/** A primary and nodes without a copy, and a repository that all of them reach. */
class Beginning {
  readonly world = new ReplicaWorld(seededRandom(66), ['n1', 'n2', 'n3'])
  readonly backups = new MemoryDestination('backups')
  #written = 0

  async begin(): Promise<this> {
    const { world } = this
    world.repositories.set('backups', this.backups)
    for (const { address } of world.nodes) await world.start(address.name)
    await world.of('n1').data?.create(replicated, config)
    return this
  }

  async write(count: number, name = 'n1'): Promise<void> {
    const collection = await this.world.collection(name)
    for (let each = 0; each < count; each++) {
      const id = this.#written++
      await this.world.ends(collection.upsert([{ id, vector: [id, 1] }]))
    }
  }

  async backup(snapshotId: string, name = 'n1', destination = this.backups): Promise<void> {
    const { clock } = this.world
    const { disk } = this.world.of(name)
    const golden = { sample: 1 }
    const source = await this.world.collection(name)
    await createBackup(source, { destination, snapshotId, disk, clock, golden })
    clock.advance(1_000)
  }

  async archive(name = 'n1'): Promise<void> {
    const { clock } = this.world
    const { disk } = this.world.of(name)
    await archiveOnce(await this.world.collection(name), { destination: this.backups, disk, clock })
  }

  /** Log that nobody wants any more goes. */
  async removeLog(): Promise<void> {
    await (await this.world.collection('n1')).checkpoint()
    await this.write(1)
    await (await this.world.collection('n1')).checkpoint()
  }

  replicate(snapshotId?: string, node = 'n2') {
    const { world } = this
    const to = world.of(node).address
    const wanted = snapshotId === undefined ? base : { ...base, snapshotId }
    const join = world.node('n1').replicate(replicated, to, { mode: 'async', base: wanted })
    return world.ends(join, untilDone)
  }

  async expectEqual(name = 'n2', primary = 'n1'): Promise<void> {
    await this.world.timer.pass(3_000)
    const [one, other] = [await this.world.collection(primary), await this.world.collection(name)]
    expect([other.lsn, other.digest, other.epoch]).toEqual([one.lsn, one.digest, one.epoch])
    expect(other.replication.isStandby).toBe(true)
    expect(await other.proveDigest()).toBe(one.digest)
  }
}

test('a standby begins with the newest snapshot and follows the log from there', async () => {
  const all = await new Beginning().begin()
  await all.write(5)
  await all.backup('first')
  await all.write(3)
  await all.backup('second')
  await all.write(4)
  const joined = await all.replicate()
  expect(joined).toMatchObject({
    how: 'snapshot',
    from: { snapshotId: 'second', snapshotLsn: 8, lsn: 8, source: 'memory:backups' },
  })
  await all.expectEqual()
  await all.write(2)
  await all.expectEqual()
  // a standby in good order is not touched by another request
  expect(await all.replicate()).toMatchObject({ how: 'kept' })
})

test('case 66: where the log was removed, archived log of the repository leads up to what is there', async () => {
  const all = await new Beginning().begin()
  await all.write(5)
  await all.backup('first')
  await all.write(6)
  await all.archive()
  await all.removeLog()
  await all.archive()
  const joined = await all.replicate()
  expect(joined).toMatchObject({ how: 'snapshot', from: { snapshotId: 'first', snapshotLsn: 5 } })
  expect(joined.from?.lsn).toBeGreaterThan(5)
  await all.expectEqual()
  // what was replayed is durable: a power cut of the standby takes nothing of it
  all.world.crash('n2')
  await all.world.start('n2')
  await all.write(2)
  await all.expectEqual()
})

test('case 66: where nothing leads up to the log it says so, and takes the base of the primary', async () => {
  const all = await new Beginning().begin()
  await all.write(5)
  await all.backup('first')
  await all.write(6)
  await all.removeLog()
  const joined = await all.replicate()
  expect(joined).toMatchObject({
    how: 'base',
    instead: expect.stringMatching(/^first reaches LSN 5 .* log begins after LSN 1\d$/),
  })
  expect(all.world.warnings.join()).toContain('takes its base from n1, not from a snapshot')
  await all.expectEqual()
})

test('the primary keeps its log while a standby begins, also when it checkpoints meanwhile', async () => {
  const all = await new Beginning().begin()
  const { world } = all
  await all.write(5)
  await all.backup('first')
  await all.write(3)
  const join = world
    .node('n1')
    .replicate(replicated, world.of('n2').address, { mode: 'async', base })
  await all.removeLog()
  expect(await world.ends(join, untilDone)).toMatchObject({ how: 'snapshot', from: { lsn: 5 } })
  await all.expectEqual()
})

test('case 66: a standby that began with a snapshot and fell behind begins again with a newer one, or of the primary where none leads up to its log', async () => {
  const all = new Beginning()
  const { world } = all
  world.keptLogBytes = 1
  await all.begin()
  /** Falls behind what the primary has of its log. */
  const fallBehind = async (meanwhile: () => Promise<void>) => {
    await world.timer.pass(2_000)
    world.cutLink('n1', 'n2', true)
    await all.write(4)
    await all.removeLog()
    await meanwhile()
    world.heal()
  }
  const told = async (text: string) => {
    const endMs = performance.now() + 10_000
    while (!world.warnings.join('\n').includes(text)) {
      expect(performance.now(), world.warnings.join('\n')).toBeLessThan(endMs)
      await world.timer.pass(100)
    }
  }
  await all.write(5)
  await all.backup('first')
  await all.replicate()
  await fallBehind(() => all.backup('second'))
  await told('n2: items began again with snapshot second of memory:backups')
  await all.expectEqual()
  await fallBehind(async () => {})
  await told('n2: items takes its base from n1, not from a snapshot: second reaches LSN')
  await all.expectEqual()
  await fallBehind(async () => {
    for (const key of await keysOf(all.backups)) await all.backups.delete(key)
  })
  await told('n2: items takes its base from n1, not from a snapshot: there is no repository')
  await all.expectEqual()
})

test('after a promotion a snapshot of the epoch before leads over, and one from beyond the fork is refused', async () => {
  const all = await new Beginning().begin()
  const { world } = all
  await all.write(4)
  await all.backup('before')
  await world.ends(
    world.node('n1').replicate(replicated, world.of('n2').address, { mode: 'async' }),
  )
  await world.timer.pass(2_000)
  await all.write(2)
  await all.archive()
  await world.timer.pass(2_000)
  world.cutLink('n1', 'n2', true)
  await all.write(3)
  await all.backup('astray')
  await world.ends(world.node('n2').promote(replicated, { confirm: async () => true }))
  await all.write(2, 'n2')
  const to = world.of('n3').address
  const replicate = (snapshotId?: string) =>
    world.ends(
      world.node('n2').replicate(replicated, to, {
        mode: 'async',
        base: { ...base, snapshotId },
      }),
      untilDone,
    )
  await expect(replicate('astray')).rejects.toMatchObject({
    code: 'divergence',
    message: expect.stringContaining(
      'astray has LSN 9, and of its epoch the primary has no more than LSN 6',
    ),
  })
  expect(world.of('n3').data?.has(replicated)).toBe(false)
  expect(await replicate()).toMatchObject({
    how: 'snapshot',
    from: { snapshotId: 'before', snapshotLsn: 4, lsn: 6 },
  })
  await all.expectEqual('n3', 'n2')
})

test('a snapshot of another collection of that name is refused, and nothing is there then', async () => {
  const all = await new Beginning().begin()
  const { world } = all
  await all.write(3)
  const other = await world.of('n3').data?.create(replicated, config)
  await other?.upsert([{ id: 1, vector: [9, 9] }])
  await all.backup('foreign', 'n3')
  await expect(all.replicate()).rejects.toMatchObject({
    code: 'divergence',
    message: expect.stringContaining('foreign is of another collection'),
  })
  expect(world.of('n2').data?.has(replicated)).toBe(false)
  await expect(all.replicate('absent')).rejects.toMatchObject({ code: 'snapshot-not-found' })
})

test('a damaged snapshot is passed over for the one before it', async () => {
  const all = await new Beginning().begin()
  await all.write(5)
  await all.backup('first')
  const known = new Set(await keysOf(all.backups))
  await all.write(3)
  await all.backup('second')
  for (const key of await keysOf(all.backups)) {
    if (!key.startsWith('objects/') || known.has(key)) continue
    const whole = Buffer.alloc((await all.backups.head(key))?.sizeBytes ?? 0)
    await all.backups.get(key, whole)
    whole.writeUInt8(whole.readUInt8(0) ^ 1, 0)
    await all.backups.delete(key)
    await all.backups.put(key, whole)
  }
  const joined = await all.replicate()
  expect(joined).toMatchObject({ how: 'snapshot', from: { snapshotId: 'first', lsn: 5 } })
  expect(joined.from?.remarks.join()).toContain('a snapshot was passed over')
  await all.expectEqual()
})

test('a seeding that is killed at any call of the disk leaves no copy or a whole one, and the next one completes it', async () => {
  const all = await new Beginning().begin()
  const { world } = all
  await all.write(5)
  await all.backup('first')
  await all.write(6)
  await all.archive()
  await all.removeLog()
  await all.archive()
  let none = 0
  let whole = 0
  for (let at = 1; ; at += 2) {
    world.crash('n2')
    world.of('n2').disk = new MemoryDisk()
    const dying = new FaultyDisk(world.of('n2').disk)
    await world.start('n2', dying)
    dying.arm({ at, times: Number.POSITIVE_INFINITY, errno: 'EIO' })
    await all.replicate().catch(() => {})
    const survived = dying.hits === 0
    world.crash('n2')
    await world.start('n2')
    if (world.of('n2').data?.has(replicated) === true) whole++
    else none++
    await all.replicate()
    await all.expectEqual()
    const directories = await world.of('n2').disk.list('/d/collections')
    expect(directories, `call ${at}`).toHaveLength(1)
    if (survived) break
  }
  console.log(`seedings killed: ${none} left no copy, ${whole} a whole one`)
  expect(none).toBeGreaterThan(10)
})

async function keysOf(destination: MemoryDestination): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of destination.list('')) keys.push(key)
  return keys
}
