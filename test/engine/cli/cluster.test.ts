import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Clock, systemClock } from '../../../engine/base/clock.ts'
import { OperatingError } from '../../../engine/base/errors.ts'
import { limits } from '../../../engine/base/limits.ts'
import { systemTimer, type Timer } from '../../../engine/base/timer.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { serving } from '../../support/serving.ts'
import { TcpProxy } from '../../support/tcp-proxy.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { runCli } from './run-cli.ts'

test('status waits for no node whose link looks open and carries nothing', async () => {
  const proxy = await TcpProxy.open()
  onTestFinished(() => proxy.close())
  proxy.mode = 'half-open'
  const server = await serving('/data', { disk: new MemoryDisk(), name: 'n1' })
  await server.ask('POST', '/vectra/v1/cluster/nodes', { name: 'n2', url: proxy.url })
  // time runs fifty times as fast
  const timer: Timer = { after: (milliseconds, act) => systemTimer.after(milliseconds / 50, act) }
  const argv = ['cluster', 'status', '--endpoint', server.url, '--json']
  const run = await runCli(argv, { io: { timer } })
  expect(run.exitCode, run.stderr).toBe(0)
  expect(run.stderr).toContain(`n2 at ${proxy.url} does not answer`)
  expect(run.objects().at(-1)).toMatchObject({ outcome: 'done', nodes: 1, unreachable: ['n2'] })
})

test('status asks all nodes that any of them names, also when the one that knew them all is gone', async () => {
  const nodes = await Promise.all(
    ['n1', 'n2', 'n3'].map((name) => serving(`/${name}`, { name, disk: new MemoryDisk() })),
  )
  const [first, second, third] = nodes
  if (!first || !second || !third) throw new Error('three nodes were started')
  await first.ask('PUT', '/vectra/v1/collections/c', { dimension: 2 })
  for (const other of [second, third]) {
    const { node } = (await other.ask('GET', '/vectra/v1/cluster')).body
    await first.ask('POST', '/vectra/v1/cluster/nodes', node)
    const replicate = ['collections', 'replicate', 'c', '--mode', 'async']
    const to = ['--replica-node', `${node.name}=${other.url}`, '--endpoint', first.url]
    expect((await runCli([...replicate, ...to])).exitCode).toBe(0)
  }
  await first.close()
  const promote = ['cluster', 'promote', 'c', '--without', 'n1', '--yes', '--endpoint', second.url]
  const promoted = await runCli(promote)
  expect(promoted.exitCode, promoted.stderr).toBe(0)
  for (const asked of [second, third]) {
    const run = await runCli(['cluster', 'status', '--endpoint', asked.url, '--json'])
    const seen = run.objects().flatMap(({ node, name }) => (name === 'c' ? [node] : []))
    expect(seen.sort(), run.stderr).toEqual(['n2', 'n3'])
  }
})

test('a node that is gone is removed at every node that answers, not while it is a primary or a synchronous standby', async () => {
  const nodes = await Promise.all(
    ['n1', 'n2', 'n3'].map((name) => serving(`/${name}`, { name, disk: new MemoryDisk() })),
  )
  const [first, second, third] = nodes
  if (!first || !second || !third) throw new Error('three nodes were started')
  await first.ask('PUT', '/vectra/v1/collections/c', { dimension: 2 })
  for (const [other, mode] of [
    [second, 'async'],
    [third, 'sync'],
  ] as const) {
    const { node } = (await other.ask('GET', '/vectra/v1/cluster')).body
    for (const each of nodes) await each.ask('POST', '/vectra/v1/cluster/nodes', node)
    await first.ask('PUT', `/vectra/v1/collections/c/replicas/${node.name}`, { mode })
  }
  const remove = (name: string, at: { url: string }) =>
    runCli(['cluster', 'remove', name, '--endpoint', at.url])
  const ofSync = await remove('n3', first)
  expect(ofSync.exitCode).toBe(2)
  expect(ofSync.stderr).toContain('n3 is not removed: it is a synchronous standby of c at n1')
  expect(ofSync.stderr).toContain('collections replicate c --replica-node n3 --stop --endpoint')
  const direct = await first.ask('DELETE', '/vectra/v1/cluster/nodes/n3')
  expect(direct.status, JSON.stringify(direct.body)).toBe(400)
  const ofPrimary = await remove('n1', second)
  expect(ofPrimary.exitCode).toBe(2)
  expect(ofPrimary.stderr).toContain('it is the primary of c, which n2 follows')
  expect(ofPrimary.stderr).toContain('vectra-cli cluster promote c --node n2')
  expect((await remove('n1', first)).exitCode).toBe(2)

  await second.close()
  const status = () => runCli(['cluster', 'status', '--endpoint', first.url, '--json'])
  expect((await status()).objects().at(-1)).toMatchObject({ unreachable: ['n2'] })
  const removed = await remove('n2', first)
  expect(removed.exitCode, removed.stderr).toBe(0)
  expect(removed.stdout + removed.stderr).toContain('c at n1 is not replicated to n2 any more')
  expect((await status()).objects().at(-1)).toMatchObject({ nodes: 2, unreachable: [] })
  for (const each of [first, third]) {
    const { body } = await each.ask('GET', '/vectra/v1/cluster')
    expect(body.nodes.map(({ name }: { name: string }) => name)).not.toContain('n2')
    const { replication } = await each.served.directory.open('c')
    expect(replication.state.nodes.map(({ name }) => name)).not.toContain('n2')
  }
  const again = await remove('n2', first)
  expect(again.exitCode, again.stderr).toBe(0)
  expect(again.stdout + again.stderr).toContain('no node that answers knows n2')
})

