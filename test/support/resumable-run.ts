/**
 * Runs that are killed and resumed, in one process: trees whose steps leave their mark in a file, a
 * ledger on a disk in memory, and what a run comes to in the end.
 */
import { expect } from 'vitest'
import { type Disk, fail, replaceFile } from '../../engine/index.ts'
import type { StepTask, TaskTree } from '../../planner/compile/task.ts'
import { Ledger } from '../../planner/ledger/ledger.ts'
import type { LedgerBody, LedgerEntry } from '../../planner/ledger/ledger-line.ts'
import { readLedger } from '../../planner/ledger/ledger-reader.ts'
import type { Answers } from '../../planner/run/examine.ts'
import { pastRuns } from '../../planner/run/past-run.ts'
import { resumeTree, runTree } from '../../planner/run/run.ts'
import type { RunResult } from '../../planner/run/run-result.ts'
import type { RunTools } from '../../planner/run/run-tools.ts'
import type { Examination } from '../../planner/step/step.ts'
import { breakLock } from './collections.ts'
import { FaultyDisk, killAtEveryCall } from './faulty-disk.ts'
import { manualClock } from './manual-clock.ts'
import { manualTimer } from './manual-timer.ts'
import { MemoryDisk } from './memory-disk.ts'
import { buildTask, buildTree, passing, text, type Work } from './plan-builder.ts'
import { runBench } from './run-bench.ts'
import { seededRandom } from './seeded-random.ts'

const ledgerFile = '/state/ledger.jsonl'
export const nobody: Answers = { given: new Map(), ask: async () => undefined }

/** A process: it starts the run, or goes on with the one that is there. */
export async function runOn(
  disk: Disk,
  tree: TaskTree,
  { answers = nobody, ...changes }: Partial<RunTools> & { readonly answers?: Answers } = {},
): Promise<RunResult> {
  const clock = manualClock()
  const timer = manualTimer(clock)
  const { entries, problem } = await readLedger(disk, ledgerFile)
  expect(problem).toBeUndefined()
  clock.advance(1_000 * entries.length)
  const [past] = pastRuns('test', entries)
  const tools: RunTools = {
    ...runBench().tools,
    disk,
    clock,
    timer,
    ledger: new Ledger(ledgerFile, { disk, clock, timer }),
    observe: () => {},
    ...changes,
  }
  const header = { plan: 'test', planSha256: tree.plan.sha256, gitCommit: null, run: 'r1' }
  const request = { header, dueAt: past?.dueAt ?? clock.nowMs(), version: '0.0.0' }
  return past === undefined
    ? runTree(tree, request, tools)
    : resumeTree(tree, request, tools, past, answers)
}

/** The dead process' lock: it has the process id of this very test. */
export async function bury(disk: Disk): Promise<void> {
  const locks = `${ledgerFile}.lock`
  if ((await disk.stat(`${locks}/LOCK`)) !== undefined) await breakLock(disk, locks)
}

/** How often each step had an effect on the world, in the order of the effects. */
export async function worldOf(disk: Disk): Promise<string> {
  if ((await disk.stat('/world')) === undefined) return ''
  return (await disk.readFile('/world', 1e6)).toString('utf8')
}

/** Adds a line to the world: done twice, it stands there twice. */
export async function add(disk: Disk, line: string): Promise<void> {
  await replaceFile(disk, '/world', Buffer.from(`${await worldOf(disk)}${line}\n`))
}

/** A step that must not be run twice. It notes what it found, and can be examined and taken back. */
export function once(id: string, changes: Partial<StepTask> = {}, words = ''): StepTask {
  const work: Work = async (context) => {
    const { disk, note } = context
    context.signal.throwIfAborted()
    await note({ before: await worldOf(disk) })
    await add(disk, words === '' ? id : `${id} ${context.text(steps(words))}`)
    return { outputs: { told: `by ${id}` } }
  }
  return buildTask(id, work, {
    examine: async ({ note }, { disk }): Promise<Examination> => {
      const isDone = note !== undefined && note['before'] !== (await worldOf(disk))
      return isDone
        ? { state: 'done', found: 'its line is there', result: { outputs: { told: `by ${id}` } } }
        : { state: 'repeat', found: 'nothing was done' }
    },
    ...changes,
  })
}

const steps = (id: string) => text(`\${steps.${id}.told}`, [{ kind: 'steps', id, output: 'told' }])

const undoing = (id: string): Partial<StepTask> => ({
  undo: async (_, { disk }) => {
    const line = `not ${id}`
    if (!(await worldOf(disk)).includes(line)) await add(disk, line)
    return undefined
  },
})

