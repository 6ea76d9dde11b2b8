import { expect, test } from 'vitest'
import type { Disk } from '../../../engine/index.ts'
import { runsOf } from '../../../planner/audit/ledger-run.ts'
import {
  mayJoin,
  moveWaiting,
  readWaiting,
  toEntry,
  wait,
} from '../../../planner/ledger/hour-journal.ts'
import { Ledger } from '../../../planner/ledger/ledger.ts'
import type { LedgerBody, LedgerLine } from '../../../planner/ledger/ledger-line.ts'
import { readLedger, walkLines } from '../../../planner/ledger/ledger-reader.ts'
import { breakLock } from '../../support/collections.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { stepAt } from '../../support/ledger-builder.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { manualTimer } from '../../support/manual-timer.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const file = '/plans/.vectra-dr/ledger.jsonl'
const plan = 'test'
const header = { plan, planSha256: 'a'.repeat(64), gitCommit: null, run: '' }
const start = Date.parse('2026-11-26T10:00:00Z')
const minute = 60_000

const iso = (at: number): string => new Date(at).toISOString()

function openLedger(disk: Disk): Ledger {
  const clock = manualClock(start + 1e9)
  return new Ledger(file, { disk, clock, timer: manualTimer(clock) })
}

const newDisk = (): MemoryDisk => new MemoryDisk()

/** What the runner writes of one archive run; `failed` and `dead` ones leave less. */
function entriesOf(index: number, ends: 'passed' | 'failed' | 'dead', at: number): LedgerBody[] {
  const record = stepAt(at, at + 1_000, {
    ...{ step: 'archive', kind: 'archive', inputs: { to: 'offsite' } },
    outcome: ends === 'passed' ? 'passed' : 'failed',
    outputs: ends === 'passed' ? { lsn: index, archives: [{ lsn: index, empty: [] }] } : {},
  })
  const all: LedgerBody[] = [
    {
      ...{ kind: 'run-started', sequence: { kind: 'schedule', name: 'ship' }, proves: [] },
      ...{ planFile: 'p.yaml', version: '0.1.0', dueAt: iso(at) },
    },
    { kind: 'step-started', stage: 'steps', step: 'archive', stepKind: 'archive', inputs: {} },
    { kind: 'step', record },
    {
      ...{ kind: 'run-ended', outcome: ends === 'passed' ? 'passed' : 'failed' },
      ...{ startedAt: iso(at), endedAt: iso(at + 1_000), durationMs: 1_000 },
    },
  ]
  return ends === 'dead' ? all.slice(0, 2) : all
}

const writtenAt = ({ kind }: LedgerBody, at: number): string =>
  iso(kind === 'step' || kind === 'run-ended' ? at + 1_000 : at)

/** As a run does it: makes room, writes, and leaves a failure to the ledger. */
async function run(
  disk: Disk,
  index: number,
  ends: 'passed' | 'failed' | 'dead' = 'passed',
  at = start + index * minute,
  id = `run-${index}`,
): Promise<void> {
  const of = { ...header, run: id }
  if (!(await mayJoin(disk, file, of, iso(at))))
    await moveWaiting(disk, openLedger(disk), plan, undefined)
  for (const body of entriesOf(index, ends, at)) {
    await wait(disk, file, plan, { header: of, body, at: writtenAt(body, at) })
  }
  if (ends === 'failed') await moveWaiting(disk, openLedger(disk), plan, undefined)
}

async function linesOf(disk: Disk): Promise<LedgerLine[]> {
  const lines: LedgerLine[] = []
  const { problem } = await walkLines(disk, file, (line) => lines.push(line))
  expect(problem).toBeUndefined()
  return lines
}

const move = (disk: Disk) => moveWaiting(disk, openLedger(disk), plan, undefined)

test('runs of an hour that passed are one line, and readers find each of them whole', async () => {
  const disk = newDisk()
  const alone = newDisk()
  for (let i = 0; i < 12; i++) {
    await run(disk, i)
    for (const body of entriesOf(i, 'passed', start + i * minute)) {
      const at = writtenAt(body, start + i * minute)
      await openLedger(alone).append({ ...header, run: `run-${i}` }, body, at)
    }
  }
  expect(await linesOf(disk)).toEqual([])
  expect(await move(disk)).toBe(1)
  expect(await linesOf(disk)).toMatchObject([{ kind: 'runs-summed', run: 'run-11', line: 1 }])
  expect(await readWaiting(disk, file, plan)).toEqual([])
  const withoutLines = async (of: Disk) =>
    runsOf(plan, (await readLedger(of, file)).entries).map(({ line: _, steps, ...each }) => ({
      ...each,
      steps: steps.map(({ record }) => record),
    }))
  expect(await withoutLines(disk)).toEqual(await withoutLines(alone))
  const bytes = async (of: Disk) => (await of.readFile(file, 1e9)).length
  expect(await bytes(disk)).toBeLessThan((await bytes(alone)) / 3)
})