test('status asks no more nodes than a cluster has, and none that is something else', async () => {
  let asked = 0
  const name = (count: number) => ({ name: `x${count}`, url: `http://127.0.0.1:${port}` })
  const endless = createServer((_, response) => {
    asked++
    const answer = asked === 3 ? { status: 'ok' } : { node: name(asked), copies: [] }
    const nodes = [name(2 * asked), name(2 * asked + 1)]
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(asked === 3 ? answer : { ...answer, cluster: null, nodes }))
  })
  await once(endless.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void endless.close())
  const { port } = endless.address() as AddressInfo // it listens
  const server = await serving('/data', { disk: new MemoryDisk(), name: 'n1' })
  await server.ask('POST', '/vectra/v1/cluster/nodes', name(1))
  const run = await runCli(['cluster', 'status', '--endpoint', server.url, '--json'])
  expect(run.exitCode, run.stderr).toBe(0)
  expect(asked).toBe(limits.clusterNodes)
  expect(run.objects().at(-1)).toMatchObject({ unreachable: [expect.any(String)] })
})

test('status shows the other copies when one cannot be opened, and what is wrong with it', async () => {
  const data = await temporaryDirectory()
  const first = await serving(data, { name: 'n1' })
  for (const name of ['broken', 'sound']) {
    await first.ask('PUT', `/vectra/v1/collections/${name}`, { dimension: 2 })
    await first.ask('POST', '/vectra/v1/cluster/fence', { collection: name })
  }
  const uuid = (await first.ask('GET', '/vectra/v1/collections/broken')).body.uuid
  await first.close()
  const files = await readdir(data, { recursive: true })
  const file = files.find((each) => each.includes(uuid) && each.endsWith('replica.json')) ?? ''
  await writeFile(join(data, file), 'somebody was here')
  const server = await serving(data, { name: 'n1' })
  const run = await runCli(['cluster', 'status', '--endpoint', server.url])
  expect(run.exitCode, run.stderr).toBe(0)
  expect(run.stdout).toMatch(/broken +n1 +cannot be opened +- +- +-\n/)
  expect(run.stdout).toMatch(/sound +n1 +primary, fenced +1 +0 +-\n/)
  expect(run.stderr).toContain(`broken at n1: ${join(data, file)}`)
  const json = await runCli(['cluster', 'status', '--endpoint', server.url, '--json'])
  expect(json.objects()).toMatchObject([
    { node: 'n1', name: 'broken', problem: { code: 'damaged' } },
    { node: 'n1', name: 'sound', damage: null },
    { outcome: 'done', broken: [{ node: 'n1', name: 'broken' }] },
  ])
  const fence = await runCli(['cluster', 'fence', '--endpoint', server.url])
  expect(fence.stderr).toContain('left out: broken at n1: ')
})

