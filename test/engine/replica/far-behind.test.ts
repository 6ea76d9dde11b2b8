/** Standbys that cannot keep up: slow links, full disks, log that is gone. The primary goes on. */
import { expect, test } from 'vitest'
import { limits } from '../../../engine/base/limits.ts'
import { listWal } from '../../../engine/wal/wal-files.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { ReplicaWorld, replicated } from '../../support/replica-world.ts'
import { seededRandom } from '../../support/seeded-random.ts'

/** A primary and a standby, and log of at most so many bytes kept for it. */
async function twoNodes(keptLogBytes?: number) {
  const world = new ReplicaWorld(seededRandom(67), ['n1', 'n2'])
  world.keptLogBytes = keptLogBytes
  await world.build('async', 'async')
  await world.timer.pass(1_000)
  let written = 0
  /** Writes points with a kilobyte of metadata each. */
  const write = async (count: number) => {
    const primary = await world.collection('n1')
    for (let each = 0; each < count; each++) {
      const metadata = { text: 'x'.repeat(1_000) }
      await world.ends(primary.upsert([{ id: written++, vector: [written, 1], metadata }]))
    }
  }
  const member = async () => (await world.node('n1').status(replicated)).members[0]
  const warned = () => world.warnings.join('\n')
  const equal = async () => {
    const [one, other] = [await world.collection('n1'), await world.collection('n2')]
    return one.lsn === other.lsn && one.digest === other.digest
  }
  /** Log bytes that the primary has on its disk. */
  const logBytes = async () => {
    const { replication, epoch } = await world.collection('n1')
    const { disk } = world.of('n1')
    const number = String(epoch.number).padStart(6, '0')
    const directory = `${replication.directory}/wal/${number}-${epoch.history}`
    let bytes = 0
    for (const { name } of await listWal(disk, directory)) {
      bytes += (await disk.stat(`${directory}/${name}`))?.sizeBytes ?? 0
    }
    return bytes
  }
  return { world, write, member, warned, equal, logBytes }
}

test('case 67: over a link of 1 KB a second the primary stays up, the standby is told to be late, and catches up later', async () => {
  const { world, write, member, warned, equal } = await twoNodes()
  world.bytesPerSecond = 1_000
  const begunMs = world.clock.monotonicMs()
  for (let round = 0; round < 30; round++) {
    await write(2)
    await world.timer.pass(500)
  }
  // sixty kilobytes were acknowledged in the fifteen seconds that passed for other reasons
  expect(world.clock.monotonicMs() - begunMs).toBeLessThan(30_000)
  expect((await world.collection('n1')).lsn).toBe(60)
  expect(await member()).toMatchObject({ late: true })
  expect(warned()).toMatch(
    /standby n2 is behind: it has LSN \d+ of \d+, and has not had everything for 10 s/,
  )
  // slow as it is, it gets on
  const { lsn } = (await member()) ?? {}
  await world.timer.pass(60_000)
  expect((await member())?.lsn).toBeGreaterThan((lsn ?? 0) + 10)
  world.bytesPerSecond = Number.POSITIVE_INFINITY
  world.heal()
  await world.timer.pass(60_000)
  expect(await equal()).toBe(true)
  expect(await member()).toMatchObject({ late: false, lsn: 60 })
  expect(warned()).toContain('standby n2 has caught up')
})

test('case 67: a standby whose disk is full says so; the primary goes on, and nothing is missing when there is room again', async () => {
  const { world, write, member, warned, equal } = await twoNodes()
  world.crash('n2')
  const disk = new FaultyDisk(world.of('n2').disk)
  await world.start('n2', disk)
  await world.timer.pass(1_000)
  disk.arm({ calls: ['write', 'create'], times: Number.POSITIVE_INFINITY, errno: 'ENOSPC' })
  await write(5)
  await world.timer.pass(limits.standbyLateMs + 2_000)
  await write(1)
  const copy = await world.node('n2').status(replicated)
  expect(copy?.following).toMatchObject({ state: 'waiting' })
  expect(copy?.following?.problem).toMatch(/ENOSPC/)
  expect(warned()).toMatch(/n2: following items: .*ENOSPC/)
  expect(await member()).toMatchObject({ late: true, lsn: 0 })
  expect((await world.collection('n1')).lsn).toBe(6)
  disk.disarm()
  await world.timer.pass(10_000)
  if (!(await equal())) {
    // as the service manager does, once the disk had failed it
    world.crash('n2')
    await world.start('n2')
    await world.timer.pass(10_000)
  }
  expect(await equal()).toBe(true)
  expect(warned()).toContain('standby n2 has caught up')
})

test('case 66, case 67: log for a standby that is away is kept up to the bound; beyond it the standby takes a new base, and has no gap', async () => {
  const bound = 40_000
  const { world, write, warned, equal, logBytes } = await twoNodes(bound)
  world.cutLink('n1', 'n2', true)
  let most = 0
  for (let round = 0; round < 10; round++) {
    await write(10)
    await (await world.collection('n1')).checkpoint()
    most = Math.max(most, await logBytes())
  }
  expect(most).toBeGreaterThan(bound / 2)
  // the bound, and the file that is being written
  expect(most).toBeLessThan(bound + 25_000)
  expect(warned()).toMatch(/the log up to LSN \d+ was removed before every standby had it/)
  world.heal()
  await world.timer.pass(30_000)
  expect(warned()).toContain(
    `${replicated} is behind what n1 still has of its log; it takes a new base`,
  )
  expect(await equal()).toBe(true)
  const standby = await world.collection('n2')
  expect(await standby.proveDigest()).toBe((await world.collection('n1')).digest)
  expect(standby.count).toBe(100)
})

test('case 66: a standby within the bound goes on from the log that was kept for it', async () => {
  const { world, write, warned, equal } = await twoNodes(10_000_000)
  world.cutLink('n1', 'n2', true)
  for (let round = 0; round < 5; round++) {
    await write(10)
    await (await world.collection('n1')).checkpoint()
  }
  world.heal()
  await world.timer.pass(30_000)
  expect(await equal()).toBe(true)
  expect(warned()).not.toContain('takes a new base')
})
