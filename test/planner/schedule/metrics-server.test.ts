import { expect, onTestFinished, test } from 'vitest'
import { Metrics } from '../../../planner/schedule/metrics.ts'
import { isLoopback, openMetricsServer } from '../../../planner/schedule/metrics-server.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { buildPlan } from '../../support/plan-builder.ts'
import { buildSchedule, cron } from '../../support/schedule-builder.ts'

async function served(token?: string) {
  const clock = manualClock(Date.parse('2026-11-26T02:00:00Z'))
  const stop = new AbortController()
  const metrics = new Metrics(clock, stop.signal)
  const server = await openMetricsServer({ host: '127.0.0.1', port: 0 }, token, metrics)
  onTestFinished(() => server.close())
  return {
    clock,
    stop,
    metrics,
    get: (path: string, init?: RequestInit) => fetch(server.url + path, init),
  }
}

const plan = buildPlan({ name: 'a "plan"' })
const sequence = buildSchedule(cron('0 2 * * *'))

test('metrics count runs by outcome, with times in seconds and labels escaped', async () => {
  const { clock, metrics, get } = await served()
  metrics.observe({ kind: 'run-started', plan, sequence })
  clock.advance(1_500)
  metrics.observe({ kind: 'run-ended', plan, sequence, outcome: 'passed', durationMs: 1_500 })
  metrics.observe({ kind: 'run-ended', plan, sequence, outcome: 'failed', durationMs: 20 })
  const response = await get('/metrics')
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const text = await response.text()
  const labels = 'plan="a \\"plan\\"",kind="schedule",name="nightly"'
  expect(text).toContain(`vectra_dr_runs_total{${labels},outcome="passed"} 1\n`)
  expect(text).toContain(`vectra_dr_runs_total{${labels},outcome="failed"} 1\n`)
  expect(text).toContain(`vectra_dr_last_success_timestamp_seconds{${labels}} 1795658401.5\n`)
  expect(text).toContain(`vectra_dr_last_run_duration_seconds{${labels}} 0.02\n`)
  expect(
    text
      .split('\n')
      .every((line) =>
        /^(# (HELP|TYPE) vectra_dr_\w+ .+|vectra_dr_\w+\{.+\} -?[\d.e+]+|)$/.test(line),
      ),
  ).toBe(true)
})

test('healthz says 503 when a loop is stuck or somebody wants to stop', async () => {
  const { clock, stop, metrics, get } = await served()
  metrics.observe({ kind: 'looked', plan, decisions: [] })
  expect((await get('/healthz')).status).toBe(200)
  clock.advance(121_000)
  expect((await get('/healthz')).status).toBe(503)
  metrics.observe({ kind: 'run-started', plan, sequence })
  expect((await get('/healthz')).status).toBe(200)
  stop.abort()
  expect((await get('/healthz')).status).toBe(503)
})

test('only these two pages are there, and only for reading', async () => {
  const { get } = await served()
  expect((await get('/')).status).toBe(404)
  expect((await get('/metrics', { method: 'POST', body: 'x' })).status).toBe(405)
  expect(await (await get('/metrics', { method: 'HEAD' })).text()).toBe('')
})

test('with a token nothing is told without it', async () => {
  const { get } = await served('s3cret')
  expect((await get('/metrics')).status).toBe(401)
  expect((await get('/metrics', { headers: { authorization: 'Bearer wrong' } })).status).toBe(401)
  expect((await get('/metrics', { headers: { authorization: 'Bearer s3cret' } })).status).toBe(200)
})

test('beyond loopback a token is wanted, and an address that is taken is named', async () => {
  const metrics = new Metrics(manualClock(), new AbortController().signal)
  await expect(
    openMetricsServer({ host: '0.0.0.0', port: 0 }, undefined, metrics),
  ).rejects.toMatchObject({ code: 'usage' })
  const first = await openMetricsServer({ host: '127.0.0.1', port: 0 }, undefined, metrics)
  onTestFinished(() => first.close())
  const port = Number(new URL(first.url).port)
  await expect(
    openMetricsServer({ host: '127.0.0.1', port }, undefined, metrics),
  ).rejects.toMatchObject({ code: 'unreachable' })
  expect(['127.0.0.1', '127.9.9.9', '::1', 'localhost'].every(isLoopback)).toBe(true)
  expect(['0.0.0.0', '10.0.0.1', '::', 'host.example'].some(isLoopback)).toBe(false)
})
