import { rm } from 'node:fs/promises'
import * as path from 'node:path'
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

test('live, an idle source does not age, a write shows, and what is gone from a destination no longer counts', async () => {
  const { file, directory } = await smallPlan((text) =>
    text.replace('drills:', `${verified}drills:`),
  )
  const clock = manualClock(Date.parse('2026-11-26T02:00:00Z'))
  expect(await dr(['run', file, '--due'], { clock })).toMatchObject({ exitCode: 0 })
  clock.advance(20 * 60_000)
  expect((await dr(['status', file], { clock })).stdout).toMatch(/points +15 min +20 min +beyond/)
  const live = await dr(['status', file, '--live'], { clock })
  expect(live).toMatchObject({ exitCode: 0 })
  expect(live.stdout).toMatch(/points +15 min +0 s +within/)
  expect(live.stdout).toMatch(/points +local +LSN \d+, 50 points/)
  // the same points once more are a write
  const again = file.replace('small.yaml', 'again.yaml')
  const { readFile, writeFile } = await import('node:fs/promises')
  await writeFile(again, (await readFile(file, 'utf8')).replace('name: small', 'name: again'))
  expect((await dr(['run', again])).exitCode).toBe(0)
  const written = await dr(['status', file, '--live'], { clock })
  expect(written.stdout).toMatch(/points +15 min +20 min +beyond/)
  // of which the other plan has a snapshot there, that this one has not verified
  expect(written.stdout).toMatch(/points +backups +points_\S+, LSN \d+ +.*not verified/)
  await rm(path.join(directory, 'backups'), { recursive: true })
  const gone = await dr(['status', file, '--live', '--json'], { clock })
  expect(gone.objects().at(-1)).toMatchObject({
    collections: [{ collection: 'points', exposureMs: null, state: 'unproven' }],
    recoveryPoints: [],
    live: {
      collections: [{ collection: 'points', target: 'local', count: 50, error: null }],
      destinations: [{ destination: 'backups', snapshots: 0, error: null }],
    },
  })
  await rm(path.join(directory, 'store'), { recursive: true })
  const lost = await dr(['status', file, '--live'], { clock })
  expect(lost).toMatchObject({ exitCode: 0 })
  expect(lost.stdout).toMatch(/points +local +not known: /)
})

test('it counts the findings of check, and says where they are told', async () => {
  const { file } = await smallPlan()
  const checked = (await dr(['check', file, '--json'])).objects().at(-1)?.['error'] as {
    readonly message: string
  }
  const { stdout } = await dr(['status', file])
  const [, counts = ''] = /^findings: (.+); vectra-dr check /m.exec(stdout) ?? []
  expect(checked.message).toContain(counts)
  expect(counts).toMatch(/\d+ errors?, \d+ warnings?, \d+ notes?/)
})
