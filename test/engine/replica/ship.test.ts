/** What a primary answers a standby, and when: asked here as a standby asks, over no network at all. */
import { expect, test } from 'vitest'
import { limits } from '../../../engine/base/limits.ts'
import { decodeMessage, encodeMessage } from '../../../engine/format/message-frame.ts'
import { settle } from '../../support/manual-timer.ts'
import { ReplicaWorld, replicated } from '../../support/replica-world.ts'
import { seededRandom } from '../../support/seeded-random.ts'

/** A primary, and its standby asking by hand after a first record, which it has. */
async function asking(mode: 'async' | 'sync') {
  const world = new ReplicaWorld(seededRandom(5), ['n1', 'n2'])
  await world.build(mode, 'async')
  const primary = await world.collection('n1')
  const write = (id: number) => primary.upsert([{ id, vector: [1, 2] }])
  await world.ends(write(0))
  world.crash('n2') // its own questions would be answered in between
  await world.timer.pass(limits.standbyGoneMs)
  const ask = async () => {
    const { uuid, epoch } = primary
    const { lsn, chain } = at
    const header = { kind: 'ship', collection: replicated, uuid, epoch, node: 'n2', lsn, chain }
    const rest = { promised: null, waitMs: limits.shipWaitMs, maxBytes: limits.shipBytes }
    const bytes = await world.node('n1').handle(encodeMessage({ ...header, ...rest }))
    return decodeMessage(bytes, 'n1').header
  }
  let at = primary.replication.durable
  const has = () => {
    at = primary.replication.durable
  }
  /** Whether an answer is there, as soon as nothing but time is waited for. */
  const isThere = async (answer: Promise<unknown>) => {
    let there = false
    void answer.then(() => {
      there = true
    })
    await settle()
    return there
  }
  return { world, primary, write, ask, has, isThere }
}

test('records for an asynchronous standby that keeps up come together, the first one goes at once', async () => {
  const { world, write, ask, has, isThere } = await asking('async')
  const first = ask()
  await write(1)
  expect(await isThere(first)).toBe(true)
  expect(await first).toMatchObject({ kind: 'records', lsn: 2, behindBytes: 0 })
  has()
  await write(2)
  const second = ask()
  await world.timer.pass(limits.shipGatherMs - 1)
  expect(await isThere(second)).toBe(false)
  await write(3)
  await world.timer.pass(1)
  expect(await isThere(second)).toBe(true)
  expect(await second).toMatchObject({ kind: 'records', lsn: 4, behindBytes: 0 })
})

test('a synchronous standby is answered at once each time: a write waits for it', async () => {
  const { write, ask, has, isThere } = await asking('sync')
  for (const id of [1, 2, 3]) {
    const answer = ask()
    const written = write(id)
    written.catch(() => {})
    expect(await isThere(answer)).toBe(true)
    has()
  }
})

test('nothing comes together any more once the primary is fenced', async () => {
  const { world, write, ask, has, isThere } = await asking('async')
  const first = ask()
  await write(1)
  await first
  has()
  await write(2)
  const second = ask()
  expect(await isThere(second)).toBe(false)
  await world.node('n1').fence(replicated)
  expect(await second).toMatchObject({ error: { code: 'fenced' } })
})
