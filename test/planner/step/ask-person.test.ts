import { expect, test } from 'vitest'
import { OperatingError } from '../../../engine/index.ts'
import type { StepTask } from '../../../planner/compile/task.ts'
import { approve } from '../../../planner/step/approve.ts'
import { approvalWords, readReply } from '../../../planner/step/ask-person.ts'
import type { Asking } from '../../../planner/step/asking.ts'
import { manual } from '../../../planner/step/manual.ts'
import type { StepContext } from '../../../planner/step/step.ts'
import { buildPlan, buildTask, buildTree, somewhere, text } from '../../support/plan-builder.ts'
import { runBench } from '../../support/run-bench.ts'
import { stepBench } from '../../support/step-bench.ts'

const role = (name: string, primary: string, ...deputies: string[]) =>
  [name, { name, primary, deputies, place: somewhere }] as const

const base = buildPlan()
const plan = {
  ...base,
  people: {
    ...base.people,
    roles: new Map([role('commander', 'on-call-1', 'on-call-2'), role('engineer', 'db-1')]),
  },
}

const input = { by: 'commander', question: text('Fail over?') }
const work = { role: 'engineer', do: text('Cut the cable.') }

/** Somebody at a terminal who says one thing after the other. */
function terminal(...says: readonly string[]) {
  const asked: string[] = []
  const asking: Asking = {
    given: new Map(),
    ask: async (question) => {
      asked.push(question)
      return says[asked.length - 1] ?? ''
    },
  }
  return { asked, asking }
}

const benchOf = (changes: Partial<StepContext>) => stepBench({ plan, ...changes })

test.each([
  ['yes@on-call-1', { isYes: true, contact: 'on-call-1' }],
  [' YES @ on-call-2 ', { isYes: true, contact: 'on-call-2' }],
  ['no@on-call-1', { isYes: false, contact: 'on-call-1' }],
  ['yes', '"yes" does not say whose answer it is'],
  ['y@on-call-1', '"y@on-call-1" is neither yes nor no'],
  ['', '"" is neither yes nor no'],
  ['done@on-call-1', '"done@on-call-1" is neither yes nor no'],
  ['yes@db-1', '"db-1" does not hold the role'],
  ['yes@', '"" does not hold the role'],
])('%j is read as what it says and nothing more', (said, read) => {
  expect(readReply(said, approvalWords, ['on-call-1', 'on-call-2'])).toEqual(read)
})

test('where one contact holds the role the word is enough', () => {
  expect(readReply('yes', approvalWords, ['db-1'])).toEqual({ isYes: true, contact: 'db-1' })
})

test('a yes at the terminal is recorded with role, contact key, time and how', async () => {
  const { asked, asking } = terminal('yes@on-call-2')
  const { outputs, error } = await approve.run(input, benchOf({ asking }).context)
  expect(error).toBeUndefined()
  expect(outputs).toEqual({
    by: 'commander',
    contact: 'on-call-2',
    answer: 'yes',
    how: 'terminal',
    decidedAt: expect.stringMatching(/^\d{4}-.*Z$/),
  })
  expect(asked[0]).toBe(
    'Fail over?\n  commander, answer yes or no, with @ and whose answer it is: on-call-1, on-call-2, such as yes@on-call-1: ',
  )
})

test('a no fails as declined, and says who said it', async () => {
  const { asking } = terminal('no@on-call-1')
  const { outputs, error } = await approve.run(input, benchOf({ asking }).context)
  expect(outputs).toMatchObject({ answer: 'no', contact: 'on-call-1' })
  expect(error).toMatchObject({
    code: 'declined',
    message: 'commander (on-call-1) said no: Fail over?',
  })
})

test('what is no answer is asked again, three times at most, and never taken for a yes', async () => {
  const patient = terminal('', 'sure', 'yes@on-call-1')
  const { outputs } = await approve.run(input, benchOf({ asking: patient.asking }).context)
  expect(outputs['answer']).toBe('yes')
  const silent = terminal()
  await expect(
    approve.run(input, benchOf({ asking: silent.asking }).context),
  ).rejects.toMatchObject({ code: 'usage', hint: expect.stringContaining('--answer step=yes@') })
  expect(silent.asked).toHaveLength(3)
})

test('an answer given beforehand is taken, and nobody is asked', async () => {
  const { asked, asking } = terminal('no@on-call-1')
  const given = new Map([['step', 'yes@on-call-2']])
  const { outputs } = await approve.run(input, benchOf({ asking: { ...asking, given } }).context)
  expect(outputs).toMatchObject({ answer: 'yes', contact: 'on-call-2', how: 'flag' })
  expect(asked).toEqual([])
})

test('without a terminal and an answer the error names the flag', async () => {
  await expect(approve.run(input, benchOf({}).context)).rejects.toMatchObject({
    code: 'usage',
    message: 'step step needs an answer of commander, and there is no terminal to ask at',
    hint: 'Give it beforehand: --answer step=yes@on-call-1 (or on-call-2).',
  })
})

test('work by hand is done, or could not be done', async () => {
  const done = await manual.run(work, benchOf({ asking: terminal('done').asking }).context)
  expect(done.outputs).toMatchObject({ role: 'engineer', contact: 'db-1', answer: 'done' })
  expect(typeof done.outputs['doneAt']).toBe('string')
  const failed = await manual.run(work, benchOf({ asking: terminal('failed').asking }).context)
  expect(failed.error?.message).toBe(
    'engineer (db-1) says that it could not be done: Cut the cable.',
  )
})

const approval = (changes: Partial<StepTask> = {}) =>
  buildTask('approve', (context) => approve.run(input, { ...context, plan }), {
    stepKind: 'approve',
    ...changes,
  })

test('a no stops the run, whatever the plan says of retries and of going on', async () => {
  const { asked, asking } = terminal('no@on-call-1', 'yes@on-call-1')
  const bench = runBench({ asking })
  const { records, outcome, error } = await bench.run(
    buildTree({
      steps: [
        approval({ onFailure: 'continue', retry: { attempts: 5, backoffMs: 0 } }),
        buildTask('fence'),
      ],
      always: [buildTask('tidy')],
    }),
  )
  expect(asked).toHaveLength(1)
  expect(outcome).toBe('failed')
  expect(error?.code).toBe('declined')
  expect(records.map((each) => [each.step, each.outcome])).toEqual([
    ['approve', 'failed'],
    ['fence', 'skipped'],
    ['tidy', 'passed'],
  ])
})

test('an answer that does not come in time is no answer', async () => {
  let why: unknown
  const bench = runBench({
    asking: {
      given: new Map(),
      ask: (_, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            why = signal.reason
            reject(signal.reason)
          })
        }),
    },
  })
  const running = bench.run(
    buildTree({
      steps: [approval({ timeoutMs: 900_000, onFailure: 'continue' }), buildTask('fence')],
    }),
  )
  await bench.started('approve')
  await bench.timer.pass(900_000)
  const { records, outcome } = await running
  expect(outcome).toBe('failed')
  expect(records.map((each) => [each.step, each.outcome])).toEqual([
    ['approve', 'failed'],
    ['fence', 'skipped'],
  ])
  expect(why).toBeInstanceOf(OperatingError)
  expect(records[0]?.error?.message).toBe('step approve took longer than its timeout of 15 min')
})
