import { readdir, readFile, writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { describe, expect, test } from 'vitest'
import { starterPlan } from '../../../planner/plan/starter-plan.ts'
import { dr } from '../../support/dr-command.ts'
import { errorsOf } from '../../support/plan-text.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const answers = {
  collection: 'products',
  data: './data',
  to: './backups',
  rpo: '26h',
  rto: '1h',
}

const flags = (changes: Partial<typeof answers> = {}): string[] =>
  Object.entries({ ...answers, ...changes }).flatMap(([name, value]) => [`--${name}`, value])

const never = { ask: async () => Promise.reject(new Error('nobody is to be asked')) }

test('flags write a plan that validates and explains, in a directory that is made', async () => {
  const directory = path.join(await temporaryDirectory(), 'deep', 'dr')
  const { exitCode, objects } = await dr(['init', directory, '--json', ...flags()], never)
  expect(exitCode).toBe(0)
  const file = path.join(directory, 'plan.yaml')
  expect(objects()).toEqual([
    { outcome: 'done', file, plan: 'products', sha256: expect.any(String), answers },
  ])
  expect((await dr(['validate', file])).exitCode).toBe(0)
  const explained = await dr(['explain', file])
  expect(explained.exitCode).toBe(0)
  expect(explained.stdout).toContain('Back up products to backups')
  expect(explained.stdout).toContain(
    'Restore the newest snapshot of products from backups to spare',
  )
})

test('check finds in it what only its author can decide, and no error', async () => {
  const directory = await temporaryDirectory()
  await dr(['init', directory, ...flags()])
  const { exitCode, objects } = await dr(['check', path.join(directory, 'plan.yaml'), '--json'])
  expect(exitCode).toBe(0)
  const found = objects().flatMap(({ code, severity }) => (severity === 'warning' ? [code] : []))
  expect([...new Set(found)].sort()).toEqual([
    'domains-unsaid',
    'immutable-missing',
    'objective-unproven',
    'schedule-silent',
  ])
})

test.each(['2m', '3m59s', '5m', '59m', '2h', '25h', '26h', '7d', '3650d'])(
  'copies are made often enough for an rpo of %s',
  async (rpo) => {
    const directory = await temporaryDirectory()
    expect((await dr(['init', directory, ...flags({ rpo })])).exitCode).toBe(0)
    const { objects } = await dr(['check', path.join(directory, 'plan.yaml'), '--json'])
    const codes = objects().map(({ code }) => code)
    expect(codes).not.toContain('rpo-schedule')
  },
)

test('a plan that is there already stays as it is', async () => {
  const directory = await temporaryDirectory()
  const file = path.join(directory, 'plan.yaml')
  await writeFile(file, 'mine')
  const { exitCode, stderr } = await dr(['init', directory, ...flags()], never)
  expect(exitCode).toBe(2)
  expect(stderr).toContain(`${file} is there already`)
  expect(await readFile(file, 'utf8')).toBe('mine')
})

test('without a terminal every missing answer is named, and nothing is written', async () => {
  const directory = path.join(await temporaryDirectory(), 'dr')
  const { exitCode, stderr } = await dr(['init', directory, '--collection', 'a', '--rto', '1h'])
  expect(exitCode).toBe(2)
  expect(stderr).toContain('--data ./vectra-data --to ./backups --rpo 26h')
  expect(stderr).not.toContain('--rto')
  await expect(readdir(directory)).rejects.toThrow('ENOENT')
})

test.each([
  ['collection', '../a', 'not a collection name'],
  ['collection', 'constructor', 'the key "constructor" is not allowed'],
  ['data', '~/data', 'only a shell knows'],
  ['to', 'ftp://host/a', '--to'],
  ['to', '${env.NOT_THERE}/a', 'NOT_THERE'],
  ['rpo', 'a day', 'is not a duration'],
  ['rpo', '119s', 'too short for snapshots'],
  ['rto', '0s', 'is no time at all'],
])('--%s %s is refused, and nothing is written', async (name, value, why) => {
  const directory = path.join(await temporaryDirectory(), 'dr')
  const { exitCode, stderr } = await dr(['init', directory, ...flags({ [name]: value })], never)
  expect(exitCode).toBe(2)
  expect(stderr).toContain(why)
  await expect(readdir(directory)).rejects.toThrow('ENOENT')
})

describe('at a terminal', () => {
  test('what no flag answers is asked, and Enter takes the usual answer', async () => {
    const directory = await temporaryDirectory()
    const asked: string[] = []
    const { exitCode } = await dr(['init', directory, '--collection', 'a', '--to', './b'], {
      ask: async (question) => {
        asked.push(question)
        return ''
      },
    })
    expect(exitCode).toBe(0)
    expect(asked.map((question) => /\[(.*)\]/.exec(question)?.[1])).toEqual([
      './vectra-data',
      '26h',
      '1h',
    ])
  })

  test('an answer that is none three times ends it, and nothing is written', async () => {
    const directory = path.join(await temporaryDirectory(), 'dr')
    let asked = 0
    const { exitCode, stderr } = await dr(['init', directory, ...flags().slice(0, 6)], {
      ask: async () => {
        asked++
        return 'soon'
      },
    })
    expect([exitCode, asked]).toEqual([2, 3])
    expect(stderr).toContain('no answer for --rpo')
    await expect(readdir(directory)).rejects.toThrow('ENOENT')
  })
})

test.each(['true', 'null', 'NO', '12', '1e5', '0x1', '_', 'a.b-c_d', 'a'.repeat(128)])(
  'a collection called %s is a text in it',
  async (collection) => {
    const directory = await temporaryDirectory()
    const text = starterPlan({ ...answers, collection, data: '/a b/#c: d/', to: 'it\'s "here"' })
    expect(await errorsOf(directory, text)).toEqual([])
  },
)
