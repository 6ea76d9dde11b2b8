/** Nodes that a person works with: promotion at each step, pauses, standbys far behind, the way back. */
import { expect, test } from 'vitest'
import { isOperatingError } from '../../../engine/base/errors.ts'
import { limits } from '../../../engine/base/limits.ts'
import { reconcile } from '../../../engine/replica/reconcile.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { ReplicaWorld, replicated } from '../../support/replica-world.ts'
import { seededRandom } from '../../support/seeded-random.ts'

/** `REPLICA_FAILOVERS=1000` takes some 25 s. */
const failovers = Number(process.env['REPLICA_FAILOVERS'] ?? 150)
const yes = { confirm: async () => true }

async function twoNodes(mode: 'sync' | 'async' = 'async', whenAlone: 'block' | 'async' = 'async') {
  const world = new ReplicaWorld(seededRandom(3), ['n1', 'n2'])
  await world.build(mode, whenAlone)
  const write = async (name: string, id: string | number) =>
    world.ends((await world.collection(name)).upsert([{ id, vector: [1, 2] }]))
  return { world, write }
}

test('a synchronous standby that is promoted before it was told of that goes on with a synchronous one', async () => {
  const { world } = await twoNodes('sync', 'block')
  expect((await world.collection('n2')).replication.state.members).toEqual([])
  const promotion = await world.ends(world.node('n2').promote(replicated, yes))
  expect(promotion.members).toEqual([{ name: 'n1', url: 'sim://n1', mode: 'sync' }])
})

test('case 60: a primary that was paused while another was promoted writes nothing: its first write is refused', async () => {
  const { world, write } = await twoNodes()
  await write('n1', 'before')
  await world.timer.pass(2_000)
  world.cutLink('n1', 'n2', true)
  await world.ends(world.node('n2').promote(replicated, yes))
  await world.timer.pass(limits.standbyGoneMs)
  world.heal()
  await expect(write('n1', 'after')).rejects.toMatchObject({
    code: 'fenced',
    message: expect.stringContaining('sim://n2'),
  })
  const copy = await world.node('n1').status(replicated)
  expect(copy).toMatchObject({ role: 'primary', fenced: true })
  await write('n2', 'there')
})

test('case 58: in sync mode a primary that is cut off acknowledges nothing, and the promoted standby has everything', async () => {
  const { world, write } = await twoNodes('sync', 'block')
  await write('n1', 'confirmed')
  world.cutLink('n1', 'n2', true)
  await expect(write('n1', 'alone')).rejects.toMatchObject({ code: 'not-confirmed' })
  let shown: unknown
  const promotion = await world.ends(
    world.node('n2').promote(replicated, {
      confirm: async (window) => {
        shown = window
        return true
      },
    }),
  )
  expect(shown).toMatchObject({ records: null, unreachable: ['n1'] })
  expect(promotion.lsn).toBe(1)
  expect(await (await world.collection('n2')).get('confirmed')).toBeDefined()
})

test('case 67: a primary whose standby is away stays up, says so, and goes on alone as it was told', async () => {
  const { world, write } = await twoNodes('sync', 'async')
  await write('n1', 'one')
  world.cutLink('n2', 'n1', true)
  await world.timer.pass(limits.standbyGoneMs + 1_000)
  await write('n1', 'two')
  const copy = await world.node('n1').status(replicated)
  expect(copy).toMatchObject({
    alone: true,
    members: [{ name: 'n2', there: false, inSync: false }],
  })
  expect(world.warnings.join()).toContain('acknowledged by this node alone')
  world.heal()
  await world.timer.pass(5_000)
  await write('n1', 'three')
  expect(await world.node('n1').status(replicated)).toMatchObject({ alone: false })
})

