import { appendFile, readFile, writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { nodeDisk, OperatingError } from '../../../engine/index.ts'
import { readLedger } from '../../../planner/ledger/ledger-reader.ts'
import { pastRuns } from '../../../planner/run/past-run.ts'
import { cutLedger } from '../../support/cut-ledger.ts'
import { dr, smallPlan } from '../../support/dr-command.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { manualTimer } from '../../support/manual-timer.ts'

const exec = (id: string, code: string, more = '') =>
  `      - exec: { command: [node, -e, ${JSON.stringify(code)}]${more} }\n        id: ${id}\n`
const write = (word: string) => `require("fs").appendFileSync("ran", "${word} ")`

const schedules = (steps: string, more = '') => `schedules:
  nightly:
    cron: "0 2 * * *"
${more}    steps:
${steps}    always:
${exec('tidy', write('tidy'), ', repeatable: true')}`

const plan = (text: string) => smallPlan((whole) => whole.replace(/schedules:[\s\S]*$/, () => text))

/** The due time of the run that dies, and a moment a minute later. */
const [dueAt, soonAfter] = [Date.parse('2026-11-26T02:00:00Z'), Date.parse('2026-11-26T02:01:00Z')]

/** Runs what is due to its end, and lets it have died at the end of a line of its ledger. */
async function die(file: string, state: string, at: (entry: Record<string, unknown>) => boolean) {
  const clock = manualClock(dueAt)
  expect(await dr(['run', file, '--due'], { clock })).toMatchObject({ exitCode: 0 })
  return cutLedger(path.join(state, 'ledger.jsonl'), at)
}

const begun = (step: string) => (entry: Record<string, unknown>) =>
  entry['kind'] === 'step-started' && entry['step'] === step
const ended = (step: string) => (entry: Record<string, unknown>) =>
  entry['kind'] === 'step' && (entry['record'] as { step: string }).step === step

/** Starts the daemon, and stops it when it has settled and watches, and settled what died `meanwhile`. */
async function daemon(file: string, startAt = soonAfter, meanwhile?: () => Promise<unknown>) {
  const clock = manualClock(startAt)
  const timer = manualTimer(clock)
  const stop = new AbortController()
  let said = ''
  const done = dr(['daemon', file], {
    clock,
    timer,
    stopSignal: stop.signal,
    stderr: {
      isTerminal: false,
      columns: 0,
      rows: 0,
      write: async (text) => {
        said += text
      },
    },
  })
  // on a busy machine the next due time would come before the ledger is read
  while (!/vectra-dr resume |clean-up is done|passed in/.test(said)) await timer.pass(0)
  if (meanwhile !== undefined) {
    await meanwhile()
    while (!/clean-up is done/.test(said)) await timer.pass(60_000)
  }
  stop.abort(new OperatingError('terminated', 'stopped by SIGTERM', ''))
  return { ...(await done), said }
}

async function lastRun(state: string) {
  const { entries, problem } = await readLedger(nodeDisk, path.join(state, 'ledger.jsonl'))
  expect(problem).toBeUndefined()
  const runs = pastRuns('small', entries)
  const run = runs.at(-1)
  const outcomes = run?.records.map(({ step, outcome }) => `${step} ${outcome}`)
  return { run, outcomes, count: runs.length }
}

const ran = async (directory: string) =>
  (await readFile(path.join(directory, 'ran'), 'utf8')).trim()

test('a run whose process died between two steps is gone on with when the daemon starts', async () => {
  const text = schedules(exec('one', write('one')) + exec('two', write('two')))
  const { file, state, directory } = await plan(text)
  const id = await die(file, state, ended('one'))
  await writeFile(path.join(directory, 'ran'), '')
  const { said } = await daemon(file)
  expect(said).toContain(`run ${id} of schedule nightly of plan small has no end, its process died`)
  const { run, outcomes, count } = await lastRun(state)
  expect([count, run?.run, run?.outcome]).toEqual([1, id, 'passed'])
  expect(outcomes).toEqual(['one passed', 'two passed', 'tidy passed'])
  expect(await ran(directory)).toBe('two tidy')
})

test('one of which nobody can tell how a step stands is closed: cleaned up, and interrupted', async () => {
  const text = schedules(exec('one', write('one')) + exec('two', write('two')))
  const { file, state, directory } = await plan(text)
  const id = await die(file, state, begun('one'))
  await writeFile(path.join(directory, 'ran'), '')
  const { said } = await daemon(file)
  expect(said).toContain('it is closed now: step one of steps was begun at')
  expect(said).toContain('the process of the run died; the clean-up is done now')
  const { run, outcomes, count } = await lastRun(state)
  expect([count, run?.run, run?.outcome]).toEqual([1, id, 'interrupted'])
  expect(outcomes).toEqual(['one cancelled', 'two skipped', 'tidy passed'])
  expect(run?.records[0]?.remarks.join()).toContain('cannot be seen from here; the run is closed')
  expect(await ran(directory)).toBe('tidy')
  expect((await dr(['resume', file])).exitCode).toBe(14)
})

test('one that has been due again since is closed, and the new one runs', async () => {
  const text = schedules(
    exec('one', write('one')) + exec('two', write('two')),
    '    catchUp: true\n',
  )
  const { file, state, directory } = await plan(text)
  await die(file, state, ended('one'))
  await writeFile(path.join(directory, 'ran'), '')
  const { said } = await daemon(file, soonAfter + 24 * 60 * 60_000)
  expect(said).toContain('it is closed now: schedule nightly has been due again since')
  const { entries } = await readLedger(nodeDisk, path.join(state, 'ledger.jsonl'))
  const runs = pastRuns('small', entries)
  expect(runs[0]?.outcome).toBe('interrupted')
  expect(await ran(directory)).toMatch(/^tidy/)
})

test('one that died while the daemon watched is settled before the next run', async () => {
  const text = schedules(exec('one', write('one')) + exec('two', write('two')))
  const { file, state, directory } = await plan(text)
  const id = await die(file, state, ended('one'))
  await writeFile(path.join(directory, 'ran'), '')
  const again = () => cutLedger(path.join(state, 'ledger.jsonl'), ended('one'))
  const { said } = await daemon(file, soonAfter, again)
  expect(said.split(`run ${id} of schedule nightly of plan small has no end`)).toHaveLength(3)
  const { entries } = await readLedger(nodeDisk, path.join(state, 'ledger.jsonl'))
  expect(pastRuns('small', entries)[0]).toMatchObject({ run: id, outcome: 'interrupted' })
  expect(await ran(directory)).toMatch(/^two tidy tidy/)
})

test('another plan file is left to a person, with the command', async () => {
  const { file, state, directory } = await plan(
    schedules(exec('one', write('one')) + exec('two', write('two'))),
  )
  const id = await die(file, state, ended('one'))
  await writeFile(path.join(directory, 'ran'), '')
  await appendFile(file, '# changed\n')
  const { said } = await daemon(file)
  expect(said).toContain('its clean-up was not run: the plan file is not the one')
  expect(said).toContain(`vectra-dr resume ${file} ${id}`)
  expect((await lastRun(state)).run?.outcome).toBeUndefined()
  expect(await ran(directory)).toBe('')
})

test('an archive run that died before its hour was in the ledger is gone on with as well', async () => {
  const { file, state } = await smallPlan((whole) =>
    whole
      .replace(/ {6}- backup: .*\n/, '')
      .replace(
        /drills:[\s\S]*$/,
        '  ship:\n    every: 5m\n    steps:\n      - archive: { collections: [points], to: backups }\n',
      ),
  )
  const clock = manualClock(dueAt)
  expect(await dr(['run', file, '--due'], { clock })).toMatchObject({ exitCode: 0 })
  const hour = path.join(state, 'ledger.jsonl.small.hour')
  const waiting = (await readFile(hour, 'utf8')).trimEnd().split('\n')
  expect(waiting).toHaveLength(4)
  await writeFile(hour, `${waiting.slice(0, 2).join('\n')}\n`)
  const { said } = await daemon(file)
  expect(said).toContain('has no end, its process died: going on with it')
  const { entries, problem } = await readLedger(nodeDisk, path.join(state, 'ledger.jsonl'))
  expect(problem).toBeUndefined()
  const runs = pastRuns('small', entries)
  expect(runs.map(({ sequence, outcome }) => [sequence.name, outcome])).toEqual([
    ['nightly', 'passed'],
    ['ship', 'passed'],
  ])
  expect(entries.map(({ kind }) => kind)).toContain('run-resumed')
})

test('run --due without a terminal settles it as the daemon does; at one it is left to who sits there', async () => {
  const text = schedules(exec('one', write('one')) + exec('two', write('two')))
  const { file, state, directory } = await plan(text)
  const id = await die(file, state, ended('one'))
  await writeFile(path.join(directory, 'ran'), '')
  const due = (changes = {}) =>
    dr(['run', file, '--due'], { clock: manualClock(soonAfter), ...changes })
  expect(await due({ ask: async () => '' })).toMatchObject({ exitCode: 0 })
  expect((await lastRun(state)).run?.outcome).toBeUndefined()
  const { exitCode, stderr } = await due()
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining(`run ${id} of schedule nightly`)])
  expect((await lastRun(state)).run?.outcome).toBe('passed')
  expect(await ran(directory)).toBe('two tidy')
})

test('run --due does not exit 0 when the run that died ends badly, and runs what is due all the same', async () => {
  const text = schedules(
    exec('one', write('one')) + exec('two', write('two')),
    '    catchUp: true\n',
  )
  const { file, state, directory } = await plan(text)
  await die(file, state, ended('one'))
  await writeFile(path.join(directory, 'ran'), '')
  const clock = manualClock(soonAfter + 24 * 60 * 60_000)
  const { exitCode, stderr } = await dr(['run', file, '--due'], { clock })
  expect(exitCode).not.toBe(0)
  expect(stderr).toContain('the process of the run died; the clean-up is done now')
  const { run, count } = await lastRun(state)
  expect([count, run?.outcome]).toEqual([2, 'passed'])
  expect(await ran(directory)).toBe('tidy one two tidy')
})