export const failing: Work = async () => fail('check-failed', 'it does not hold', 'Look again.')
export const looks = (id: string, work: Work = passing) =>
  buildTask(id, work, { examine: async () => ({ state: 'repeat', found: 'it only looks' }) })

export const trees = {
  'a run that passes': () =>
    buildTree({
      steady: [looks('steady')],
      steps: [once('a'), once('b', {}, 'a'), looks('c'), once('d', {}, 'b')],
      always: [once('x'), once('y')],
    }),
  'a run that fails and is undone': () =>
    buildTree({
      steps: [
        once('a', undoing('a')),
        once('b', undoing('b')),
        { ...looks('c', failing), onFailure: 'undo' },
        once('d'),
      ],
      always: [once('x')],
    }),
  'a run that fails and goes on': () =>
    buildTree({ steps: [{ ...looks('a', failing), onFailure: 'continue' }, once('b')] }),
  'a void drill': () =>
    buildTree({
      steady: [looks('s'), looks('t', failing)],
      steps: [once('a')],
      always: [once('x')],
    }),
}

/** What a run comes to: the last record of each step, the world, and the outcome. */
export async function endState(disk: Disk) {
  const { entries, problem } = await readLedger(disk, ledgerFile)
  expect(problem).toBeUndefined()
  const records = entries.flatMap((each) => (each.kind === 'step' ? [each.record] : []))
  const ended = new Map(
    records.map(({ stage, step, outcome, outputs }) => [`${stage}/${step}`, { outcome, outputs }]),
  )
  const finals = entries.filter((each) => each.kind === 'run-ended')
  expect(finals).toHaveLength(1)
  return { world: await worldOf(disk), ended: [...ended], outcome: finals[0]?.outcome }
}

export const linesOf = async (disk: Disk): Promise<readonly LedgerEntry[]> =>
  (await readLedger(disk, ledgerFile)).entries

/** The disk as a process leaves it that dies right after it wrote the line that `isLast` wants. */
export async function killedAfter(
  tree: TaskTree,
  isLast: (body: LedgerBody) => boolean,
  changes: Partial<RunTools> = {},
): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  const dying = new FaultyDisk(disk)
  const clock = manualClock()
  const real = new Ledger(ledgerFile, { disk: dying, clock, timer: manualTimer(clock) })
  const append: RunTools['ledger']['append'] = async (header, body) => {
    await real.append(header, body)
    if (isLast(body)) dying.arm({ times: Number.POSITIVE_INFINITY, errno: 'EIO' })
  }
  await runOn(dying, tree, { ...changes, ledger: { append } })
  expect(dying.hits).toBeGreaterThan(0)
  await bury(disk)
  return disk
}

/** The same when the step had noted what it found, and did nothing yet. */
export const killedIn = (tree: TaskTree, step: string): Promise<MemoryDisk> =>
  killedAfter(tree, (body) => body.kind === 'step-noted' && body.step === step)

/** Kills the run at each so many-th call and resumes it: the end state is that of a run that was not killed. */
export async function sweepKills(build: () => TaskTree, every: number): Promise<number> {
  const whole = new MemoryDisk()
  await runOn(whole, build())
  const expected = await endState(whole)
  return killAtEveryCall({
    every,
    prepare: async () => new MemoryDisk(),
    work: async (disk) => {
      const { outcome } = await runOn(disk, build())
      // a run whose ledger failed says so and does not throw
      if (disk.hits === 0) expect(outcome).toBe(expected.outcome)
    },
    check: async ({ disk }) => {
      await bury(disk)
      const lines = await linesOf(disk)
      // killed after its end: there is nothing to resume
      if (!lines.some(({ kind }) => kind === 'run-ended')) await runOn(disk, build())
      expect(await endState(disk)).toEqual(expected)
    },
  })
}

/** Cuts the power at random calls, again and again until a process reaches the end. @returns how often */
export async function sweepPowerCuts(
  build: () => TaskTree,
  rounds: number,
  seed: number,
): Promise<number> {
  const random = seededRandom(seed)
  const whole = new MemoryDisk()
  await runOn(whole, build())
  const expected = await endState(whole)
  let cuts = 0
  for (let round = 0; round < rounds; round++) {
    let disk = new MemoryDisk()
    for (;;) {
      const at = 1 + random.integer(250)
      const dying = new FaultyDisk(disk, { at, times: Number.POSITIVE_INFINITY, errno: 'EIO' })
      await runOn(dying, build()).catch((error: unknown) => {
        if (dying.hits === 0) throw error
      })
      if (dying.hits === 0) break
      cuts += 1
      disk = disk.crash(random.integer(2 ** 31))
      await bury(disk)
      if ((await linesOf(disk)).some(({ kind }) => kind === 'run-ended')) break
    }
    expect(await endState(disk)).toEqual(expected)
  }
  return cuts
}
