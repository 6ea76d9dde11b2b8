/** Nodes as processes on loopback, a network that misbehaves, a primary that is killed, and the way back. */
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, onTestFinished, test } from 'vitest'
import { VectraClient } from '../../engine/server/client.ts'
import type { NodeDescription } from '../../engine/server/served-node.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { type ServedProcess, startServer } from './served.ts'
import { binDirectory, scriptEnvironment } from './vectra-cli.ts'

interface Node extends ServedProcess {
  readonly client: VectraClient
}

const describeNode = ({ client }: Node) => client.ask<NodeDescription>('GET', '/vectra/v1/cluster')

async function copyAt(node: Node) {
  const copy = (await describeNode(node)).copies.find(({ name }) => name === 'items')
  if (copy === undefined) throw new Error('no copy')
  return copy
}

/** Asks until `done`, at most 15 s. */
async function until(done: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 15_000
  while (!(await done())) {
    if (performance.now() > endMs) throw new Error('it did not come to that')
    await new Promise((resolve) => setTimeout(resolve, 3))
  }
}

const equal = async (one: Node, other: Node): Promise<boolean> => {
  const [a, b] = await Promise.all([copyAt(one), copyAt(other)])
  return a.lsn === b.lsn && a.digest === b.digest && a.epoch.history === b.epoch.history
}

