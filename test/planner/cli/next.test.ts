import { expect, test } from 'vitest'
import { dr, smallPlan } from '../../support/dr-command.ts'
import { manualClock } from '../../support/manual-clock.ts'

const timed = () =>
  smallPlan((text) =>
    text.replace(
      'cron: "0 2 * * *"',
      'cron: "30 2 * * *"\n    timezone: Europe/Zurich\n    jitter: 5m',
    ),
  )

test('next lists the coming runs in their zone, across the night that has the hour twice', async () => {
  const { file } = await timed()
  const clock = manualClock(Date.parse('2026-10-23T22:00:00Z'))
  const { stdout, exitCode } = await dr(['next', file], { clock })
  expect(exitCode).toBe(0)
  expect(stdout.trimEnd().split('\n')).toEqual([
    'due                         time zone                     jitter         what',
    '2026-10-24 02:30:00 +02:00  Europe/Zurich  in 2 h 30 min  + up to 5 min  schedule nightly',
    '2026-10-25 02:30:00 +02:00  Europe/Zurich  in 1 d 2 h     + up to 5 min  schedule nightly',
    '2026-10-26 02:30:00 +01:00  Europe/Zurich  in 2 d 3 h     + up to 5 min  schedule nightly',
  ])
})

test('next with --json gives the due time, the start with jitter and the latest start', async () => {
  const { file } = await timed()
  const clock = manualClock(Date.parse('2026-10-23T22:00:00Z'))
  const [last] = (await dr(['next', file, '--json', '--count', '1'], { clock })).objects()
  expect(last).toMatchObject({
    outcome: 'done',
    runs: [
      {
        name: 'nightly',
        timezone: 'Europe/Zurich',
        dueAt: '2026-10-24T00:30:00.000Z',
        latestStartAt: '2026-10-24T00:35:00.000Z',
        due: false,
      },
    ],
  })
})

test('a count that is none exits 2', async () => {
  const { file } = await timed()
  expect(await dr(['next', file, '--count', '0'])).toMatchObject({ exitCode: 2 })
})
