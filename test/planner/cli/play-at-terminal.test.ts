import { readdir, readFile, writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { OperatingError, sha256Hex } from '../../../engine/index.ts'
import { dr } from '../../support/dr-command.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { manualTimer } from '../../support/manual-timer.ts'
import { minutes, shopFile } from '../../support/played-exercise.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

/** A facilitator who says the next line once the screen shows what they wait for. */
async function table() {
  const state = await temporaryDirectory()
  const clock = manualClock()
  const timer = manualTimer(clock)
  const argv = ['tabletop', shopFile, '--state', state, '--scenario', 'region-loss', '--play']
  const sit = (ask: (screen: () => string) => Promise<string | undefined>) => {
    let screen = ''
    const output = {
      write: async (text: string) => {
        screen += text
      },
      ...{ isTerminal: true, columns: 80, rows: 24 },
    }
    const io = { clock, timer, stdout: output, stderr: output, ask: () => ask(() => screen) }
    return dr(argv, io).then(({ exitCode }) => ({ exitCode, screen }))
  }
  const lines = (...said: readonly string[]) => {
    const left = [...said]
    return sit(async () => left.shift() ?? 'pause')
  }
  return { state, timer, sit, lines }
}

test('what the clock brings is shown while somebody types, and the line that they type is kept', async () => {
  const { sit, timer } = await table()
  let asked = 0
  const { exitCode, screen } = await sit(async (shown) => {
    asked += 1
    if (asked === 2) return 'pause'
    await timer.pass(minutes(1) + 1)
    while (!shown().includes('is called')) await timer.pass(0)
    expect(shown()).toContain('[+1m] Search errors rise to 100 %.')
    await timer.pass(minutes(2))
    return 'note It was dark.'
  })
  expect(exitCode).toBe(0)
  expect(screen).toContain('[+3m] note: It was dark.')
})

test('a pause stops the clock: days later it goes on where it was', async () => {
  const { lines, timer, state } = await table()
  const first = await lines('', '', 'pause')
  expect(first.screen).toContain('paused; kept in')
  expect(await readdir(path.join(state, 'exercises'))).toHaveLength(1)
  await timer.pass(3 * 86_400_000)
  const second = await lines('status')
  expect(second.screen).toContain('goes on at +6m')
  // what happened before is told once
  expect(second.screen.match(/Search errors rise/g)).toHaveLength(1)
  expect(second.screen).toContain('+6m; answered: nobody')
})

test('the questions of the story come before its end, and a second end leaves them out', async () => {
  const { lines } = await table()
  const { exitCode, screen } = await lines('end', 'reply 1 The lead.', 'end')
  expect(exitCode).toBe(0)
  expect(screen).toContain('2: What do customers see meanwhile?')
  expect(screen).toContain('question 1: Who may give up the region? The lead.')
  expect(screen).toContain('0 of 5 objectives reached')
})

test('Ctrl-D pauses: the story does not go on without its people', async () => {
  const { sit, lines } = await table()
  const said = ['', undefined]
  const first = await sit(async () => said.shift())
  expect(first.exitCode).toBe(0)
  expect(first.screen).toContain('[+1m] Search errors rise to 100 %.')
  expect(first.screen).toContain('paused; kept in')
  expect((await lines('status')).screen).toContain('goes on at +1m')
})

test('Enter with nothing left to come pauses after a while: nobody is there any more', async () => {
  const { sit } = await table()
  const { exitCode, screen } = await sit(async () => '')
  expect(exitCode).toBe(0)
  expect(screen).toContain('Nothing more comes by itself')
  expect(screen).toContain('paused; kept in')
})

test('an exercise that ended when the process died is ended by the same command', async () => {
  const { lines, state } = await table()
  await lines('', 'pause')
  const file = path.join(state, 'exercises', 'shop-scenarios-region-loss.json')
  const { sha256: _, ...kept } = JSON.parse(await readFile(file, 'utf8'))
  kept.events.push({ atMs: kept.nowMs, kind: 'ended' })
  await writeFile(file, JSON.stringify({ ...kept, sha256: sha256Hex(JSON.stringify(kept)) }))
  const { exitCode, screen } = await lines()
  expect(exitCode).toBe(0)
  expect(screen).toContain('had ended, and its report is written now')
  expect(await readdir(path.join(state, 'exercises'))).toEqual([])
  expect(await readFile(path.join(state, 'ledger.jsonl'), 'utf8')).toContain('"kind":"exercise"')
})

test('Ctrl-C keeps it and ends with 130', async () => {
  const { sit, state } = await table()
  const { exitCode, screen } = await sit(() => {
    throw new OperatingError('interrupted', 'stopped by SIGINT', '')
  })
  expect(exitCode).toBe(130)
  expect(screen).toContain('Give the same command again')
  expect(await readdir(path.join(state, 'exercises'))).toHaveLength(1)
})
