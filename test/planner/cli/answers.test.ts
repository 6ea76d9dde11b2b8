import { readFile } from 'node:fs/promises'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { dr, smallPlan } from '../../support/dr-command.ts'

const withPeople = (steps: string) => (text: string) =>
  text.replace(
    /schedules:[\s\S]*$/,
    `people:
  roles:
    commander: { primary: on-call-1, deputies: [on-call-2] }
    engineer: { primary: db-1 }
  contacts:
    on-call-1: { name: Ada Example, phone: "+41 00 000 00 01" }
    on-call-2: { name: Bob Example, phone: "+41 00 000 00 02" }
    db-1: { name: Eve Example }
schedules:
  switch:
    cron: "0 2 * * *"
    steps:
${steps}
`,
  )

const steps = `      - approve: { by: commander, question: "Load the points?" }
      - manual: { do: "Look out of the window.", role: engineer }
      - import: { target: local, collection: points, file: ./data/points.jsonl, format: jsonl }`

const plan = () => smallPlan(withPeople(steps))

const told = { ask: async () => Promise.reject(new Error('nobody is to be asked')) }

test('answers given beforehand let a run pass without a terminal; names stay out of the ledger', async () => {
  const { file, state } = await plan()
  const { exitCode, stderr } = await dr(
    ['run', file, '--answer', 'approve=yes@on-call-2', '--answer', 'manual=done'],
    told,
  )
  expect(stderr).not.toContain('error')
  expect(exitCode).toBe(0)
  const ledger = await readFile(path.join(state, 'ledger.jsonl'), 'utf8')
  expect(ledger).toContain('"contact":"on-call-2"')
  expect(ledger).toContain('"contact":"db-1"')
  expect(ledger).not.toMatch(/Example|\+41/)
})

test('without a terminal every missing answer is named before anything runs', async () => {
  const { file, state } = await plan()
  const { exitCode, stderr } = await dr(['run', file])
  expect(exitCode).toBe(2)
  expect(stderr).toContain('--answer approve=yes@on-call-1 --answer manual=done@db-1')
  await expect(readFile(path.join(state, 'ledger.jsonl'))).rejects.toThrow('ENOENT')
})

test.each([
  ['aprove=yes', 'no step aprove asks a person'],
  ['import=yes', 'no step import asks a person'],
  ['approve=maybe', '"maybe" is neither yes nor no'],
  ['approve=yes', 'does not say whose answer it is'],
  ['approve=yes@db-1', '"db-1" does not hold the role'],
  ['approve', 'STEP=ANSWER'],
  ['=yes', 'STEP=ANSWER'],
])('the answer %s is refused before anything runs', async (answer, why) => {
  const { file, state } = await plan()
  const { exitCode, stderr } = await dr(['run', file, '--answer', answer], told)
  expect(exitCode).toBe(2)
  expect(stderr).toContain(why)
  await expect(readFile(path.join(state, 'ledger.jsonl'))).rejects.toThrow('ENOENT')
})

test('a no ends the run with an error of its own, and nothing after it is done', async () => {
  const { file, directory } = await plan()
  const answers = ['--answer', 'approve=no@on-call-1', '--answer', 'manual=done']
  const { exitCode, objects } = await dr(['run', file, '--json', ...answers])
  expect(exitCode).toBe(15)
  expect(objects().at(-1)).toMatchObject({ outcome: 'failed', error: { code: 'declined' } })
  await expect(readFile(path.join(directory, 'store'))).rejects.toThrow('ENOENT')
})

test('at a terminal each question is asked when its step is reached', async () => {
  const { file } = await plan()
  const asked: string[] = []
  const { exitCode } = await dr(['run', file], {
    ask: async (question) => {
      asked.push(question)
      return asked.length === 1 ? 'yes@on-call-1' : 'done'
    },
  })
  expect(exitCode).toBe(0)
  expect(asked.map((question) => question.split('\n')[0])).toEqual([
    'Load the points?',
    'By hand: Look out of the window.',
  ])
})
