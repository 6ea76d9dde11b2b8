import { expect, test } from 'vitest'
import { OperatingError } from '../../../engine/index.ts'
import { buildTask, buildTree, type Work } from '../../support/plan-builder.ts'
import { runBench } from '../../support/run-bench.ts'

/** Runs beside what follows, and says when it was told to end. */
const beside =
  (log: string[]): Work =>
  async ({ beside: goOn, signal }) => {
    const over = goOn()
    const ends = AbortSignal.any([over, signal])
    await new Promise<void>((resolve) => {
      if (ends.aborted) resolve()
      else ends.addEventListener('abort', () => resolve(), { once: true })
    })
    log.push(over.aborted ? 'over' : 'stopped')
    return { outputs: {} }
  }

const noting =
  (log: string[], text: string): Work =>
  async () => {
    log.push(text)
    return { outputs: {} }
  }

const failing: Work = () => Promise.reject(new OperatingError('step-failed', 'no', ''))

test('a step beside others ends with the disaster, before the next step', async () => {
  const log: string[] = []
  const { records, outcome } = await runBench().run(
    buildTree({
      steps: [
        buildTask('canary', beside(log)),
        buildTask('work', noting(log, 'work')),
        buildTask('inject', noting(log, 'disaster'), { stepKind: 'inject' }),
        buildTask('restore', noting(log, 'restore')),
      ],
    }),
  )
  expect(log).toEqual(['work', 'disaster', 'over', 'restore'])
  expect(outcome).toBe('passed')
  expect(records.map(({ step }) => step)).toEqual(['work', 'inject', 'canary', 'restore'])
})

test.each([
  ['the steps are over', noting([], ''), 'passed'],
  ['a step failed', failing, 'failed'],
] as const)('it ends before the clean-up when %s', async (_, work, wanted) => {
  const log: string[] = []
  const { outcome, records } = await runBench().run(
    buildTree({
      steps: [buildTask('canary', beside(log)), buildTask('work', work)],
      always: [buildTask('tidy', noting(log, 'tidy'))],
    }),
  )
  expect(log).toEqual(['over', 'tidy'])
  expect(outcome).toBe(wanted)
  expect(records.map(({ step }) => step)).toEqual(['work', 'canary', 'tidy'])
})

test('a wish to stop reaches it, and it has its record', async () => {
  const log: string[] = []
  const bench = runBench()
  const stopping: Work = async ({ signal }) => {
    bench.stop.abort(new OperatingError('interrupted', 'stopped by SIGINT', ''))
    throw signal.reason
  }
  const { outcome, records } = await bench.run(
    buildTree({ steps: [buildTask('canary', beside(log)), buildTask('work', stopping)] }),
  )
  expect(log).toEqual(['stopped'])
  expect(outcome).toBe('interrupted')
  expect(records.map(({ step }) => step).sort()).toEqual(['canary', 'work'])
})

test('one that fails beside others fails the run', async () => {
  const sick: Work = async ({ beside: goOn }) => {
    goOn()
    return { outputs: {}, error: new OperatingError('disk-full', 'no space', '') }
  }
  const { outcome, error } = await runBench().run(
    buildTree({ steps: [buildTask('canary', sick), buildTask('work')] }),
  )
  expect(outcome).toBe('failed')
  expect(error?.code).toBe('disk-full')
})
