import { join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { runCli } from './run-cli.ts'

let root: string
let source: string
const cli = (...argv: string[]) => runCli(argv, { env: { VECTRA_DATA: join(root, 'data') } })
const upsert = (id: string, vector: string) =>
  cli('collections', 'upsert', 'pets', '--id', id, '--vector', vector)
const backUp = (id: string) =>
  cli('collections', 'backup', 'pets', '--destination', source, '--snapshot-id', id)
const diff = (...ids: string[]) =>
  cli(
    ...['collections', 'backup', 'diff', '--source', source, '--json'],
    ...ids.flatMap((id) => ['--snapshot-id', id]),
  )

beforeEach(async () => {
  root = await temporaryDirectory()
  source = join(root, 'repository')
  await cli('collections', 'create', 'pets', '--dimension', '2', '--index', 'flat')
  await upsert('cat', '[1,0]')
  await upsert('dog', '[0,1]')
  await backUp('monday')
  await upsert('cat', '[1,1]')
  await upsert('bird', '[2,1]')
  await backUp('tuesday')
  await cli('collections', 'delete', 'pets', 'dog', 'cat')
  await backUp('friday')
})

it('compares with the snapshot before, or with the one that is named', async () => {
  const [tuesday] = (await diff('tuesday')).objects()
  expect(tuesday).toMatchObject({
    outcome: 'done',
    from: { snapshotId: 'monday' },
    points: { added: 1, removed: 0, changed: 1, unchanged: 1 },
  })
  const [week] = (await diff('monday', 'friday')).objects()
  expect(week).toMatchObject({ points: { added: 1, removed: 2, changed: 0, unchanged: 0 } })
  const [back] = (await diff('friday', 'monday')).objects()
  expect(back).toMatchObject({ points: { added: 2, removed: 1, changed: 0, unchanged: 0 } })
})

it('tells it to people, and show tells what is shared', async () => {
  const flags = ['--source', source, '--snapshot-id', 'tuesday']
  const { stdout } = await cli('collections', 'backup', 'diff', ...flags)
  expect(stdout).toMatch(/^collection +pets\nfrom +monday: 2 points at LSN 2, /)
  expect(stdout).toMatch(/\npoints added +1\npoints removed +0\npoints changed +1\n/)
  expect(stdout).toMatch(/\nshared +.* in \d+ objects?\nadded +.* in \d+ objects?\n/)
  const shown = await cli('collections', 'backup', 'show', ...flags)
  expect(shown.stdout).toMatch(/\nshared with monday +\S.*\nnew since monday +\S/)
  const first = await cli(
    'collections',
    'backup',
    'show',
    '--source',
    source,
    '--snapshot-id',
    'monday',
  )
  expect(first.stdout).not.toContain('shared with')
})

it('refuses three snapshots and one that is not there', async () => {
  expect((await diff('monday', 'tuesday', 'friday')).exitCode).toBe(2)
  expect((await diff('sunday')).exitCode).toBe(14)
  expect((await diff('sunday', 'friday')).exitCode).toBe(14)
})
