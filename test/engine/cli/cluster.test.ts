import { expect, onTestFinished, test } from 'vitest'
import { systemTimer, type Timer } from '../../../engine/base/timer.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { serving } from '../../support/serving.ts'
import { TcpProxy } from '../../support/tcp-proxy.ts'
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
