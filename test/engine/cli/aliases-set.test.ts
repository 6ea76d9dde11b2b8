import { join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { runCli } from './run-cli.ts'

let root: string
const cli = (...argv: string[]) => runCli(argv, { env: { VECTRA_DATA: join(root, 'data') } })

beforeEach(async () => {
  root = await temporaryDirectory()
  for (const name of ['v1', 'v2']) {
    await cli('collections', 'create', name, '--dimension', '2', '--index', 'flat')
  }
  await cli('collections', 'upsert', 'v1', '--id', 'a', '--vector', '[1,0]')
})

it('switches an alias, which the other commands then follow', async () => {
  expect(await cli('aliases', 'set', 'live', 'v1')).toMatchObject({
    exitCode: 0,
    stdout: 'live means v1\n',
  })
  expect((await cli('collections', 'count', 'live')).stdout).toBe('1\n')
  expect((await cli('search', 'live', '--vector', '[1,0]')).stdout).toContain('a')
  const upserted = await cli('collections', 'upsert', 'live', '--id', 'b', '--vector', '[0,1]')
  expect(upserted.exitCode).toBe(0)
  expect((await cli('collections', 'count', 'v1')).stdout).toBe('2\n')
  expect((await cli('aliases', 'set', 'live', 'v2')).stdout).toBe('live means v2, no longer v1\n')
  expect((await cli('collections', 'count', 'live')).stdout).toBe('0\n')
  const listed = await cli('aliases', 'list', '--json')
  expect(listed.objects()).toEqual([
    { alias: 'live', collection: 'v2' },
    { outcome: 'done', aliases: 1 },
  ])
})

it('is shown beside its collection', async () => {
  await cli('aliases', 'set', 'live', 'v1')
  await cli('aliases', 'set', 'current', 'v1')
  expect((await cli('collections', 'list')).stdout).toMatch(/^name .* aliases\nv1 .* current, live/)
  const listed = await cli('collections', 'list', '--json')
  expect(listed.objects()[0]).toMatchObject({ name: 'v1', aliases: ['current', 'live'] })
  expect((await cli('collections', 'describe', 'live')).stdout).toMatch(/aliases +current, live\n/)
  expect((await cli('aliases', 'list')).stdout).toBe(
    'alias    collection\ncurrent  v1\nlive     v1\n',
  )
})

it('backs up the collection that it means', async () => {
  await cli('aliases', 'set', 'live', 'v1')
  const to = join(root, 'repository')
  const backup = await cli(
    'collections',
    'backup',
    'live',
    '--destination',
    to,
    '--snapshot-id',
    's',
  )
  expect(backup.stdout).toContain('backed up v1 as s')
})

it('refuses what would be ambiguous or lose a collection', async () => {
  await cli('aliases', 'set', 'live', 'v1')
  const drop = await cli('collections', 'drop', 'live', '--if-exists')
  expect([drop.exitCode, drop.stderr]).toEqual([2, expect.stringMatching(/aliases delete live/)])
  const create = await cli('collections', 'create', 'live', '--dimension', '2')
  expect(create.exitCode).toBe(2)
  expect((await cli('aliases', 'set', 'v2', 'v1')).exitCode).toBe(2)
  expect((await cli('aliases', 'set', 'live', 'v3')).exitCode).toBe(14)
  expect((await cli('aliases', 'delete', 'v1')).exitCode).toBe(14)
  expect((await cli('aliases', 'delete', 'live')).stdout).toBe('deleted the alias live of v1\n')
  expect((await cli('aliases', 'list')).stderr).toContain('no aliases')
  expect((await cli('collections', 'count', 'live')).exitCode).toBe(14)
})
