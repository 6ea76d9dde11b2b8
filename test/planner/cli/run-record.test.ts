import { readFile, rename, writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { generateSigningKey } from '../../../engine/repository/generate-key.ts'
import { dr, smallPlan } from '../../support/dr-command.ts'
import { manualClock } from '../../support/manual-clock.ts'

const archive = `  ship:
    every: 5m
    steps:
      - archive: { collections: [points], to: backups }
`

async function archivingPlan(more = '') {
  const { directory, file, state } = await smallPlan((text) =>
    text.replace('drills:', `${archive}drills:`).concat(more),
  )
  await generateSigningKey(path.join(directory, 'ledger.pem'))
  const clock = manualClock(Date.parse('2026-11-26T10:00:00Z'))
  const ledger = path.join(state, 'ledger.jsonl')
  const run = (...argv: string[]) => dr(argv, { clock })
  expect(await run('run', file, '--schedule', 'nightly')).toMatchObject({ exitCode: 0 })
  return {
    ...{ directory, file, clock, ledger, run },
    ship: () => run('run', file, '--schedule', 'ship'),
    async kinds(): Promise<string[]> {
      const lines = (await readFile(ledger, 'utf8')).trimEnd().split('\n')
      return lines
        .slice(lines.findIndex((line) => line.includes('"run-ended"')) + 1)
        .map((line) => {
          const { kind, rows } = JSON.parse(line)
          return rows === undefined ? kind : `${rows.length} ${kind}`
        })
    },
  }
}

test('archive runs that pass are one line an hour, and status, next and --due know them before', async () => {
  const { file, clock, run, ship, kinds } = await archivingPlan()
  for (let i = 0; i < 3; i++) {
    expect(await ship()).toMatchObject({ exitCode: 0 })
    clock.advance(5 * 60_000)
  }
  expect(await kinds()).toEqual([])
  clock.advance(-4 * 60_000)
  const { stdout } = await run('status', file)
  expect(stdout).toMatch(/points +backups +archived log to LSN \d+ +1 min ago/)
  expect(stdout).toMatch(/schedule ship +in 4 min/)
  expect((await run('run', file, '--due')).stdout).toContain('nothing is due')
  clock.advance(60 * 60_000)
  expect(await ship()).toMatchObject({ exitCode: 0 })
  expect(await kinds()).toEqual(['3 runs-summed'])
  const shown = await run('ledger', 'show', file)
  expect(shown.stdout).toContain('3 runs of schedule ship of small passed')
  expect(await run('ledger', 'verify', file)).toMatchObject({ exitCode: 0 })
})

test('check knows archive runs of the hour that goes on', async () => {
  const { file, ledger, run, ship } = await archivingPlan()
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replace('every: 5m', 'every: 5m\n    timeout: 10s'))
  expect(await ship()).toMatchObject({ exitCode: 0 })
  const rule = async (): Promise<unknown> =>
    (await run('check', file, '--json'))
      .objects()
      .find(({ code }) => code === 'timeout-below-measured')
  expect(await rule()).toBeUndefined()
  // as if it had taken longer
  const hour = `${ledger}.small.hour`
  const waiting = await readFile(hour, 'utf8')
  const slow = waiting.replace(/.*"run-ended".*/, (end) =>
    end.replace(/"durationMs":\d+/, '"durationMs":9000'),
  )
  expect(slow).not.toBe(waiting)
  await writeFile(hour, slow)
  expect(await rule()).toMatchObject({ message: expect.stringContaining('took 9 s') })
})

test('a run that fails stands alone behind the sum, and one that is no archive closes the hour', async () => {
  const { directory, file, run, ship, kinds } = await archivingPlan()
  await ship()
  await ship()
  const backups = path.join(directory, 'backups')
  await rename(backups, `${backups}-away`)
  await rename(path.join(directory, 'store'), path.join(directory, 'store-away'))
  expect((await ship()).exitCode).toBe(15)
  await rename(`${backups}-away`, backups).catch(() => {})
  await rename(path.join(directory, 'store-away'), path.join(directory, 'store')).catch(() => {})
  const failed = ['2 runs-summed', 'run-started', 'step-started', 'step', 'run-ended']
  expect(await kinds()).toEqual(failed)
  await ship()
  expect(await kinds()).toEqual(failed)
  await run('run', file, '--schedule', 'nightly')
  expect((await kinds()).slice(0, 7)).toEqual([...failed, '1 runs-summed', 'run-started'])
})

test('an audit closes the hour, and what it moves is signed', async () => {
  const { file, run, ship, kinds } = await archivingPlan(
    'ledger: { signing: { keyFile: ./ledger.pem } }\n',
  )
  await ship()
  await ship()
  expect(await kinds()).toEqual(['signature'])
  await run('audit', file)
  expect(await kinds()).toEqual(['signature', '2 runs-summed', 'signature'])
  await ship()
  await run('run', file, '--schedule', 'nightly')
  expect((await kinds()).slice(3, 6)).toEqual(['1 runs-summed', 'signature', 'run-started'])
  const [proof] = (await run('ledger', 'verify', file, '--json')).objects()
  expect(proof).toMatchObject({ signatures: { count: 4, unsignedRuns: [] } })
})
