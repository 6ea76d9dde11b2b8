import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fail, OperatingError } from '../../../engine/index.ts'
import type { StepTask, Task } from '../../../planner/compile/task.ts'
import { settle } from '../../support/manual-timer.ts'
import { buildTask, buildTree, passing, sideBySide, type Work } from '../../support/plan-builder.ts'
import { runBench } from '../../support/run-bench.ts'

const failing: Work = async () => fail('check-failed', 'it does not hold', 'Look again.')

/** Notes when a task starts and ends. */
function journal() {
  const lines: string[] = []
  const task = (id: string, work: Work = passing, changes: Partial<StepTask> = {}) =>
    buildTask(
      id,
      async (context) => {
        lines.push(`start ${id}`)
        try {
          return await work(context)
        } finally {
          lines.push(`end ${id}`)
        }
      },
      changes,
    )
  return { lines, task }
}

/** Ends when it is told to stop. */
const untilStopped: Work = ({ signal }) =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })

const outcomes = (records: readonly { step: string; outcome: string }[]) =>
  records.map(({ step, outcome }) => `${step} ${outcome}`)

test('steps run one after the other, in the order of the plan', async () => {
  const { lines, task } = journal()
  const bench = runBench()
  const result = await bench.run(buildTree({ steps: [task('a'), task('b'), task('c')] }))
  expect(result.outcome).toBe('passed')
  expect(lines).toEqual(['start a', 'end a', 'start b', 'end b', 'start c', 'end c'])
})

test('a failed step stops what follows, and the clean-up runs', async () => {
  const { lines, task } = journal()
  const bench = runBench()
  const result = await bench.run(
    buildTree({
      steps: [task('a'), task('b', failing), task('c')],
      always: [task('x', failing), task('y')],
    }),
  )
  expect(result.outcome).toBe('failed')
  expect(result.error).toMatchObject({ code: 'check-failed', message: 'it does not hold' })
  expect(lines.filter((line) => line.startsWith('start'))).toEqual([
    'start a',
    'start b',
    'start x',
    'start y',
  ])
  expect(outcomes(result.records)).toEqual([
    'a passed',
    'b failed',
    'c skipped',
    'x failed',
    'y passed',
  ])
})

test('a failure that is allowed to go on still fails the run', async () => {
  const bench = runBench()
  const result = await bench.run(
    buildTree({ steps: [buildTask('a', failing, { onFailure: 'continue' }), buildTask('b')] }),
  )
  expect(outcomes(result.records)).toEqual(['a failed', 'b passed'])
  expect(result.outcome).toBe('failed')
})

test('a step that measured and failed keeps its outputs', async () => {
  const bench = runBench()
  const work: Work = async ({ keep }) => {
    await keep('found.txt', 'seven')
    return { outputs: { count: 7 }, error: new OperatingError('check-failed', 'seven', 'h') }
  }
  const { records } = await bench.run(buildTree({ steps: [buildTask('a', work)] }))
  expect(records[0]).toMatchObject({
    outcome: 'failed',
    outputs: { count: 7 },
    error: { code: 'check-failed' },
    evidence: [{ artefact: 'runs/20260101-000000-0000/steps/a/found.txt' }],
  })
})

test('a later step reads the outputs of an earlier one', async () => {
  const seen: string[] = []
  const reader = buildTask('b', async (context) => {
    seen.push(
      context.text({
        text: '${steps.a.count}',
        parts: [{ kind: 'steps', id: 'a', output: 'count' }],
        place: { file: 'f', line: 1, column: 1, path: '' },
      }),
    )
    return { outputs: {} }
  })
  await runBench().run(
    buildTree({ steps: [buildTask('a', async () => ({ outputs: { count: 7 } })), reader] }),
  )
  expect(seen).toEqual(['7'])
})

test('the failure of one parallel task stops its siblings and waits for them', async () => {
  const { lines, task } = journal()
  const bench = runBench()
  const slow: Work = async (context) => {
    try {
      return await untilStopped(context)
    } finally {
      await settle() // takes its time to end
      lines.push('slow has tidied up')
    }
  }
  const result = await bench.run(
    buildTree({ steps: [sideBySide(task('a', slow), task('b', failing)), task('c')] }),
  )
  expect(lines).toEqual(['start a', 'start b', 'end b', 'slow has tidied up', 'end a'])
  expect(outcomes(result.records)).toEqual(['b failed', 'a cancelled', 'c skipped'])
})

