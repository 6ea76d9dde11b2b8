import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
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
