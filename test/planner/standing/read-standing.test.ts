import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { nodeDisk } from '../../../engine/index.ts'
import { recoveryPoints } from '../../../planner/audit/recovery-points.ts'
import { Ledger } from '../../../planner/ledger/ledger.ts'
import { readLedger } from '../../../planner/ledger/ledger-reader.ts'
import { historyOf } from '../../../planner/run/history.ts'
import { servedTimes } from '../../../planner/schedule/served-times.ts'
import { readStanding, standingFile } from '../../../planner/standing/read-standing.ts'
import { Standing, standingOf } from '../../../planner/standing/standing.ts'
import { writeLargeLedger } from '../../support/large-ledger.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { manualTimer } from '../../support/manual-timer.ts'
import { suiteDirectory, temporaryDirectory } from '../../support/temporary-directory.ts'

const plan = 'small'
const lines = 2_400
let original: Buffer = Buffer.alloc(0)
let originalHead: Buffer = Buffer.alloc(0)

const suite = suiteDirectory()

beforeAll(async () => {
  const file = path.join(suite.path, 'ledger.jsonl')
  await writeLargeLedger(file, plan, lines)
  original = await readFile(file)
  originalHead = await readFile(`${file}.head`)
})

/** A copy of the ledger, and what it is remembered by. */
async function remembered(): Promise<{ readonly ledger: string; readonly memory: string }> {
  const ledger = path.join(await temporaryDirectory(), 'ledger.jsonl')
  await writeFile(ledger, original)
  await writeFile(`${ledger}.head`, originalHead)
  await readStanding(nodeDisk, ledger, plan)
  return { ledger, memory: standingFile(ledger, plan) }
}

const read = (ledger: string) => readStanding(nodeDisk, ledger, plan)

async function append(ledger: string, run: string): Promise<void> {
  const clock = manualClock(Date.parse('2027-01-01T00:00:00Z'))
  const writer = new Ledger(ledger, { disk: nodeDisk, clock, timer: manualTimer(clock) })
  const header = { plan, planSha256: '5'.repeat(64), gitCommit: null, run }
  await writer.append(header, {
    kind: 'run-started',
    sequence: { kind: 'schedule', name: 'nightly' },
    proves: [],
    ...{ planFile: 'small.yaml', version: '0.1.0' },
  })
}

test('a standing says what the readers of the whole ledger say', async () => {
  const { ledger } = await remembered()
  const { entries } = await readLedger(nodeDisk, ledger)
  const { standing } = await read(ledger)
  expect(standing.served()).toEqual(servedTimes(plan, entries))
  expect(standing.recoveryPoints()).toEqual(recoveryPoints(plan, entries))
  for (const [name, kind] of [
    ['nightly', 'backup'],
    ['archive', 'archive'],
  ] as const) {
    const sequence = { kind: 'schedule', name }
    const durations = standing.history(sequence).durationsMs(kind, kind)
    expect(durations).toEqual(historyOf(entries, plan, sequence).durationsMs(kind, kind))
    expect(durations.length).toBeGreaterThan(9)
  }
  const drill = standing.drill('lost')
  expect(drill?.entries).toEqual(entries.filter(({ run }) => run === drill?.run))
})

test('put down anywhere and taken up again it is the same', async () => {
  const { ledger } = await remembered()
  const { entries } = await readLedger(nodeDisk, ledger)
  const whole = standingOf(plan, entries).known()
  for (const cut of [0, 1, 2, 7, 1_000, 1_001, 1_002, 1_003, 2_000, entries.length]) {
    const first = standingOf(plan, entries.slice(0, cut))
    const second = new Standing(plan, JSON.parse(JSON.stringify(first.known())))
    for (const entry of entries.slice(cut)) second.read(entry)
    expect([cut, second.known()]).toEqual([cut, whole])
  }
})

test('what is remembered is used, and what was appended since is read and proven', async () => {
  const { ledger, memory } = await remembered()
  const before = await readFile(memory, 'utf8')
  await append(ledger, 'later')
  const { standing, last, problem } = await read(ledger)
  expect([last.line, problem]).toEqual([lines + 1, undefined])
  expect(standing.newest()?.run).toBe('later')
  expect(await readFile(memory, 'utf8')).toBe(before)
  const text = await readFile(ledger, 'utf8')
  await writeFile(ledger, text.replace('"run":"later"', '"run":"other"'))
  expect((await read(ledger)).problem).toMatchObject({ line: lines + 1 })
})

test.each(['in its middle', 'in its first line'])(
  'case 96: a ledger that was changed %s is read again and named',
  async (where) => {
    const { ledger } = await remembered()
    const text = await readFile(ledger, 'utf8')
    const at = where === 'in its middle' ? text.indexOf('"passed"', text.length / 2) : 0
    await writeFile(ledger, text.slice(0, at) + text.slice(at).replace('passed', 'failed'))
    const { problem, last } = await read(ledger)
    expect(problem?.line).toBe(last.line + 1)
    expect(last.line).toBeLessThan(lines)
  },
)

test('case 96: a ledger that was cut or replaced is not what is remembered', async () => {
  const { ledger } = await remembered()
  const text = await readFile(ledger, 'utf8')
  await writeFile(ledger, text.split('\n').slice(0, 100).join('\n').concat('\n'))
  expect((await read(ledger)).problem).toMatchObject({ line: 101 })
  await rm(ledger)
  expect((await read(ledger)).problem).toMatchObject({ line: 1 })
})

test('a memory that is damaged, of another plan or gone is none', async () => {
  const { ledger, memory } = await remembered()
  const good = await readFile(memory)
  const wanted = (await read(ledger)).standing.known()
  const flipped = Buffer.from(good)
  flipped[200] = (flipped[200] ?? 0) ^ 1
  for (const bytes of [Buffer.alloc(0), good.subarray(0, 500), flipped, Buffer.from('{}')]) {
    await writeFile(memory, bytes)
    expect((await read(ledger)).standing.known()).toEqual(wanted)
    expect(await readFile(memory)).toEqual(good)
  }
  await writeFile(standingFile(ledger, 'other'), good)
  expect((await readStanding(nodeDisk, ledger, 'other')).standing.known().points).toEqual([])
  await rm(memory)
  expect((await read(ledger)).standing.known()).toEqual(wanted)
})

test('a ledger with a problem and a small one are not remembered', async () => {
  const ledger = path.join(await temporaryDirectory(), 'ledger.jsonl')
  await append(ledger, 'one')
  await read(ledger)
  await expect(stat(standingFile(ledger, plan))).rejects.toThrow('ENOENT')
  await writeFile(ledger, original)
  await writeFile(`${ledger}.head`, '{}')
  expect((await read(ledger)).problem).toBeDefined()
  await expect(stat(standingFile(ledger, plan))).rejects.toThrow('ENOENT')
})
