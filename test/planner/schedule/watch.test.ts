import { expect, test } from 'vitest'
import type { Schedule } from '../../../planner/plan/plan.ts'
import { watchBench } from '../../support/daemon-bench.ts'
import { buildPlan } from '../../support/plan-builder.ts'
import { buildSchedule, cron, every, ran } from '../../support/schedule-builder.ts'

const hour = 3_600_000
const planOf = (...schedules: Schedule[]) =>
  buildPlan({ schedules: new Map(schedules.map((each) => [each.name, each])) })
const kinds = (bench: { readonly events: readonly { readonly kind: string }[] }) =>
  bench.events.map(({ kind }) => kind).filter((kind) => kind !== 'looked')

const nightly = buildSchedule(cron('0 2 * * *'))
const log = buildSchedule(every(30_000), { name: 'log' })

test('it starts each run when it is due, and waits in between', async () => {
  const bench = watchBench(planOf(nightly), '2026-11-26T01:50:00Z')
  await bench.timer.pass(hour / 4)
  bench.clock.advance(23.6 * hour)
  await bench.timer.pass(hour / 2)
  expect(bench.runs).toEqual([
    'nightly 2026-11-26T02:00:00.000Z at 2026-11-26T02:00:00.000Z',
    'nightly 2026-11-27T02:00:00.000Z at 2026-11-27T02:00:00.000Z',
  ])
  await bench.stop()
  expect(bench.timer.pending).toBe(0)
})

test('an interval keeps its beat, and a run that takes long is followed by one run, which is told', async () => {
  const bench = watchBench(planOf(log), '2026-11-26T01:00:00Z')
  await bench.timer.pass(70_000)
  bench.takesMs = 100_000
  await bench.timer.pass(150_000)
  expect(bench.runs.map((each) => each.slice(15, 23))).toEqual([
    '01:00:00',
    '01:00:30',
    '01:01:00',
    '01:01:30',
    '01:03:00',
  ])
  expect(kinds(bench)).toContain('coalesced')
  await bench.stop()
})

test('nothing overlaps: what falls due while another runs begins once, right after it', async () => {
  const bench = watchBench(planOf(nightly, log), '2026-11-26T01:59:50Z', ran('2026-11-25T02:00Z'))
  await bench.timer.pass(5_000)
  bench.takesMs = 5 * 60_000
  await bench.timer.pass(6_000)
  expect(bench.runs.at(-1)).toMatch(/^nightly .* at 2026-11-26T02:00:00/)
  await bench.timer.pass(5 * 60_000)
  expect(bench.runs.slice(2)).toEqual(['log 2026-11-26T02:04:50.000Z at 2026-11-26T02:05:00.000Z'])
  expect(bench.events.filter(({ kind }) => kind === 'coalesced')).toMatchObject([
    { sequence: { name: 'log' }, meanwhile: { name: 'nightly' } },
  ])
  await bench.stop()
})

test('case 42: a host that slept for three days runs once, and tells that it slept', async () => {
  const eager = buildSchedule(cron('0 2 * * *'), { catchUp: true })
  for (const [schedule, runs] of [
    [eager, 1],
    [nightly, 0],
  ] as const) {
    const bench = watchBench(planOf(schedule), '2026-11-23T12:00:00Z', ran('2026-11-23T02:00Z'))
    await bench.timer.pass(60_000)
    bench.clock.setWallClock(Date.parse('2026-11-26T12:00:00Z'))
    await bench.timer.pass(hour / 10)
    expect(bench.runs).toHaveLength(runs)
    expect(kinds(bench)).toContain('clock-jumped')
    bench.clock.advance(13.8 * hour)
    await bench.timer.pass(hour / 4)
    expect(bench.runs.at(-1)).toMatch(/at 2026-11-27T02:00:00/)
    await bench.stop()
  }
})