test('parallel tasks that may fail let their siblings finish', async () => {
  const bench = runBench()
  const result = await bench.run(
    buildTree({
      steps: [
        sideBySide(
          buildTask('a', failing, { onFailure: 'continue' }),
          buildTask('b', async () => {
            await settle()
            return { outputs: {} }
          }),
        ),
        buildTask('c'),
      ],
    }),
  )
  expect(outcomes(result.records)).toEqual(['a failed', 'b passed', 'c passed'])
})

test('what was done is undone in reverse, and only what passed', async () => {
  const undone: string[] = []
  const undoable = (id: string, work: Work = passing) =>
    buildTask(id, work, {
      undo: async () => {
        undone.push(id)
        return { outputs: {} }
      },
    })
  const result = await runBench().run(
    buildTree({
      steps: [
        undoable('a'),
        buildTask('b'),
        undoable('c'),
        { ...undoable('d', failing), onFailure: 'undo' },
        undoable('e'),
      ],
      always: [buildTask('x')],
    }),
  )
  expect(undone).toEqual(['c', 'a'])
  expect(result.undoFailed).toBe(false)
  expect(outcomes(result.records).slice(-3)).toEqual(['c passed', 'a passed', 'x passed'])
})

test('an undo that fails is told apart, and the others go on', async () => {
  const undone: string[] = []
  const result = await runBench().run(
    buildTree({
      steps: [
        buildTask('a', passing, {
          undo: async () => {
            undone.push('a')
            return undefined
          },
        }),
        buildTask('b', passing, { undo: () => fail('disk-full', 'no space', 'Free some.') }),
        buildTask('c', failing, { onFailure: 'undo' }),
      ],
    }),
  )
  expect(undone).toEqual(['a'])
  expect(result).toMatchObject({ outcome: 'failed', undoFailed: true })
})

test('a drill on a sick system is void and does nothing but clean up', async () => {
  const { lines, task } = journal()
  const result = await runBench().run(
    buildTree({
      steady: [buildTask('steady', failing, { onFailure: 'continue' })],
      steps: [task('a')],
      always: [task('x')],
    }),
  )
  expect(result.outcome).toBe('void')
  expect(outcomes(result.records)).toEqual(['steady failed', 'a skipped', 'x passed'])
  expect(lines).toEqual(['start x', 'end x'])
})

test('a system that is no longer steady after the drill fails it', async () => {
  let looks = 0
  const steady = buildTask('steady', async (context) =>
    ++looks === 1 ? passing(context) : failing(context),
  )
  const result = await runBench().run(buildTree({ steady: [steady], steps: [buildTask('a')] }))
  expect(looks).toBe(2)
  expect(result.outcome).toBe('failed')
})

test('a step is tried again after pauses that double', async () => {
  const bench = runBench()
  const starts: number[] = []
  const flaky: Work = async (context) => {
    starts.push(bench.clock.monotonicMs())
    return starts.length < 4 ? failing(context) : { outputs: {} }
  }
  const running = bench.run(
    buildTree({
      steps: [buildTask('a', flaky, { retry: { attempts: 4, backoffMs: 1_000 } })],
    }),
  )
  await bench.started('a')
  await bench.timer.pass(10_000)
  const result = await running
  expect(starts).toEqual([0, 1_000, 3_000, 7_000])
  expect(result.records).toMatchObject([{ outcome: 'passed', attempts: 4, durationMs: 7_000 }])
})

test('a step that uses up its tries fails with the last error', async () => {
  const bench = runBench()
  const running = bench.run(
    buildTree({ steps: [buildTask('a', failing, { retry: { attempts: 2, backoffMs: 5 } })] }),
  )
  await bench.started('a')
  await bench.timer.pass(5)
  expect((await running).records).toMatchObject([{ outcome: 'failed', attempts: 2 }])
  expect(bench.timer.pending).toBe(0)
})

test('a step that takes too long is stopped and fails', async () => {
  const bench = runBench()
  const running = bench.run(
    buildTree({
      steps: [buildTask('a', untilStopped, { timeoutMs: 60_000 }), buildTask('b')],
      always: [buildTask('x')],
    }),
  )
  await bench.started('a')
  await bench.timer.pass(59_999)
  expect(bench.events.some(({ kind }) => kind === 'step-ended')).toBe(false)
  await bench.timer.pass(1)
  const result = await running
  expect(outcomes(result.records)).toEqual(['a failed', 'b skipped', 'x passed'])
  expect(result.error?.message).toContain('timeout of 1 min')
  expect(bench.timer.pending).toBe(0)
})

