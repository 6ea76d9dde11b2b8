import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { nodeDisk } from '../../../engine/base/disk.ts'
import { DirectoryDestination } from '../../../engine/destination/directory.ts'
import { suiteDirectory } from '../../support/temporary-directory.ts'
import { smallRepository } from '../retention/small-repository.ts'
import { runCli } from './run-cli.ts'

const suite = suiteDirectory()
let repository = ''
const clock = { nowMs: () => Date.UTC(2026, 5, 1), nowUs: () => 0, monotonicMs: () => 0 }
const cli = (...argv: string[]) => runCli(argv, { io: { clock } })

beforeAll(async () => {
  repository = join(suite.path, 'repo')
  const days = [1, 2, 3, 4, 5].map((lsn) => ({
    id: `s${lsn}`,
    lsn,
    ...(lsn === 2 && { tags: ['audit'] }),
  }))
  await smallRepository(days, new DirectoryDestination(nodeDisk, repository))
})

describe('repository forget and prune, and pins', () => {
  it('refuse an empty set of rules', async () => {
    const { exitCode, stderr } = await cli('repository', 'forget', repository)
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(/no retention rule is given: everything would be removed/)
  })

  it('say what would be done, do it, and say why of each snapshot', async () => {
    const pin = ['collections', 'backup', 'pin', '--source', repository, '--snapshot-id', 's1']
    expect((await cli(...pin, '--reason', 'the first one')).stdout).toBe(
      's1 of products is pinned\n',
    )
    const list = await cli('collections', 'backup', 'list', '--source', repository)
    expect(list.stdout).toMatch(/s1 .* pin\n.*s2 .* audit\n/)

    const forget = ['repository', 'forget', repository, '--keep-last', '1', '--keep-tag', 'audit']
    const dry = await cli(...forget, '--dry-run')
    expect(dry.stdout.split('\n').map((line) => line.replace(/ {2,}/g, '  '))).toEqual([
      'collection  snapshot  as of  outcome  why',
      'products  s1  2026-01-02T00:00:00.000Z  kept  pinned: the first one',
      'products  s2  2026-01-03T00:00:00.000Z  kept  tag audit',
      'products  s3  2026-01-04T00:00:00.000Z  would be removed  no rule keeps it',
      'products  s4  2026-01-05T00:00:00.000Z  would be removed  no rule keeps it',
      'products  s5  2026-01-06T00:00:00.000Z  kept  last 1 of 1',
      '2 snapshots would be removed; this was a dry run',
      '',
    ])
    expect(await readdir(join(repository, 'snapshots/products'))).toHaveLength(5)

    const done = await cli(...forget, '--prune', '--json')
    expect(done.exitCode).toBe(0)
    expect(done.objects().slice(-2)).toMatchObject([
      { removed: 2, kept: 3, snapshots: 5 },
      { outcome: 'done', removed: { count: 2 }, snapshots: 3 },
    ])
    expect((await readdir(join(repository, 'snapshots/products'))).sort()).toEqual([
      's1.json',
      's2.json',
      's5.json',
    ])

    const unpin = pin.map((word) => (word === 'pin' ? 'unpin' : word))
    expect((await cli(...unpin)).stdout).toBe('s1 of products is pinned no more\n')
    const byName = [
      'repository',
      'forget',
      repository,
      '--collection',
      'products',
      '--snapshot-id',
      's1',
    ]
    expect((await cli(...byName)).stdout).toMatch(/1 snapshot removed, 2 left\n$/)
    const prune = await cli('repository', 'prune', repository)
    expect(prune.stdout).toMatch(/^2 snapshots need 2 objects .*\nnobody needs 1 object \(2 B\)/)
    expect(prune.stdout).toMatch(/\nremoved 1 file \(2 B\) in /)
  })

  it('refuse a clock that is behind, and a zone that is none', async () => {
    const behind = { ...clock, nowMs: () => Date.UTC(2025, 0, 1) }
    const forget = ['repository', 'forget', repository, '--keep-daily', '1']
    const refused = await runCli(forget, { io: { clock: behind } })
    expect([refused.exitCode, refused.stderr]).toEqual([
      13,
      expect.stringMatching(/the clock says 2025/),
    ])
    expect((await cli(...forget, '--timezone', 'Nowhere')).exitCode).toBe(2)
    expect((await cli(...forget, '--keep-daily', '0')).exitCode).toBe(2)
  })
})
