import { expect, test } from 'vitest'
import { OperatingError } from '../../../engine/index.ts'
import { buildTask, buildTree, passing, type Work } from '../../support/plan-builder.ts'
import { runBench } from '../../support/run-bench.ts'

const failing: Work = () => Promise.reject(new OperatingError('step-failed', 'no', ''))

const told = (first: Work, onFailure: 'stop' | 'continue' = 'stop') =>
  runBench().run(
    buildTree({
      steps: [buildTask('first', first, { onFailure }), buildTask('second')],
      always: [
        buildTask('bad-news', passing, { when: 'failure' }),
        buildTask('good-news', passing, { when: 'success' }),
        buildTask('news'),
      ],
    }),
  )

test('a step that waits for a failure is left out when there was none, and the run passes', async () => {
  const { outcome, records } = await told(passing)
  expect(outcome).toBe('passed')
  expect(records.map(({ step, outcome: how, because }) => [step, how, because])).toEqual([
    ['first', 'passed', undefined],
    ['second', 'passed', undefined],
    ['bad-news', 'skipped', 'condition'],
    ['good-news', 'passed', undefined],
    ['news', 'passed', undefined],
  ])
})

test.each(['stop', 'continue'] as const)(
  'after a failure it runs, also where the run went on (onFailure: %s)',
  async (onFailure) => {
    const { outcome, records } = await told(failing, onFailure)
    expect(outcome).toBe('failed')
    const [, , ...always] = records
    expect(always.map(({ step, outcome: how }) => [step, how])).toEqual([
      ['bad-news', 'passed'],
      ['good-news', 'skipped'],
      ['news', 'passed'],
    ])
  },
)