test('a step that does not stop is given up, and its record says so', async () => {
  const bench = runBench()
  const deaf: Work = () => new Promise(() => {})
  const running = bench.run(buildTree({ steps: [buildTask('a', deaf, { timeoutMs: 1_000 })] }))
  await bench.started('a')
  await bench.timer.pass(1_000 + 60_000)
  const result = await running
  expect(result.records).toMatchObject([{ outcome: 'failed' }])
  expect(result.error?.message).toContain('did not stop')
})

test('a run that takes too long is stopped, and cleans up', async () => {
  const bench = runBench()
  const running = bench.run(
    buildTree({
      timeoutMs: 5_000,
      steps: [buildTask('a', untilStopped), buildTask('b')],
      always: [buildTask('x')],
    }),
  )
  await bench.started('a')
  await bench.timer.pass(5_000)
  const result = await running
  expect(outcomes(result.records)).toEqual(['a cancelled', 'b skipped', 'x passed'])
  expect(result.outcome).toBe('failed')
})

test('a signal stops the steps, and the clean-up still runs', async () => {
  const bench = runBench()
  const running = bench.run(
    buildTree({ steps: [buildTask('a', untilStopped)], always: [buildTask('x')] }),
  )
  await bench.started('a')
  bench.stop.abort(new OperatingError('interrupted', 'interrupted', ''))
  const result = await running
  expect(outcomes(result.records)).toEqual(['a cancelled', 'x passed'])
  expect(result).toMatchObject({ outcome: 'interrupted', error: { code: 'interrupted' } })
  const { entries } = await bench.ledger()
  expect(entries.at(-1)).toMatchObject({ kind: 'run-ended', outcome: 'interrupted' })
})

test('a signal before the first step starts none of them', async () => {
  const { lines, task } = journal()
  const bench = runBench()
  bench.stop.abort(new OperatingError('terminated', 'terminated', ''))
  const result = await bench.run(buildTree({ steps: [task('a')], always: [task('x')] }))
  expect(lines).toEqual(['start x', 'end x'])
  expect(outcomes(result.records)).toEqual(['a skipped', 'x passed'])
  expect(result.outcome).toBe('interrupted')
})

test('a second signal stops the clean-up too', async () => {
  const bench = runBench()
  const running = bench.run(
    buildTree({
      steps: [buildTask('a', untilStopped)],
      always: [buildTask('x', untilStopped), buildTask('y')],
    }),
  )
  await bench.started('a')
  bench.stop.abort(new OperatingError('interrupted', 'interrupted', ''))
  await bench.started('x')
  bench.force.abort(new OperatingError('interrupted', 'interrupted again', ''))
  expect(outcomes((await running).records)).toEqual(['a cancelled', 'x cancelled', 'y skipped'])
})

test('a signal while a step waits for its next try ends the wait', async () => {
  const bench = runBench()
  const running = bench.run(
    buildTree({ steps: [buildTask('a', failing, { retry: { attempts: 9, backoffMs: 9_000 } })] }),
  )
  await bench.started('a')
  bench.stop.abort(new OperatingError('interrupted', 'interrupted', ''))
  const result = await running
  expect(result.records).toMatchObject([{ attempts: 1, outcome: 'failed' }])
  expect(bench.timer.pending).toBe(0)
})

test('a bug in a step is recorded, the run ends, and the bug is handed on', async () => {
  const bug = new TypeError('undefined is not a function')
  const result = await runBench().run(
    buildTree({ steps: [buildTask('a', () => Promise.reject(bug))], always: [buildTask('x')] }),
  )
  expect(result.bug).toBe(bug)
  expect(result.error?.code).toBe('bug')
  expect(outcomes(result.records)).toEqual(['a failed', 'x passed'])
})

test('run and step stand in the ledger before the step does anything', async () => {
  const bench = runBench()
  let kinds: string[] = []
  const work: Work = async () => {
    kinds = (await bench.ledger()).entries.map(({ kind }) => kind)
    return { outputs: {} }
  }
  await bench.run(buildTree({ steps: [buildTask('a', work)] }))
  expect(kinds).toEqual(['run-started', 'step-started'])
  const after = await bench.ledger()
  expect(after.entries.map(({ kind }) => kind)).toEqual([...kinds, 'step', 'run-ended'])
  expect(after.problem).toBeUndefined()
})

test('a run whose ledger can not be written goes on and does not count as passed', async () => {
  let lines = 0
  const bench = runBench({
    ledger: {
      append: async () => {
        lines += 1
        if (lines > 1) fail('disk-full', 'no space left', 'Free some.')
      },
    },
  })
  const result = await bench.run(buildTree({ steps: [buildTask('a'), buildTask('b')] }))
  expect(outcomes(result.records)).toEqual(['a passed', 'b passed'])
  expect(result).toMatchObject({ outcome: 'failed', error: { code: 'disk-full' } })
})