test('case 66: a standby whose log was removed takes a new base by itself, and has no gap', async () => {
  const { world, write } = await twoNodes()
  await world.timer.pass(1_000)
  world.cutLink('n1', 'n2', true)
  const primary = await world.collection('n1')
  for (let id = 0; id < 5; id++) await write('n1', id)
  // as if its bound had been passed: nobody keeps the log for it
  await primary.replication.change((now) => ({ ...now, members: [] }))
  await primary.checkpoint()
  for (let id = 5; id < 8; id++) await write('n1', id)
  await primary.checkpoint()
  world.heal()
  await world.timer.pass(15_000)
  const standby = await world.collection('n2')
  expect([standby.lsn, standby.digest]).toEqual([primary.lsn, primary.digest])
  expect(world.warnings.join()).toContain('it takes a new base')
})

test('case 68: what only the old primary has is in a file before it follows, and is replayed from there', async () => {
  const { world, write } = await twoNodes()
  await write('n1', 'shared')
  await world.timer.pass(2_000)
  world.cutLink('n1', 'n2', true)
  await write('n1', 'lost')
  await write('n1', 'rewritten')
  await world.ends(world.node('n2').promote(replicated, yes))
  await world.ends((await world.collection('n2')).upsert([{ id: 'rewritten', vector: [7, 7] }]))
  world.heal()
  const { address } = world.of('n2')
  const rejoined = await world.ends(world.node('n1').rejoin(replicated, address, 'async'))
  expect(rejoined).toMatchObject({
    how: 'seeded',
    lost: { records: 2, firstLsn: 2, lastLsn: 3, missing: null },
  })
  await world.timer.pass(3_000)
  const [old, now] = [await world.collection('n1'), await world.collection('n2')]
  expect([old.digest, old.lsn]).toEqual([now.digest, now.lsn])
  const file = rejoined.lost?.file ?? ''
  const bytes = await world.of('n1').disk.readFile(file, 2 ** 20)
  const looked = await reconcile(now, bytes, file, { replay: false, overwrite: false })
  expect(looked).toMatchObject({ absent: ['lost'], different: ['rewritten'], written: 0 })
  await reconcile(now, bytes, file, { replay: true, overwrite: false })
  expect(await now.get('lost')).toBeDefined()
  expect((await now.get('rewritten'))?.vector[0]).toBe(7)
  const damaged = Buffer.from(bytes)
  damaged.writeUInt8(damaged.readUInt8(200) ^ 1, 200)
  await expect(
    reconcile(now, damaged, file, { replay: false, overwrite: false }),
  ).rejects.toMatchObject({ code: 'damaged' })
})

test('case 12: a promotion that is killed at any call of the disk leaves the old epoch or the new one, and one writer', async () => {
  let old = 0
  let begun = 0
  for (let at = 1; ; at++) {
    const world = new ReplicaWorld(seededRandom(at), ['n1', 'n2'])
    await world.build('async', 'async')
    await world.ends((await world.collection('n1')).upsert([{ id: 1, vector: [1, 2] }]))
    await world.timer.pass(2_000)
    world.cutLink('n1', 'n2', true)
    const { epoch } = await world.collection('n2')
    // the same node again, on a disk that dies
    world.crash('n2')
    const dying = new FaultyDisk(world.of('n2').disk)
    await world.start('n2', dying)
    dying.arm({ at, times: Number.POSITIVE_INFINITY, errno: 'EIO' })
    await world.ends(world.node('n2').promote(replicated, yes)).catch(() => {})
    const survived = dying.hits === 0
    world.crash('n2')
    await world.start('n2')
    const after = await world.collection('n2')
    expect(after.lsn, `call ${at}`).toBe(1)
    if (after.epoch.history === epoch.history) {
      old++
      expect(after.replication.isStandby, `call ${at}`).toBe(true)
      await expect(after.upsert([{ id: 2, vector: [1, 2] }])).rejects.toMatchObject({
        code: 'not-primary',
      })
    } else {
      begun++
      expect(after.epoch.number, `call ${at}`).toBe(2)
      await world.ends(after.upsert([{ id: 2, vector: [1, 2] }]))
    }
    if (survived) break
  }
  console.log(`promotions killed: ${old} stayed in the old epoch, ${begun} are in the new one`)
  expect(old).toBeGreaterThan(5)
  expect(begun).toBeGreaterThan(1)
})

