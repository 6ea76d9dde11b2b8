import { readFile, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { OperatingError } from '../../../engine/index.ts'
import { dr } from '../../support/dr-command.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { manualTimer } from '../../support/manual-timer.ts'
import { runsIn, stamp, timedPlan } from '../../support/timed-plan.ts'

const nightly = `  nightly:
    cron: "30 2 * * *"
    steps:
      ${stamp}
`

/** The daemon on clocks of its own; `until` lets time pass until the condition holds. */
function start(argv: readonly string[], startAt: string) {
  const clock = manualClock(Date.parse(startAt))
  const timer = manualTimer(clock)
  const stop = new AbortController()
  let hangUp = () => {}
  let said = ''
  const done = dr(['daemon', ...argv], {
    clock,
    timer,
    stopSignal: stop.signal,
    onHangUp: (act) => {
      hangUp = act
      return () => {}
    },
    stderr: {
      isTerminal: false,
      columns: 0,
      rows: 0,
      write: async (text) => {
        said += text
      },
    },
  })
  return {
    clock,
    done,
    said: () => said,
    hangUp: () => hangUp(),
    until: async (condition: () => Promise<boolean> | boolean) => {
      while (!(await condition())) await timer.pass(1)
    },
    stop: () => {
      stop.abort(new OperatingError('terminated', 'stopped by SIGTERM', ''))
      return done
    },
  }
}

test('the daemon runs what is due, takes up a changed plan, keeps the old one for an invalid one, and stops', async () => {
  const { file, state } = await timedPlan(nightly)
  // loads what a run loads while nobody's clock turns
  await import('../../../planner/cli/run-daemon.ts')
  const clock = manualClock(Date.parse('2026-11-25T01:30:00Z'))
  expect(await dr(['run', file, '--due'], { clock })).toMatchObject({ exitCode: 0 })
  const daemon = start([file], '2026-11-26T01:29:59Z')
  await daemon.until(async () => (await runsIn(state)).length === 2)
  expect((await runsIn(state)).slice(1)).toEqual([['nightly', '2026-11-26T01:30:00.000Z']])
  await daemon.until(() => daemon.said().includes('passed in'))
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replace('cron:', 'corn:'))
  daemon.clock.advance(6_000)
  await daemon.until(() => daemon.said().includes('stays in force'))
  expect(daemon.said()).toContain('unknown key "corn"')
  await writeFile(file, text.replace('"30 2', '"32 2'))
  daemon.hangUp()
  await daemon.until(() => daemon.said().includes('plan small is reloaded'))
  daemon.clock.advance(120_000)
  await daemon.until(async () => (await runsIn(state)).length === 3)
  expect((await runsIn(state))[2]).toEqual(['nightly', '2026-11-26T01:32:00.000Z'])
  await daemon.until(() => daemon.said().split('passed in').length === 3)
  expect(await daemon.stop()).toMatchObject({ exitCode: 0 })
})

test('programs are told what is wrong with a plan that is not taken up, and of one that is', async () => {
  const { file, state } = await timedPlan(nightly)
  const daemon = start([file, '--json'], '2026-11-26T01:29:59Z')
  await daemon.until(async () => (await runsIn(state)).length === 1)
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replace('cron:', 'corn:'))
  daemon.hangUp()
  await daemon.until(() => daemon.said().includes('stays in force'))
  await writeFile(file, text.replace('"30 2', '"32 2'))
  daemon.hangUp()
  await daemon.until(() => daemon.said().includes('plan small is reloaded'))
  const { stdout } = await daemon.stop()
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(events.find(({ event }) => event === 'plan-refused')).toMatchObject({
    plan: 'small',
    error: {
      code: 'plan-invalid',
      details: expect.arrayContaining([
        expect.objectContaining({ message: expect.stringContaining('unknown key "corn"') }),
      ]),
    },
  })
  expect(events.find(({ event }) => event === 'plan-reloaded')).toMatchObject({ sequences: 1 })
})

test('a stop during a run stops its steps, runs its clean-up, and exits 143', async () => {
  const long =
    nightly.replace('"0"', '"setInterval(() => {}, 1000)"') +
    '    always:\n      - exec: { command: [node, -e, "0"] }\n        id: tidy\n'
  const { file, state } = await timedPlan(long)
  const daemon = start([file], '2026-11-26T01:29:59Z')
  await daemon.until(async () => (await runsIn(state)).length === 1)
  expect(await daemon.stop()).toMatchObject({ exitCode: 143 })
  expect(daemon.said()).toContain('ok      tidy')
})

test('plans of one name are refused, and so is an address for metrics that is none', async () => {
  const { file } = await timedPlan(nightly)
  expect(await dr(['daemon', file, file])).toMatchObject({ exitCode: 2 })
  expect(await dr(['daemon', file, '--metrics', 'localhost'])).toMatchObject({ exitCode: 2 })
  expect(await dr(['daemon', file, '--metrics', '0.0.0.0:0'])).toMatchObject({ exitCode: 2 })
})
