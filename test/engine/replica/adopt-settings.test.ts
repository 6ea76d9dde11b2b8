/** Standbys that take over the index and the other settings of their primary, whatever comes in between. */
import { expect, onTestFinished, test } from 'vitest'
import type { Disk } from '../../../engine/base/disk.ts'
import { limits } from '../../../engine/base/limits.ts'
import type { DataDirectory } from '../../../engine/collection/data-directory.ts'
import { type ConfigInput, makeConfig } from '../../../engine/format/config.ts'
import { filesOf } from '../../../engine/format/manifest.ts'
import { clusteredVectors, rowOf } from '../../support/clustered-vectors.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { GatedDisk } from '../../support/gated-disk.ts'
import { settle } from '../../support/manual-timer.ts'
import { ReplicaWorld, replicated } from '../../support/replica-world.ts'
import { seededRandom } from '../../support/seeded-random.ts'

/** Points of a segment that has an index; starting the threads that build it takes most of a test's time. */
const indexed = 1_100
const vectors = clusteredVectors({ count: indexed, dimension: 2, seed: 5 })
const config = (input: Partial<ConfigInput>) =>
  makeConfig({ dimension: 2, metric: 'l2', index: 'flat', ...input })
const lists = (input: Partial<ConfigInput> = {}) =>
  config({ index: 'ivf', lists: 4, nprobe: 2, ...input })
const yes = { confirm: async () => true }

/** A primary and a standby with so many points in a sealed segment. */
async function twoNodes(count: number, through: (disk: Disk) => Disk = (disk) => disk) {
  const world = new ReplicaWorld(seededRandom(15), ['n1', 'n2'])
  const opened = new Set<DataDirectory>()
  const note = () => {
    for (const { data } of world.nodes) if (data !== undefined) opened.add(data)
  }
  onTestFinished(async () => {
    note()
    for (const { node } of world.nodes) await world.ends(node?.close() ?? Promise.resolve())
    for (const data of opened) await data.close().catch(() => {}) // of a life that has ended
  })
  await world.build('async', 'async')
  note()
  world.crash('n2')
  await world.start('n2', through(world.of('n2').disk))
  note()
  const primary = await world.collection('n1')
  const points = Array.from({ length: count }, (_, id) => ({ id, vector: rowOf(vectors, 2, id) }))
  await world.ends(primary.upsert(points))
  const standby = () => world.collection('n2')
  /** Lets time pass, and threads work, until `done`. */
  const until = async (done: () => Promise<boolean>) => {
    const endMs = performance.now() + 10_000
    while (!(await done())) {
      if (performance.now() > endMs) throw new Error(world.warnings.join('\n'))
      await world.timer.pass(100)
      await settle()
    }
  }
  await until(async () => (await standby()).lsn === primary.lsn)
  if (count >= indexed) for (const each of [primary, await standby()]) await each.checkpoint()
  const settings = async () => (await world.node('n2').status(replicated)).following?.settings
  const isSame = async () => {
    const [one, other] = [await world.collection('n1'), await standby()]
    const same = JSON.stringify(one.config) === JSON.stringify(other.config)
    return same && (await settings())?.state === 'same'
  }
  const told = () => world.warnings.join('\n')
  return { world, primary, standby, settings, isSame, until, told, note }
}

const indexHashes = ({ manifest }: { manifest: Parameters<typeof filesOf>[0] }) =>
  filesOf(manifest)
    .filter((file) => /\.(graph|lists)$/.test(file.path))
    .flatMap(({ pieces }) => pieces)

test('a standby comes to the settings of its primary by itself', async () => {
  const { primary, standby, settings, isSame, until, told } = await twoNodes(3)
  expect(await settings()).toMatchObject({ state: 'same', wanted: config({}), problem: null })
  await primary.reindex(lists().index)
  await until(isSame)
  expect((await standby()).config).toEqual(lists())
  expect(told()).toContain(
    'n2: items is indexed anew here, as at its primary: ivf (4 lists, nprobe 2)',
  )
  // what needs no build is there with the next answer
  await primary.configure(() => lists({ nprobe: 3, durability: 'interval', intervalMs: 50 }))
  await until(isSame)
  expect((await standby()).config.index).toMatchObject({ nprobe: 3 })
  expect((await standby()).config.durability).toEqual({ mode: 'interval', intervalMs: 50 })
})