test('case 61: two promotions at once: one gets the epoch, the other one follows it', async () => {
  const world = new ReplicaWorld(seededRandom(5))
  await world.build('async', 'async')
  await world.timer.pass(1_000)
  const both = ['n2', 'n3'].map((name) => world.node(name).promote(replicated, yes))
  const ended = await world.ends(Promise.allSettled(both))
  expect(ended.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  await world.timer.pass(10_000)
  const names = ['n1', 'n2', 'n3']
  const roles = await Promise.all(names.map((name) => world.node(name).status(replicated)))
  expect(roles.filter(({ role, fenced }) => role === 'primary' && !fenced)).toHaveLength(1)
})

test('case 69: a one-way cut that flaps every 100 ms for two minutes splits nothing, and all is equal within 30 s', async () => {
  const { world } = await twoNodes()
  const primary = await world.collection('n1')
  let acknowledged = 0
  for (let flap = 0; flap < 1_200; flap++) {
    if (flap % 2 === 0)
      world.cutLink(flap % 4 === 0 ? 'n1' : 'n2', flap % 4 === 0 ? 'n2' : 'n1', false)
    else world.heal()
    if (flap % 10 === 0) {
      void primary.upsert([{ id: flap, vector: [flap, 1] }]).then(() => acknowledged++)
    }
    await world.timer.pass(100)
  }
  world.heal()
  await world.timer.pass(30_000)
  const standby = await world.collection('n2')
  expect(acknowledged).toBe(120)
  expect([standby.lsn, standby.digest]).toEqual([primary.lsn, primary.digest])
  expect([standby.replication.isStandby, primary.replication.isStandby]).toEqual([true, false])
})

test(`${failovers} failovers, one after another, have one writer an epoch, and all copies are equal in the end`, async () => {
  const world = new ReplicaWorld(seededRandom(70))
  await world.build('async', 'async')
  const { random } = world
  const names = ['n1', 'n2', 'n3']
  const writers = new Map<number, string>()
  let primary = 'n1'
  for (let failover = 0; failover < failovers; failover++) {
    const next = random.pick(names.filter((name) => name !== primary))
    const planned = random.chance(0.5)
    await world.ends(
      (await world.collection(primary)).upsert([{ id: failover, vector: [1, failover] }]),
    )
    if (!planned) {
      for (const name of names) if (name !== primary) world.cutLink(primary, name, true)
    }
    await world
      .ends(world.node(next).promote(replicated, { planned, ...yes }))
      .catch((error: unknown) => {
        // the third one has more: it would be the one to promote
        if (!isOperatingError(error, 'possible-loss')) throw error
      })
    world.heal()
    const { epoch, replication } = await world.collection(next)
    if (replication.isStandby) continue
    expect(writers.get(epoch.number), `epoch ${epoch.number}`).toBeUndefined()
    writers.set(epoch.number, next)
    if (!(await world.collection(primary)).replication.isStandby) {
      await world.ends(world.node(primary).rejoin(replicated, world.of(next).address, 'async'))
    }
    primary = next
    await world.timer.pass(200)
  }
  // a standby that had more than the one that was promoted waits for a person
  for (const name of names.filter((each) => each !== primary)) {
    await world.ends(world.node(name).rejoin(replicated, world.of(primary).address, 'async'))
  }
  await world.timer.pass(5_000)
  const copies = await Promise.all(names.map((name) => world.collection(name)))
  expect(new Set(copies.map(({ digest }) => digest)).size).toBe(1)
  console.log(`failovers: ${writers.size} done of ${failovers} tried, seed 70`)
  expect(writers.size).toBeGreaterThan(failovers / 3)
})