test('case 58, case 59, case 65, case 68: a primary is killed under load, a standby takes over, the loss is counted exactly, and the way back loses nothing', async () => {
  const root = await temporaryDirectory()
  const bin = await binDirectory(root)
  const start = async (data: string, name: string, more: readonly string[] = []): Promise<Node> => {
    const environment = scriptEnvironment(bin, join(root, data))
    const served = await startServer(environment, ['--name', name, ...more])
    onTestFinished(async () => void (await served.stop('SIGKILL')))
    return { ...served, client: new VectraClient({ endpoint: served.url }) }
  }
  const cli = (env: Record<string, string>, ...args: string[]) =>
    execa('vectra-cli', args, { env: { ...scriptEnvironment(bin, ''), ...env }, reject: false })
  const proxy = await TcpProxy.open()
  onTestFinished(() => proxy.close())
  const begin = async () => {
    const node = await start('d1', 'node-1', ['--advertise', proxy.url])
    proxy.target = Number(new URL(node.url).port)
    return node
  }
  let first = await begin()
  const second = await start('d2', 'node-2')
  const env = {
    VECTRA_NODES: `node-1=${proxy.url},node-2=${second.url},primary-cluster=${first.url}`,
  }
  const acknowledged: number[] = []
  let next = 0
  const write = async (node: Node) => {
    const id = next++
    await node.client.ask('POST', '/vectra/v1/collections/items/points', {
      points: [{ id, vector: [id, 1] }],
    })
    acknowledged.push(id)
  }
  await first.client.ask('PUT', '/vectra/v1/collections/items', {
    dimension: 2,
    metric: 'l2',
  })
  for (let at = 0; at < 20; at++) await write(first)

  const added = await cli(
    env,
    'cluster',
    'replicate',
    '--add-replica',
    'node-2',
    '--source-cluster',
    'primary-cluster',
  )
  expect([added.exitCode, added.stdout]).toEqual([0, expect.stringContaining('node-2')])
  const at = { ...env, VECTRA_ENDPOINT: first.url }
  const backups = join(root, 'backups')
  const saved = await cli(
    at,
    ...['collections', 'backup', 'items', '--destination', backups],
    ...['--snapshot-id', 'base', '--wait'],
  )
  expect(saved.exitCode, saved.stderr).toBe(0)
  await write(first)
  const replicated = await cli(
    at,
    ...['collections', 'replicate', 'items', '--replica-node', 'node-2'],
    ...['--mode', 'async', '--base', backups],
  )
  expect(replicated.stdout, replicated.stderr).toContain(
    'node-2 follows items, async; it began with snapshot base and goes on from LSN 20',
  )

  // the network delays, cuts and damages; what arrives is what was sent
  for (const mode of ['delay', 'cut', 'damage'] as const) {
    proxy.mode = mode
    for (let at = 0; at < 15; at++) await write(first)
    if (mode === 'damage') await until(async () => proxy.damaged > 2)
    proxy.mode = 'pass'
    await until(() => equal(first, second))
  }
  await expect(write(second)).rejects.toMatchObject({
    code: 'not-primary',
    message: expect.stringContaining(proxy.url),
  })
  acknowledged.splice(next) // the refused id is used by nobody

  // the primary goes while it writes and the standby is cut off from it
  proxy.mode = 'cut'
  const killed = (async () => {
    for (;;) await write(first)
  })().catch(() => {})
  const before = acknowledged.length
  await until(async () => acknowledged.length > before + 30)
  await first.stop('SIGKILL')
  await killed
  const killedMs = performance.now()
  const promoted = await cli(
    env,
    'cluster',
    'promote',
    'items',
    '--node',
    'node-2',
    '--yes',
    '--json',
  )
  expect(promoted.exitCode, promoted.stderr).toBe(0)
  expect(promoted.stderr).toContain('not reached: node-1')
  await second.client.ask('POST', '/vectra/v1/collections/items/search', { vector: [0, 1], k: 1 })
  await write(second)
  console.log(
    `killed to first answer and write: ${Math.round(performance.now() - killedMs)} ms, a process of the command included`,
  )

  // it comes back: it writes nothing, and what only it has is in a file
  proxy.mode = 'pass'
  first = await begin()
  await expect(write(first)).rejects.toMatchObject({ code: 'fenced' })
  /** Ids that are there, asked of the node that writes. */
  const present = async (node: Node): Promise<Set<unknown>> => {
    const ids = new Set<unknown>()
    for await (const { id } of node.client.lines<{ id: unknown }>(
      '/vectra/v1/collections/items/points',
    ))
      ids.add(id)
    return ids
  }
  const there = await present(second)
  const lost = acknowledged.filter((id) => !there.has(id))
  expect(lost.length).toBeGreaterThan(30)
  const rejoined = await cli(
    env,
    'cluster',
    'rejoin',
    'items',
    '--node',
    'node-1',
    '--primary',
    'node-2',
    '--json',
  )
  expect(rejoined.exitCode, rejoined.stderr).toBe(0)
  const [event] = rejoined.stdout.split('\n').map((line) => JSON.parse(line))
  const served = { ...env, VECTRA_ENDPOINT: second.url }
  const looked = await cli(served, 'collections', 'reconcile', 'items', event.lost.file, '--json')
  const seen = JSON.parse(looked.stdout)
  expect(new Set(seen.absent)).toEqual(
    new Set([...lost, ...seen.absent.filter((id: number) => !acknowledged.includes(id))]),
  )
  expect(lost.filter((id) => !seen.absent.includes(id))).toEqual([])
  // at most what was in flight when it died is there without having been acknowledged
  expect(seen.absent.length - lost.length).toBeLessThanOrEqual(1)
  await cli(served, 'collections', 'reconcile', 'items', event.lost.file, '--replay')
  const again = await present(second)
  expect(acknowledged.filter((id) => !again.has(id))).toEqual([])

  // another index at the primary: the standby has it by itself
  await second.client.ask('POST', '/vectra/v1/collections/items/reindex', {
    kind: 'ivf',
    lists: 3,
    nprobe: 2,
  })
  await until(async () => (await copyAt(first)).config?.index.kind === 'ivf')

  // and back, planned: nothing is lost
  await until(() => equal(second, first))
  const back = await cli(
    env,
    'cluster',
    'promote',
    'items',
    '--node',
    'node-1',
    '--planned',
    '--yes',
    '--json',
  )
  expect(back.exitCode, back.stderr).toBe(0)
  expect(JSON.parse(back.stdout.split('\n')[0] ?? '')).toMatchObject({ lostRecords: 0 })
  await write(first)
  await until(() => equal(first, second))
  const status = await cli({ ...env, VECTRA_ENDPOINT: first.url }, 'cluster', 'status')
  expect(status.stdout).toMatch(/items +node-1 +primary of node-2 \(async\) +3/)
})