test('a run that can not be written down at all does not start', async () => {
  const { lines, task } = journal()
  const bench = runBench({
    ledger: { append: () => Promise.reject(new OperatingError('disk-full', 'no space', '')) },
  })
  await expect(bench.run(buildTree({ steps: [task('a')] }))).rejects.toMatchObject({
    code: 'disk-full',
  })
  expect(lines).toEqual([])
})

test('a target that can not do what a step needs is refused before anything runs', async () => {
  const { lines, task } = journal()
  const bench = runBench({
    target: (name) => ({
      kind: 'other',
      name,
      capabilities: new Set(['drop']),
      position: () => Promise.reject(),
      importFile: () => Promise.reject(),
      backup: () => Promise.reject(),
      archive: () => Promise.reject(),
      restore: () => Promise.reject(),
      drop: () => Promise.reject(),
      measure: () => Promise.reject(),
      writeAlong: () => Promise.reject(),
      missing: () => Promise.reject(),
      deletePoints: () => Promise.reject(),
      switchAlias: () => Promise.reject(),
      meaning: () => Promise.reject(),
    }),
  })
  const needs = [{ target: 'primary', capabilities: ['drop', 'digest'] as const }]
  await expect(
    bench.run(buildTree({ steps: [task('a'), task('b', passing, { needs })] })),
  ).rejects.toMatchObject({ code: 'not-offered', message: expect.stringContaining('digest') })
  expect(lines).toEqual([])
})

// a plan as a tree of what each step does
interface Leaf {
  readonly fails: boolean
  readonly onFailure: StepTask['onFailure']
}
const leaf: fc.Arbitrary<Leaf> = fc.record({
  fails: fc.boolean(),
  onFailure: fc.constantFrom('stop', 'continue', 'undo'),
})
const tree = fc.array(fc.oneof(leaf, fc.array(leaf, { minLength: 1, maxLength: 3 })), {
  maxLength: 6,
})

test('whatever fails: one record a step, nothing after a stop, all clean-up, undo in reverse', async () => {
  await fc.assert(
    fc.asyncProperty(tree, fc.array(fc.boolean(), { maxLength: 3 }), async (plan, cleanUp) => {
      const ended: string[] = []
      const undone: string[] = []
      let next = 0
      const toTask = ({ fails, onFailure }: Leaf): StepTask => {
        const id = `s${next++}`
        return buildTask(
          id,
          async (context) => {
            await settle()
            if (fails) return failing(context)
            ended.push(id)
            return { outputs: {} }
          },
          {
            onFailure,
            undo: async () => {
              undone.push(id)
              return undefined
            },
          },
        )
      }
      const steps: Task[] = plan.map((each) =>
        Array.isArray(each) ? sideBySide(...each.map(toTask)) : toTask(each),
      )
      const always = cleanUp.map((fails, index) =>
        buildTask(`x${index}`, fails ? failing : passing),
      )
      const bench = runBench()
      const result = await bench.run(buildTree({ steps, always }))

      const groups = plan.map((each) => (Array.isArray(each) ? each : [each]))
      const stopping = groups.findIndex((group) =>
        group.some(({ fails, onFailure }) => fails && onFailure !== 'continue'),
      )
      const inSteps = result.records.filter(({ stage }) => stage === 'steps')
      expect(inSteps.map(({ step }) => step).sort()).toEqual(
        Array.from({ length: next }, (_, index) => `s${index}`).sort(),
      )
      const started = stopping < 0 ? groups : groups.slice(0, stopping + 1)
      const startedIds = new Set(
        Array.from({ length: started.flat().length }, (_, index) => `s${index}`),
      )
      for (const { step, outcome } of inSteps) {
        expect(outcome === 'skipped').toBe(!startedIds.has(step))
      }
      expect(
        result.records.filter(({ stage }) => stage === 'always').map(({ step }) => step),
      ).toEqual(cleanUp.map((_, index) => `x${index}`))
      const undoes =
        stopping >= 0 &&
        (groups[stopping] ?? []).some(({ fails, onFailure }) => fails && onFailure === 'undo')
      expect(undone).toEqual(undoes ? ended.toReversed() : [])
      const anyFailure = started.flat().some(({ fails }) => fails) || cleanUp.includes(true)
      expect(result.outcome).toBe(anyFailure ? 'failed' : 'passed')
      const { problem, entries } = await bench.ledger()
      expect(problem).toBeUndefined()
      expect(entries.filter(({ kind }) => kind === 'step')).toHaveLength(result.records.length)
    }),
    { numRuns: 60 },
  )
})
