import { expect, test } from 'vitest'
import { dr, smallPlan } from '../../support/dr-command.ts'
import { manualClock } from '../../support/manual-clock.ts'

const verified =
  '      - verify: { in: backups, collection: points, snapshot: latest, depth: objects }\n'

test('status shows exposure, recovery points, drills and next runs, and what was never proven is not met', async () => {
  const { file } = await smallPlan((text) => text.replace('drills:', `${verified}drills:`))
  const clock = manualClock(Date.parse('2026-11-26T02:00:00Z'))
  const before = await dr(['status', file], { clock })
  expect(before).toMatchObject({ exitCode: 0 })
  expect(before.stdout).toMatch(/points +15 min +no verified recovery point +unproven/)
  expect(before.stdout).toMatch(/lost +never/)
  expect(await dr(['run', file, '--due'], { clock })).toMatchObject({ exitCode: 0 })
  clock.advance(10 * 60_000)
  const within = await dr(['status', file], { clock })
  expect(within.stdout).toMatch(/points +15 min +10 min +within/)
  expect(within.stdout).toMatch(/points +backups +points_\S+, LSN \d+ +10 min ago +10 min ago/)
  expect(within.stdout).toMatch(/schedule nightly +in 23 h 50 min/)
  clock.advance(10 * 60_000)
  const [status] = (await dr(['status', file, '--json'], { clock })).objects()
  expect(status).toMatchObject({
    outcome: 'done',
    collections: [{ collection: 'points', rpoMs: 900_000, exposureMs: 1_200_000, state: 'beyond' }],
  })
})

test('a snapshot that nobody verified protects nothing yet, and the last drill stands with its verdicts', async () => {
  const { file } = await smallPlan()
  expect(await dr(['drill', file, '--yes'])).toMatchObject({ exitCode: 0 })
  const { stdout } = await dr(['status', file])
  expect(stdout).toMatch(/no verified recovery point +unproven/)
  expect(stdout).toMatch(/backups +points_\S+, LSN \d+ .* not verified/)
  expect(stdout).toMatch(
    /lost +\d+ s ago +passed +rpo of points met, rto of points met, recall of points met/,
  )
})
