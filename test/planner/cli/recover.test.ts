import { readdir } from 'node:fs/promises'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { nodeDisk } from '../../../engine/index.ts'
import { readLedger } from '../../../planner/ledger/ledger-reader.ts'
import { pastRuns } from '../../../planner/run/past-run.ts'
import { dr, smallPlan } from '../../support/dr-command.ts'

const procedures = `procedures:
  go-back:
    for: [data]
    ask:
      upTo: { question: "Which record was the last good one?", type: number }
      heardAt: { question: "When did you hear of it?", type: instant }
    steps:
      - restore: { from: [backups], collection: points, at: "lsn:\${ask.upTo}", into: local, as: points_back }
      - check: { target: local, collection: points_back, count: { min: 50, max: 50 } }
      - exec: { command: [node, -e, "console.log(process.argv[1])", "\${ask.heardAt} in \${target.local.region}"] }
  go-on:
    steps:
      - exec: { command: [node, -e, "0"] }
        confirm: true
`

const plan = () =>
  smallPlan((text) =>
    text
      .replace('path: ./store', 'path: ./store, region: eu-central')
      .replace('drills:', `${procedures}drills:`),
  )

const heardAt = '2026-01-02T03:04:05+01:00'
const answers = ['--answer', 'upTo=1', '--answer', `heardAt=${heardAt}`]

const runsOf = async (state: string) =>
  pastRuns('small', (await readLedger(nodeDisk, path.join(state, 'ledger.jsonl'))).entries)

test('a procedure runs with the answers it asks for, and the ledger keeps them and since when', async () => {
  const { file, state } = await plan()
  expect((await dr(['run', file])).exitCode).toBe(0)
  const since = '2026-01-02T02:00:00Z'
  const result = await dr(['recover', file, 'go-back', ...answers, '--since', since])
  expect([result.exitCode, result.stderr]).toEqual([0, expect.any(String)])
  const [, run] = await runsOf(state)
  expect(run).toMatchObject({ sequence: { kind: 'procedure', name: 'go-back' }, outcome: 'passed' })
  expect(run?.recovery).toEqual({
    answers: new Map([
      ['upTo', '1'],
      ['heardAt', heardAt],
    ]),
    since: Date.parse(since),
  })
  const outputs = new Map(run?.records.map((record) => [record.step, record.outputs]))
  expect(outputs.get('restore')).toMatchObject({ lsn: 1, at: 'lsn:1' })
  expect(outputs.get('exec')).toMatchObject({ stdout: `${heardAt} in eu-central\n` })
})

test('at a terminal it asks what was not answered, before anything runs', async () => {
  const { file, state } = await plan()
  await dr(['run', file])
  const asked: string[] = []
  const ask = async (question: string) => {
    asked.push(question)
    return question.includes('record') ? '1' : heardAt
  }
  const given = ['--answer', `heardAt=${heardAt}`]
  expect((await dr(['recover', file, 'go-back', ...given], { ask })).exitCode).toBe(0)
  expect(asked).toEqual(['Which record was the last good one? '])
  expect((await runsOf(state)).at(-1)?.recovery?.answers.get('upTo')).toBe('1')
})

test.each([
  ['nobody answers', ['go-back'], '--answer upTo=… --answer heardAt=…'],
  [
    'an instant has no offset',
    ['go-back', '--answer', 'heardAt=2026-01-02T03:04'],
    'without an offset',
  ],
  ['a number is none', ['go-back', '--answer', 'upTo=many'], 'is not a number'],
  ['a question is misspelt', ['go-back', '--answer', 'upto=1'], 'Did you mean "upTo"?'],
  [
    'the disaster is yet to come',
    ['go-back', ...answers, '--since', '2999-01-01T00:00:00Z'],
    'future',
  ],
  ['the procedure is not named', [], 'go-back, go-on'],
  ['nobody says yes', ['go-on'], '--yes'],
])('when %s it exits 2, and nothing was run', async (_, argv, said) => {
  const { file, directory } = await plan()
  const { exitCode, stderr } = await dr(['recover', file, ...argv])
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining(said)])
  expect((await readdir(directory)).sort()).toEqual(['data', 'small.yaml'])
})

test('a procedure that is not there exits 14, one with a yes runs', async () => {
  const { file } = await plan()
  expect((await dr(['recover', file, 'go-bak'])).exitCode).toBe(14)
  expect((await dr(['recover', file, 'go-on', '--yes'])).exitCode).toBe(0)
  expect((await dr(['recover', file, 'go-on'], { ask: async () => 'no' })).exitCode).toBe(2)
  expect((await dr(['recover', file, 'go-on'], { ask: async () => 'yes' })).exitCode).toBe(0)
})

test('explain shows a procedure alone', async () => {
  const { file } = await plan()
  const { stdout, exitCode } = await dr(['explain', file, '--procedure', 'go-back'])
  expect(exitCode).toBe(0)
  expect(stdout).toContain('procedure go-back of plan small')
  expect(stdout).toContain("--at 'lsn:${ask.upTo}'")
  expect(stdout).not.toContain('nightly')
})