test('case 40: a clock set back an hour runs nothing twice, an interval goes on within one period', async () => {
  const bench = watchBench(planOf(nightly, log), '2026-11-26T01:59:00Z', ran('2026-11-25T02:00Z'))
  await bench.timer.pass(5 * 60_000)
  const before = bench.runs.length
  bench.clock.setWallClock(Date.parse('2026-11-26T01:04:00Z'))
  await bench.timer.pass(3 * 60_000)
  expect(bench.runs.slice(before).length).toBeGreaterThanOrEqual(4)
  await bench.timer.pass(2 * hour)
  expect(bench.runs.filter((each) => each.startsWith('nightly'))).toHaveLength(1)
  await bench.stop()
})

test('case 40: a clock ten years ahead runs each once, and back again everything goes on', async () => {
  const bench = watchBench(planOf(nightly, log), '2026-11-26T01:00:00Z', ran('2026-11-25T02:00Z'))
  await bench.timer.pass(60_000)
  bench.clock.setWallClock(Date.parse('2038-01-19T03:14:07Z'))
  const before = bench.runs.length
  await bench.timer.pass(20_000)
  expect(bench.runs.length - before).toBe(1)
  bench.clock.setWallClock(Date.parse('2026-11-26T01:58:00Z'))
  await bench.timer.pass(5 * 60_000)
  expect(bench.runs.filter((each) => each.startsWith('nightly 2026'))).toHaveLength(1)
  expect(bench.runs.at(-1)).toMatch(/^log 2026-11-26T02:0/)
  await bench.stop()
})

test('a changed plan is taken up within one nap; an invalid one is told once and the old one kept', async () => {
  const bench = watchBench(planOf(nightly), '2026-11-26T01:00:00Z', ran('2026-11-25T02:00Z'))
  await bench.timer.pass(10_000)
  bench.file = new Error('broken')
  await bench.timer.pass(hour)
  expect(kinds(bench)).toEqual(['plan-refused', 'run-started', 'run-ended'])
  bench.file = { ...planOf(buildSchedule(cron('30 2 * * *'))), sha256: '6'.repeat(64) }
  await bench.timer.pass(10_000)
  expect(kinds(bench).at(-1)).toBe('plan-reloaded')
  await bench.timer.pass(hour / 2)
  expect(bench.runs.at(-1)).toMatch(/at 2026-11-26T02:30:00/)
  await bench.stop()
})

test('a hang-up reloads at once, also a file that is the same', async () => {
  const bench = watchBench(planOf(nightly), '2026-11-26T01:00:00Z')
  await bench.timer.pass(1_000)
  bench.watch.reload()
  await bench.timer.pass(0)
  expect(kinds(bench)).toEqual(['plan-reloaded'])
  await bench.stop()
})

test('while another process runs the plan it waits, and then runs', async () => {
  const bench = watchBench(planOf(nightly), '2026-11-26T01:59:00Z', ran('2026-11-25T02:00Z'))
  bench.outcome = 'busy'
  await bench.timer.pass(72_000)
  expect(bench.runs).toHaveLength(3)
  bench.outcome = 'passed'
  await bench.timer.pass(60_000)
  expect(bench.runs).toHaveLength(4)
  await bench.stop()
})

test('a run that fails is not tried again before it is due again', async () => {
  const bench = watchBench(planOf(nightly), '2026-11-26T01:59:00Z', ran('2026-11-25T02:00Z'))
  bench.outcome = 'failed'
  await bench.timer.pass(hour)
  expect(bench.runs).toHaveLength(1)
  await bench.stop()
})

test('a stop in the middle of a run begins nothing more', async () => {
  const bench = watchBench(planOf(nightly, log), '2026-11-26T01:59:50Z', ran('2026-11-25T02:00Z'))
  bench.takesMs = hour
  await bench.timer.pass(20_000)
  const before = bench.runs.length
  await bench.stop()
  expect(bench.runs).toHaveLength(before)
  expect(bench.timer.pending).toBe(0)
})