test('a standby that is behind raises the alarm at /metrics and has a line in status, until it has caught up', async () => {
  let aheadMs = 0
  const clock: Clock = {
    nowMs: () => systemClock.nowMs() + aheadMs,
    nowUs: () => systemClock.nowUs() + 1_000 * aheadMs,
    monotonicMs: () => systemClock.monotonicMs() + aheadMs,
  }
  const keptLogBytes = 20_000
  const primary = await serving('/one', { name: 'n1', disk: new MemoryDisk(), clock, keptLogBytes })
  const disk = new MemoryDisk()
  const standby = await serving('/two', { name: 'n2', disk })
  const c = '/vectra/v1/collections/c'
  await primary.ask('PUT', c, { dimension: 2 })
  const { node } = (await standby.ask('GET', '/vectra/v1/cluster')).body
  await primary.ask('POST', '/vectra/v1/cluster/nodes', node)
  await primary.ask('PUT', `${c}/replicas/n2`, { mode: 'async' })
  const late = async () => {
    const { body } = await primary.ask('GET', '/metrics')
    const [, value] = /^vectra_replication_standby_late\{.*standby="n2"\} (\d)$/m.exec(body) ?? []
    return value
  }
  const status = () => runCli(['cluster', 'status', '--endpoint', primary.url])
  expect(await late()).toBe('0')
  await standby.close()
  const write = (id: number) => {
    const points = [{ id, vector: [1, 0], metadata: { text: 'x'.repeat(8_000) } }]
    return primary.ask('POST', `${c}/points`, { points })
  }
  await write(1)
  expect(await late()).toBe('0') // not for so long yet
  aheadMs += limits.standbyLateMs + 1_000
  expect(await late()).toBe('1')
  const told = await status()
  expect(told.stdout).toMatch(/c +n1 +primary of n2 \(async, away\) +1 +1 +-/)
  expect(told.stderr).toContain('c at n1: standby n2 is behind, at LSN 0 of 1')
  // log waits for it up to what the server was told
  for (let id = 2; id < 6; id++) {
    await write(id)
    await primary.served.directory.open('c').then((collection) => collection.checkpoint())
  }
  expect(primary.warnings.join('\n')).toContain('more than 20000 bytes of log waited')
  const port = Number(new URL(standby.url).port)
  const back = await serving('/two', { name: 'n2', disk, listen: { host: '127.0.0.1', port } })
  for (let asked = 0; (await late()) === '1' && asked < 2_000; asked++) {
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(await late(), back.warnings.join('\n')).toBe('0')
  expect((await status()).stderr).not.toContain('is behind')
})

test('whoever is asked may stop at once, and nothing is promoted', async () => {
  const server = await serving('/data', { disk: new MemoryDisk(), name: 'n1' })
  await server.ask('PUT', '/vectra/v1/collections/c', { dimension: 2 })
  await server.ask('POST', '/vectra/v1/cluster/fence', { collection: 'c' })
  const stop = new AbortController()
  async function* nobodyTypes(): AsyncGenerator<Uint8Array> {
    stop.abort(new OperatingError('interrupted', 'stopped by SIGINT', ''))
    await new Promise(() => {})
    yield Buffer.alloc(0)
  }
  const argv = ['cluster', 'promote', 'c', '--endpoint', server.url]
  const run = await runCli(argv, {
    stdin: nobodyTypes(),
    io: { signal: stop.signal, isAttended: true },
  })
  expect(run.exitCode, run.stderr).toBe(130)
  expect((await server.ask('GET', '/vectra/v1/cluster')).body.copies[0].fenced).toBe(true)
})

test('nobody is asked where nobody is at a terminal, and nothing is promoted without a word', async () => {
  const server = await serving('/data', { disk: new MemoryDisk(), name: 'n1' })
  await server.ask('PUT', '/vectra/v1/collections/c', { dimension: 2 })
  await server.ask('POST', '/vectra/v1/cluster/fence', { collection: 'c' })
  const isFenced = async () =>
    (await server.ask('GET', '/vectra/v1/cluster')).body.copies[0].fenced as boolean
  const promote = (...more: string[]) => [
    'cluster',
    'promote',
    'c',
    '--endpoint',
    server.url,
    ...more,
  ]

  const alone = await runCli(promote(), { stdin: 'y\n' })
  expect(alone.exitCode).toBe(2)
  expect(alone.stderr).not.toContain('[y/N]')
  expect(alone.stderr).toContain('nobody is at a terminal to say whether n1 is promoted')
  const declined = await runCli(promote(), { stdin: '\n', io: { isAttended: true } })
  expect(declined.exitCode).toBe(15)
  expect(await isFenced()).toBe(true)
  const agreed = await runCli(promote(), { stdin: 'y\n', io: { isAttended: true } })
  expect(agreed.exitCode, agreed.stderr).toBe(0)
  expect(await isFenced()).toBe(false)
})
