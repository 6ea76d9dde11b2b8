import { expect, test } from 'vitest'
import { OperatingError } from '../../../engine/index.ts'
import type { StepTask } from '../../../planner/compile/task.ts'
import type { Answers } from '../../../planner/run/examine.ts'
import { tellCount } from '../../support/counts.ts'
import { buildTask, buildTree, passing, sideBySide, type Work } from '../../support/plan-builder.ts'
import {
  add,
  killedAfter,
  killedIn,
  linesOf,
  looks,
  nobody,
  once,
  runOn,
  sweepKills,
  sweepPowerCuts,
  trees,
  worldOf,
} from '../../support/resumable-run.ts'

test.each(Object.entries(trees))(
  'case 1: %s ends the same when it is killed on the way and resumed',
  async (_, build) => {
    // each call in turn: test/crash/resumed-runs.test.ts
    expect(await sweepKills(build, 17)).toBeGreaterThan(5)
  },
)

test('case 2: power cuts at random calls, also while it resumes: the run ends as one that had none', async () => {
  const seed = 20261125
  const cuts = await sweepPowerCuts(trees['a run that passes'], 12, seed)
  tellCount({ kind: 'power cut', what: 'runs, then resumed', count: cuts, seed })
  expect(cuts).toBeGreaterThan(12)
})

test('steps side by side: the finished one is not run again, the interrupted one is examined', async () => {
  const ran: string[] = []
  const noting = (id: string): StepTask =>
    looks(id, async () => {
      ran.push(id)
      return { outputs: {} }
    })
  const tree = buildTree({ steps: [sideBySide(noting('a'), noting('b')), noting('c')] })
  const disk = await killedAfter(tree, ({ kind }) => kind === 'step')
  const [ended] = (await linesOf(disk)).filter(({ kind }) => kind === 'step')
  expect(ended).toMatchObject({ record: { step: 'a' } })
  ran.length = 0
  const result = await runOn(disk, tree)
  expect(ran).toEqual(['b', 'c'])
  expect(result.outcome).toBe('passed')
})

test('a step that nobody can examine stops the resumption before anything is written', async () => {
  const blind = buildTask('blind', async ({ note }) => {
    await note({})
    return { outputs: { told: 'never' } }
  })
  const disk = await killedIn(buildTree({ steps: [blind], always: [once('x')] }), 'blind')
  const tree = buildTree({ steps: [blind, once('after')], always: [once('x')] })
  const before = await linesOf(disk)
  const worldBefore = await worldOf(disk)
  await expect(runOn(disk, tree)).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining('step blind of steps was begun at'),
    hint: expect.stringMatching(/--done blind .*--repeat blind/),
  })
  expect(await linesOf(disk)).toEqual(before)
  expect(await worldOf(disk)).toBe(worldBefore)
})

test('what a person says of such a step counts, and the ledger says who said it', async () => {
  let ran = 0
  const blind = buildTask('blind', async ({ note }) => {
    ran += 1
    await note({})
    return { outputs: { told: 'indeed' } }
  })
  const tree = buildTree({ steps: [blind] })
  for (const verdict of ['done', 'repeat'] as const) {
    const disk = await killedIn(tree, 'blind')
    ran = 0
    const given = new Map([['blind', verdict]])
    const result = await runOn(disk, tree, { answers: { ...nobody, given } })
    expect(ran).toBe(verdict === 'done' ? 0 : 1)
    expect(result).toMatchObject({
      outcome: 'passed',
      records: [{ step: 'blind', interrupted: { verdict, by: 'person' } }],
    })
    expect(await linesOf(disk)).toContainEqual(
      expect.objectContaining({
        kind: 'run-resumed',
        interrupted: [expect.objectContaining({ step: 'blind', verdict, by: 'person' })],
      }),
    )
    const disagreeing = await killedIn(tree, 'blind')
    const asked: string[] = []
    const ask: Answers['ask'] = async ({ step }, found) => {
      asked.push(`${step}: ${found}`)
      return verdict
    }
    await runOn(disagreeing, tree, { answers: { given: new Map(), ask } })
    expect(asked).toEqual(['blind: what a step of kind exec did cannot be seen'])
  }
})

test('a word that contradicts what is found, or is about another step, is refused', async () => {
  const tree = buildTree({ steps: [once('a'), once('b')] })
  const disk = await killedIn(tree, 'a')
  const say = (step: string) =>
    runOn(disk, tree, { answers: { ...nobody, given: new Map([[step, 'repeat']]) } })
  await expect(say('b')).rejects.toMatchObject({ code: 'usage', hint: 'These were: a.' })
  await add(disk, 'a')
  await expect(say('a')).rejects.toMatchObject({
    code: 'usage',
    message: '--repeat a does not agree with what is found: its line is there',
  })
  expect((await runOn(disk, tree)).outcome).toBe('passed')
  expect(await worldOf(disk)).toBe('a\nb\n')
})

test('while no step has begun the steady checks are looked at anew, all of them; then never again', async () => {
  let looked: string[] = []
  const steady = (id: string) =>
    looks(id, async (context) => {
      looked.push(id)
      await context.note({})
      return { outputs: {} }
    })
  const tree = buildTree({ steady: [steady('s'), steady('t')], steps: [once('a')] })
  const early = await killedIn(tree, 't')
  looked = []
  await runOn(early, tree)
  expect(looked).toEqual(['s', 't', 's', 't'])
  const late = await killedIn(tree, 'a')
  looked = []
  await runOn(late, tree)
  expect(looked).toEqual(['s', 't'])
})

test('a run that was told to stop and died stays stopped: only its clean-up runs', async () => {
  const tree = (work: Work) =>
    buildTree({ steps: [looks('a', work), once('b')], always: [once('x')] })
  for (const last of ['step', 'run-stopping'] as const) {
    const stop = new AbortController()
    const stopped = tree(async ({ signal }) => {
      stop.abort(new OperatingError('terminated', 'stopped by SIGTERM', ''))
      signal.throwIfAborted()
      return { outputs: {} }
    })
    const changes = { stopSignal: stop.signal }
    const disk = await killedAfter(stopped, ({ kind }) => kind === last, changes)
    const result = await runOn(disk, tree(passing))
    expect(result).toMatchObject({ outcome: 'interrupted', error: { code: 'terminated' } })
    expect(result.records.map(({ step, outcome }) => `${step} ${outcome}`)).toEqual([
      'a cancelled',
      'b skipped',
      'x passed',
    ])
    expect(await worldOf(disk)).toBe('x\n')
  }
})

test('the step of a changed plan that is no longer there, or of another kind, is named', async () => {
  const disk = await killedIn(buildTree({ steps: [once('a'), once('b')] }), 'b')
  for (const steps of [[once('b')], [once('a', { stepKind: 'drop' }), once('b')]]) {
    await expect(runOn(disk, buildTree({ steps }))).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('no longer has step a of steps'),
    })
  }
})

test('a resumed run took as long as the clock on the wall says, and repeated steps measure nothing', async () => {
  const disk = await killedIn(buildTree({ steps: [once('a')] }), 'a')
  const result = await runOn(disk, buildTree({ steps: [once('a')] }))
  const started = (await linesOf(disk))[0]
  expect(result.startedAt).toBe(Date.parse(started?.at ?? ''))
  expect(result.durationMs).toBe(3_000)
  expect(result.records[0]).toMatchObject({
    remarks: [
      expect.stringMatching(/^begun at 2026-.+ and interrupted; examined: nothing was done$/),
    ],
    interrupted: { verdict: 'repeat', by: 'examination' },
  })
})