test('while a standby builds its index it applies what comes, answers, and says that it is under way', async () => {
  let gated: GatedDisk | undefined
  const { world, primary, standby, settings, isSame, until } = await twoNodes(indexed, (disk) => {
    gated = new GatedDisk(disk)
    return gated
  })
  const gate = gated?.hold(/\.lists$/)
  await primary.reindex(lists().index)
  await until(async () => (await settings())?.state === 'adopting')
  await gate?.reached()
  await world.ends(primary.upsert([{ id: 'later', vector: [90, 90] }]))
  await until(async () => (await standby()).digest === primary.digest)
  expect(await (await standby()).search([90, 90], { k: 1 })).toMatchObject([{ id: 'later' }])
  expect((await standby()).config).toEqual(config({}))
  expect(await settings()).toMatchObject({ state: 'adopting', wanted: lists() })
  // the primary has something else again meanwhile: that is what counts
  await primary.reindex(lists({ lists: 7 }).index)
  await world.timer.pass(2_000)
  gate?.open()
  await until(isSame)
  expect((await standby()).config).toEqual(lists({ lists: 7 }))
  expect(indexHashes(primary)).toHaveLength(1)
  expect(indexHashes(await standby())).toEqual(indexHashes(primary))
})

test('a standby that dies while it builds its index begins again when it is back', async () => {
  let gated: GatedDisk | undefined
  const { world, primary, standby, isSame, until, note } = await twoNodes(indexed, (disk) => {
    gated = new GatedDisk(disk)
    return gated
  })
  const gate = gated?.hold(/\.lists$/)
  await primary.reindex(lists().index)
  await world.timer.pass(2_000)
  await gate?.reached()
  world.crash('n2')
  gate?.open()
  await world.start('n2')
  note()
  expect((await standby()).config).toEqual(config({}))
  await until(isSame)
  expect(indexHashes(await standby())).toEqual(indexHashes(primary))
})

test('what keeps a standby from that is told and tried again, and following goes on', async () => {
  let faulty: FaultyDisk | undefined
  const { world, primary, standby, settings, isSame, until, told } = await twoNodes(3, (disk) => {
    faulty = new FaultyDisk(disk)
    return faulty
  })
  const full = { calls: ['create'], path: /config-/, errno: 'ENOSPC' } as const
  faulty?.arm({ ...full, times: Number.POSITIVE_INFINITY })
  await primary.reindex(lists().index)
  await until(async () => (await settings())?.state === 'differ')
  expect((await settings())?.problem).toMatch(/ENOSPC/)
  await world.ends(primary.upsert([{ id: 'later', vector: [90, 90] }]))
  await until(async () => (await standby()).digest === primary.digest)
  await world.timer.pass(4 * limits.settingsRetryMs)
  const times = told().split('n2: items does not have the settings of its primary').length - 1
  expect(times).toBe(1)
  faulty?.disarm()
  await until(isSame)
})

test('who is promoted while it builds keeps the index that it has, says what was left, and the old primary follows it in that too', async () => {
  let gated: GatedDisk | undefined
  const { world, primary, standby, settings, until } = await twoNodes(indexed, (disk) => {
    gated = new GatedDisk(disk)
    return gated
  })
  const gate = gated?.hold(/\.lists$/)
  await primary.reindex(lists().index)
  await until(async () => (await settings())?.state === 'adopting')
  await gate?.reached()
  await expect(
    world.ends(world.node('n2').promote(replicated, { ...yes, planned: true })),
  ).rejects.toMatchObject({
    code: 'not-confirmed',
    message: expect.stringContaining('ivf (4 lists'),
  })
  world.cutLink('n1', 'n2', true)
  const promoting = world.node('n2').promote(replicated, yes)
  await world.timer.pass(5_000)
  gate?.open()
  const promotion = await world.ends(promoting)
  expect(promotion.settingsLeft).toEqual(lists())
  expect((await standby()).config).toEqual(config({}))
  expect(indexHashes(await standby())).toEqual([])
  world.heal()
  const to = world.of('n2').address
  await world.ends(world.node('n1').rejoin(replicated, to, 'async'))
  await until(async () => (await world.collection('n1')).config.index.kind === 'flat')
  expect((await world.node('n1').status(replicated)).following?.settings).toMatchObject({
    state: 'same',
  })
})

test('a planned promotion takes over what needs no build with everything else', async () => {
  const { world, primary, standby, isSame, until } = await twoNodes(3)
  await primary.reindex(lists().index)
  await until(isSame)
  await primary.configure(() => lists({ nprobe: 4 }))
  const promotion = await world.ends(
    world.node('n2').promote(replicated, { ...yes, planned: true }),
  )
  expect(promotion.settingsLeft).toBe(null)
  expect((await standby()).config).toEqual(lists({ nprobe: 4 }))
  // and its own changes are what counts now
  await (await standby()).configure(() => lists({ nprobe: 1 }))
  await until(async () =>
    JSON.stringify((await world.collection('n1')).config).includes('"nprobe":1'),
  )
})
