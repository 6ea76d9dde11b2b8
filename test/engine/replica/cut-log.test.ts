/** The end of a primary's log is given up while a standby has it. */
import { expect, test } from 'vitest'
import { cutReplicatedLog } from '../../../engine/replica/cut-log.ts'
import type { Transport } from '../../../engine/replica/transport.ts'
import { ReplicaWorld, replicated } from '../../support/replica-world.ts'
import { seededRandom } from '../../support/seeded-random.ts'

async function threeRecords() {
  const world = new ReplicaWorld(seededRandom(22), ['n1', 'n2'])
  await world.build('async', 'async')
  const write = async (id: number) =>
    world.ends((await world.collection('n1')).upsert([{ id, vector: [1, 2] }]))
  for (const id of [1, 2, 3]) await write(id)
  await world.timer.pass(2_000)
  /** As n1 asks, over no network at all. */
  const transport: Transport = {
    send: async (to, message) => world.node(to.name).handle(message),
  }
  const cut = (toLsn: number, despiteCopies = false) => {
    const { data } = world.of('n1')
    if (data === undefined) throw new Error('n1 is down')
    const options = { transport, despiteCopies }
    return world.ends(cutReplicatedLog(data, replicated, toLsn, options))
  }
  return { world, write, cut }
}

test('a log is not cut while a standby has what would go: it may be the better copy', async () => {
  const { write, cut } = await threeRecords()
  await expect(cut(2)).rejects.toMatchObject({
    code: 'possible-loss',
    message: 'n2 has items up to LSN 3: what would be cut here after LSN 2 is there',
    hint: expect.stringContaining('vectra-cli cluster promote items --node n2'),
  })
  await write(4) // nothing was changed
  expect(await cut(4)).toMatchObject({ lost: null })
})

test('a log is cut when somebody says so, and what other copies have is told', async () => {
  const { world, cut } = await threeRecords()
  const url = 'sim://n2'
  expect(await cut(2, true)).toMatchObject({
    lsn: 2,
    copies: [{ name: 'n2', url, lsn: 3, problem: null }],
  })
  expect((await world.collection('n1')).count).toBe(2)
})

test('a promoted standby has the old log up to where its epoch began', async () => {
  const { world, cut } = await threeRecords()
  world.cutLink('n1', 'n2', true)
  await world.ends(world.node('n2').promote(replicated, { confirm: async () => true }))
  await expect(cut(2)).rejects.toMatchObject({ code: 'possible-loss' })
  expect(await cut(3)).toMatchObject({ lsn: 3 })
})

test('a copy that cannot be asked keeps nobody from cutting, and is told', async () => {
  const { world, cut } = await threeRecords()
  await world.ends(world.of('n2').data?.drop(replicated))
  const problem = expect.stringContaining('no collection')
  expect(await cut(2)).toMatchObject({ lsn: 2, copies: [{ name: 'n2', lsn: null, problem }] })
})
