import { writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { dr, smallPlan } from '../../support/dr-command.ts'

const commands = [
  ['validate'],
  ['check'],
  ['explain'],
  ['run'],
  ['drill'],
  ['audit'],
  ['ledger', 'verify'],
  ['ledger', 'show'],
  ['doctor'],
  ['schema'],
]

test.each(commands.map((words) => [words.join(' '), words] as const))(
  '%s has help with examples',
  async (name, words) => {
    const { exitCode, stdout, stderr } = await dr([...words, '--help'])
    expect(exitCode).toBe(0)
    expect(stdout).toContain(`vectra-dr ${name}`)
    expect(stdout).toContain('Examples:')
    expect(stdout).toContain('--json')
    expect(stderr).toBe('')
  },
)

test.each([
  [['valdiate', 'p.yaml'], 'validate'],
  [['ledger', 'verfy'], 'verify'],
  [['drill', 'p.yaml', '--jsn'], '--json'],
])('%j is a usage error that suggests the nearest', async (argv, nearest) => {
  const { exitCode, stdout, stderr } = await dr(argv)
  expect(exitCode).toBe(2)
  expect(stdout).toBe('')
  expect(stderr).toMatch(/^error: .+\nhint: .+\n$/)
  expect(stderr).toContain(nearest)
})

test.each([
  [['audit', 'p.yaml', '--window', '1d', '--window', '2d'], 'twice'],
  [['validate', 'p.yaml', '--state', '--json'], 'no value'],
  [['audit', 'p.yaml', '--window', 'soon'], 'duration'],
  [['audit', 'p.yaml', '--from', '2026-01-01T00:00:00'], 'offset'],
  [['audit', 'p.yaml', '--format', 'pdf'], 'html'],
  [['validate'], 'plan'],
  [['validate', 'a.yaml', 'b.yaml'], 'argument'],
  [[], 'command'],
  [['ledger'], 'command'],
])('%j is refused with one line and a hint', async (argv, word) => {
  const { exitCode, stderr } = await dr(argv)
  expect(exitCode).toBe(2)
  expect(stderr).toMatch(/^error: .+\nhint: .+\n$/)
  expect(stderr).toContain(word)
})

test('the version is printed', async () => {
  expect(await dr(['--version'])).toMatchObject({ exitCode: 0, stdout: '0.1.0\n' })
})

test('a valid plan says what is in it', async () => {
  const { file } = await smallPlan()
  const { exitCode, stdout } = await dr(['validate', file])
  expect(exitCode).toBe(0)
  expect(stdout).toContain('plan small, 1 collection, 1 target, 1 destination, 1 schedule, 1 drill')
})

test('an invalid plan shows every error with its line and caret, and exits 10', async () => {
  const { file } = await smallPlan((text) =>
    text.replace('engine: vectra', 'engine: vektra').replace('to: backups', 'to: backup'),
  )
  const { exitCode, stderr } = await dr(['validate', file])
  expect(exitCode).toBe(10)
  expect(stderr).toMatch(/small\.yaml:5:\d+: /)
  expect(stderr).toMatch(/small\.yaml:15:\d+: /)
  expect(stderr).toContain('^')
  expect(stderr).toContain('Did you mean')
  const json = (await dr(['validate', file, '--json'])).objects()
  expect(json).toMatchObject([{ outcome: 'failed', error: { code: 'plan-invalid' } }])
})

test.each([['explain'], ['run'], ['drill'], ['audit']])(
  '%s refuses an invalid plan',
  async (name) => {
    const { file } = await smallPlan((text) => text.replace('version: 1', 'version: 2'))
    expect((await dr([name, file])).exitCode).toBe(10)
  },
)

test('a plan that is not there exits 14', async () => {
  const { exitCode, stderr } = await dr(['validate', '/nowhere/plan.yaml'])
  expect(exitCode).toBe(14)
  expect(stderr).toContain('/nowhere/plan.yaml')
})

test('explain shows one drill or all there is, and runs nothing', async () => {
  const { file, directory } = await smallPlan()
  const all = await dr(['explain', file])
  expect(all.stdout).toContain('schedule nightly of plan small')
  expect(all.stdout).toContain('drill lost of plan small')
  const one = await dr(['explain', file, '--drill', 'lost'])
  expect(one.stdout).not.toContain('nightly')
  expect((await dr(['explain', file, '--drill', 'lots'])).exitCode).toBe(14)
  const { readdir } = await import('node:fs/promises')
  expect((await readdir(directory)).sort()).toEqual(['data', 'small.yaml'])
})

test('explain --json gives the tree', async () => {
  const { file } = await smallPlan()
  const [object] = (await dr(['explain', file, '--drill', 'lost', '--json'])).objects()
  expect(object).toMatchObject({
    outcome: 'done',
    sequences: [{ name: 'lost', stages: [{ name: 'steps' }, { name: 'always' }] }],
  })
  expect(JSON.stringify(object)).toContain('"id":"points_${run}"')
})

test('case 94: explain masks the values of variables that paths are made of', async () => {
  const { file } = await smallPlan((text) =>
    text.replace('path: ./store', 'path: "./${env.SHOP}/store"'),
  )
  const env = { SHOP: 'swordfish' }
  for (const flags of [[], ['--json']]) {
    const { stdout, exitCode } = await dr(['explain', file, ...flags], { env })
    expect(exitCode).toBe(0)
    expect(stdout).toContain('***/store')
    expect(stdout).not.toContain('swordfish')
  }
})

test('schema prints what plans are checked with', async () => {
  const { stdout } = await dr(['schema'])
  expect(JSON.parse(stdout)).toMatchObject({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
  })
  expect(JSON.parse((await dr(['schema', 'restore'])).stdout)).toHaveProperty('properties.from')
  expect(JSON.parse((await dr(['schema', 'script'])).stdout)).toHaveProperty('properties.acts')
  const { exitCode, stderr } = await dr(['schema', 'nothing'])
  expect(exitCode).toBe(14)
  expect(stderr).toContain('restore')
})

test('doctor looks at everything and leaves nothing behind', async () => {
  const { directory, state } = await smallPlan()
  const { exitCode, stdout } = await dr(['doctor', '--state', state])
  expect(exitCode).toBe(0)
  for (const name of ['Node', 'hnswlib-node', 'state directory', 'free space', 'git', 'clock']) {
    expect(stdout).toContain(name)
  }
  const { readdir } = await import('node:fs/promises')
  expect(await readdir(directory)).not.toContain('.vectra-dr')
})

test('doctor says what is not fit for use', async () => {
  const { directory } = await smallPlan()
  await writeFile(`${directory}/file`, '')
  const { exitCode, stdout, stderr } = await dr(['doctor', '--state', `${directory}/file/state`])
  expect(exitCode).toBe(12)
  expect(stdout).toContain('bad')
  expect(stderr).toContain('state directory')
})
