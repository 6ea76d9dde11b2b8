/** Two nodes over real HTTP, and a link between them that looks open and carries nothing. Time runs ten times as fast. */
import { expect, type TestContext, test } from 'vitest'
import { type Clock, systemClock } from '../../../engine/base/clock.ts'
import { limits } from '../../../engine/base/limits.ts'
import { pause, systemTimer, type Timer } from '../../../engine/base/timer.ts'
import type { CopyStatus } from '../../../engine/replica/copy-status.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { type Serving, serving } from '../../support/serving.ts'
import { TcpProxy } from '../../support/tcp-proxy.ts'
import { runCli } from '../cli/run-cli.ts'

const speed = 10
const clock: Clock = {
  ...systemClock,
  monotonicMs: () => systemClock.monotonicMs() * speed,
}
const timer: Timer = { after: (milliseconds, act) => systemTimer.after(milliseconds / speed, act) }

const copyAt = async ({ ask }: Serving): Promise<CopyStatus> =>
  (await ask('GET', '/vectra/v1/cluster')).body.copies[0]

/** Asks until what was found is as wanted. */
async function until(node: Serving, wanted: (copy: CopyStatus) => boolean): Promise<CopyStatus> {
  const endMs = performance.now() + 15_000
  for (;;) {
    const copy = await copyAt(node)
    if (wanted(copy)) return copy
    if (performance.now() > endMs)
      throw new Error(`it did not come to that: ${JSON.stringify(copy)}`)
    await pause(systemTimer, 10) // asking without a break would slow down what is waited for
  }
}

interface Replicas {
  readonly mode: 'async' | 'sync'
  readonly whenAlone?: 'block' | 'async'
}

async function pair({ onTestFinished }: TestContext, replicas: Replicas) {
  const proxy = await TcpProxy.open()
  onTestFinished(() => proxy.close())
  const own = () => ({ disk: new MemoryDisk(), clock, timer })
  const primary = await serving(
    '/one',
    { ...own(), name: 'n1', advertise: proxy.url },
    onTestFinished,
  )
  proxy.target = Number(new URL(primary.url).port)
  const standby = await serving('/two', { ...own(), name: 'n2' }, onTestFinished)
  await primary.ask('PUT', '/vectra/v1/collections/c', { dimension: 2 })
  const { node } = (await standby.ask('GET', '/vectra/v1/cluster')).body
  await primary.ask('POST', '/vectra/v1/cluster/nodes', node)
  const path = '/vectra/v1/collections/c/replicas/n2'
  expect((await primary.ask('PUT', path, replicas)).status).toBe(200)
  let next = 0
  const write = () =>
    primary.ask('POST', '/vectra/v1/collections/c/points', {
      points: [{ id: next++, vector: [1, next] }],
    })
  expect((await write()).status).toBe(200)
  const { lsn } = await copyAt(primary)
  await until(standby, (copy) => copy.lsn === lsn && copy.following?.state === 'following')
  return { proxy, primary, standby, write }
}

const equal = async (one: Serving, other: Serving) => {
  const { lsn } = await copyAt(one)
  await until(other, (copy) => copy.lsn === lsn && copy.following?.state === 'following')
  const [a, b] = [await copyAt(one), await copyAt(other)]
  expect([b.lsn, b.digest, b.epoch]).toEqual([a.lsn, a.digest, a.epoch])
}

test.concurrent('case 58, case 69: a standby behind a half-open link notices by itself, tells a growing lag, and catches up', async (context) => {
  const { proxy, primary, standby, write } = await pair(context, { mode: 'async' })
  const { epoch } = await copyAt(standby)
  const told = () => standby.warnings.filter((each) => each.includes('nothing within')).length
  const before = told()
  proxy.mode = 'half-open'
  const begunMs = clock.monotonicMs()
  for (let count = 0; count < 20; count++) expect((await write()).status).toBe(200)
  // nothing tells it: its own time-out does, and says so once
  const waiting = await until(standby, (copy) => copy.following?.state === 'waiting')
  expect(waiting.following?.problem).toContain(`does not answer: nothing within`)
  const noticedMs = clock.monotonicMs() - begunMs
  expect(noticedMs).toBeGreaterThan(limits.shipWaitMs)
  const first = waiting.following?.seconds ?? 0
  const later = await until(standby, ({ following }) => (following?.seconds ?? 0) > first + 3)
  expect(later.following?.state).toBe('waiting')
  // the primary has not heard of it, and says that it is not there
  const [member] = (await copyAt(primary)).members
  expect([member?.there, (member?.silentMs ?? 0) > limits.standbyGoneMs]).toEqual([false, true])
  expect(proxy.dead).toBeGreaterThan(0)
  expect(told() - before).toBe(1)
  proxy.mode = 'pass'
  await equal(primary, standby)
  const after = await copyAt(standby)
  expect([after.following?.problem, after.epoch]).toEqual([null, epoch])
  console.log(`noticed after ${Math.round(noticedMs)} ms of its own time`)
})

test.concurrent('case 58: with a half-open link a primary that blocks acknowledges nothing, and says what became of the write', async (context) => {
  const { proxy, primary, standby, write } = await pair(context, {
    mode: 'sync',
    whenAlone: 'block',
  })
  proxy.mode = 'half-open'
  const { status, body } = await write()
  expect([status, body.vectra.code]).toEqual([503, 'not-confirmed'])
  expect(body.vectra.message).toContain('not confirmed by n2 within 10 s')
  expect(await copyAt(primary)).toMatchObject({ alone: false, whenAlone: 'block' })
  // the way out that the hint names asks nothing of who does not answer
  const choice = ['--when-alone', 'async', '--endpoint', primary.url]
  const run = await runCli(['collections', 'replicate', 'c', ...choice])
  expect([run.exitCode, run.stderr]).toEqual([0, ''])
  expect((await write()).status).toBe(200)
  const replication = '/vectra/v1/collections/c/replication'
  expect((await standby.ask('PUT', replication, { whenAlone: 'block' })).status).toBe(409)
  expect((await primary.ask('PUT', replication, { whenAlone: 'block' })).status).toBe(200)
  proxy.mode = 'pass'
  await equal(primary, standby)
  expect((await write()).status).toBe(200)
})

test.concurrent('case 58: with a half-open link a primary that goes on alone says so, and waits again when its standby is back', async (context) => {
  const { proxy, primary, standby, write } = await pair(context, {
    mode: 'sync',
    whenAlone: 'async',
  })
  proxy.mode = 'half-open'
  expect((await write()).status).toBe(200)
  expect((await copyAt(primary)).alone).toBe(true)
  expect(primary.warnings.join()).toContain('acknowledged by this node alone')
  proxy.mode = 'pass'
  await equal(primary, standby)
  await until(primary, ({ members }) => members[0]?.inSync === true)
  expect((await write()).status).toBe(200)
  expect((await copyAt(primary)).alone).toBe(false)
  expect((await copyAt(standby)).lsn).toBe((await copyAt(primary)).lsn)
})