test('a new hour, a changed plan and another shape each begin a sum; a failure stands alone', async () => {
  const disk = newDisk()
  await run(disk, 0)
  await run(disk, 1)
  await run(disk, 2, 'failed')
  await run(disk, 3)
  await run(disk, 70)
  await run(disk, 71)
  await move(disk)
  const kinds = (await linesOf(disk)).map((line) =>
    line.kind === 'runs-summed' ? `${line.rows.length} runs to ${line.run}` : line.kind,
  )
  expect(kinds).toEqual([
    '2 runs to run-1',
    ...['run-started', 'step-started', 'step', 'run-ended'],
    '1 runs to run-3',
    '2 runs to run-71',
  ])
  const changed = { ...header, planSha256: 'b'.repeat(64) }
  await run(disk, 72)
  expect(await mayJoin(disk, file, header, iso(start + 72 * minute))).toBe(true)
  expect(await mayJoin(disk, file, changed, iso(start + 72 * minute))).toBe(false)
  expect(await mayJoin(disk, file, header, iso(start + 130 * minute))).toBe(false)
})

test('what waits is there for readers of today, also of a run whose process died', async () => {
  const disk = newDisk()
  await run(disk, 0)
  await run(disk, 1, 'dead')
  const waiting = (await readWaiting(disk, file, plan)).map(toEntry)
  expect(runsOf(plan, waiting).map(({ ended }) => ended?.outcome)).toEqual(['passed', undefined])
  await run(disk, 2)
  expect((await linesOf(disk)).map(({ kind }) => kind)).toEqual([
    ...['runs-summed', 'run-started', 'step-started'],
  ])
  expect(await readWaiting(disk, file, plan)).toHaveLength(4)
})

test('damage in the middle of what waits is told, what stands before it is moved, and the file is kept', async () => {
  const disk = newDisk()
  for (let i = 0; i < 3; i++) await run(disk, i)
  const journal = `${file}.test.hour`
  const bytes = await disk.readFile(journal, 1e9)
  const lines = bytes.toString('utf8').split('\n')
  const damagedBytes = Buffer.from(lines.with(5, '\0\0\0').join('\n'))
  await disk.unlink(journal)
  const handle = await disk.open(journal, 'create')
  await handle.write(damagedBytes, 0)
  await handle.close()
  expect(await mayJoin(disk, file, header, iso(start))).toBe(false)
  await move(disk)
  expect((await linesOf(disk)).map((line) => line.kind)).toEqual([
    ...['runs-summed', 'run-started', 'remark'],
  ])
  expect(await disk.readFile(`${journal}.damaged-1`, 1e9)).toEqual(damagedBytes)
  await run(disk, 3)
  expect(await readWaiting(disk, file, plan)).toHaveLength(4)
})

test('case 2: a kill or power cut at any call loses no run, doubles none and breaks no chain', async () => {
  const random = seededRandom(20261127)
  const story: readonly ('passed' | 'failed')[] = ['passed', 'passed', 'failed', 'passed', 'passed']
  let cuts = 0
  for (let at = 1; ; at++) {
    let disk = newDisk()
    const done = new Map<string, 'passed' | 'failed'>()
    let next = 0
    let process = 0
    const goOn = async (on: Disk) => {
      process += 1
      for (; next < story.length; next++) {
        const id = `run-${next}-of-${process}`
        const ends = story[next] ?? 'passed'
        await run(on, next, ends, start + next * 20 * minute, id)
        done.set(id, ends)
      }
    }
    // the second process dies too, while it clears up behind the first
    for (const call of [at, 1 + (at % 23)]) {
      const dying = new FaultyDisk(disk, {
        at: call,
        times: Number.POSITIVE_INFINITY,
        errno: 'EIO',
      })
      await goOn(dying).catch(() => {})
      if (dying.hits === 0 && process > 1) break
      if (dying.hits === 0) {
        expect(cuts).toBeGreaterThan(60)
        return
      }
      cuts += 1
      disk = disk.crash(random.integer(2 ** 31))
      if ((await disk.stat(`${file}.lock/LOCK`)) !== undefined) {
        await breakLock(disk, `${file}.lock`)
      }
    }
    await goOn(disk)
    await move(disk)
    const { problem, entries } = await readLedger(disk, file)
    expect(problem).toBeUndefined()
    for (const kind of ['run-started', 'run-ended']) {
      const runs = entries.filter((entry) => entry.kind === kind).map((entry) => entry.run)
      expect([at, kind, runs]).toEqual([at, kind, [...new Set(runs)]])
    }
    const found = new Map(runsOf(plan, entries).map((each) => [each.run, each.ended?.outcome]))
    for (const [id, ends] of done) expect([at, id, found.get(id)]).toEqual([at, id, ends])
  }
})
