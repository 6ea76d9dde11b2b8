/** `repository probe` and `repository init`, and the other commands, on object storage. */
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../engine/base/clock.ts'
import type { Timer } from '../../../engine/base/timer.ts'
import { type ManualClock, manualClock } from '../../support/manual-clock.ts'
import { type ObjectStore, startObjectStore, testKey } from '../../support/object-store.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { runCli } from './run-cli.ts'

vi.stubEnv('AWS_ACCESS_KEY_ID', testKey.accessKeyId)
vi.stubEnv('AWS_SECRET_ACCESS_KEY', testKey.secretAccessKey)
afterAll(() => vi.unstubAllEnvs())

let store: ObjectStore
let clock: ManualClock
let root: string

/** The two seconds of the probe's lock pass at once. */
const timer: Timer = {
  after(milliseconds, act) {
    clock.advance(milliseconds)
    queueMicrotask(act)
    return () => {}
  },
}

beforeEach(async () => {
  clock = manualClock(systemClock.nowMs()) // signatures are made by the machine's clock
  store = await startObjectStore(clock)
  root = await temporaryDirectory()
})

const cli = (...argv: string[]) =>
  runCli(argv, { env: { VECTRA_DATA: join(root, 'data') }, io: { clock, timer } })
const verdicts = async (url: string) => {
  const { exitCode, objects } = await cli('repository', 'probe', url, '--json')
  const found = objects()
  const byCheck = Object.fromEntries(found.map((each) => [each['check'], each['verdict']]))
  return { exitCode, byCheck, last: found.at(-1) }
}
const allKeys = (bucket: string) => [...(store.state.buckets.get(bucket)?.versions.keys() ?? [])]

const sound = {
  'read after write': 'honoured',
  replace: 'honoured',
  'conditional put': 'honoured',
  'one winner of 8': 'honoured',
  ranges: 'honoured',
  list: 'honoured',
  delete: 'honoured',
}

describe('repository probe', () => {
  it('finds a store sound, and removes what it wrote', async () => {
    const bucket = store.newBucket()
    const { exitCode, byCheck, last } = await verdicts(store.url(bucket, 'here'))
    expect([exitCode, byCheck]).toMatchObject([0, { ...sound, 'object lock': 'absent' }])
    expect(last).toMatchObject({ outcome: 'done', fit: true, locks: false, removed: true })
    expect(allKeys(bucket)).toEqual(['here/.vectra-probe']) // which tells every later writer
  })

  it('case 54: finds locks honoured where they are, and leaves no version behind', async () => {
    const bucket = store.newBucket({ lock: true })
    const { exitCode, byCheck, last } = await verdicts(store.url(bucket))
    expect([exitCode, byCheck]).toMatchObject([0, { ...sound, 'object lock': 'honoured' }])
    expect(last).toMatchObject({ locks: true, removed: true })
    expect(allKeys(bucket)).toEqual(['.vectra-probe'])
  })

  it('probes a directory too, with a table for people', async () => {
    const { exitCode, stdout } = await cli('repository', 'probe', join(root, 'copies'))
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/check +verdict +detail\nread after write +honoured/)
    expect(stdout).toMatch(/object lock +absent +this kind of destination has no locks/)
    expect(stdout).toMatch(/can hold a repository; nothing can be locked/)
  })

  it.each(['ignored', 'refused'] as const)(
    'case 51: tells that conditional puts are %s, exits 2, and leaves nothing',
    async (how) => {
      store.behaviour.conditionalWrites = how
      const bucket = store.newBucket()
      const { exitCode, byCheck, last } = await verdicts(store.url(bucket))
      expect([exitCode, byCheck]).toMatchObject([
        2,
        { ...sound, 'conditional put': 'refused', 'one winner of 8': 'refused' },
      ])
      expect(last).toMatchObject({ outcome: 'failed' })
      expect(allKeys(bucket)).toEqual([])
    },
  )

  it('case 51: tells that locks are taken and forgotten', async () => {
    store.behaviour.forgetsLocks = true
    const url = store.url(store.newBucket({ lock: true }))
    const { exitCode, byCheck } = await verdicts(url)
    expect([exitCode, byCheck['object lock']]).toEqual([0, 'broken'])
    const init = ['repository', 'init', url, '--object-lock', 'governance', '--lock-for', '1d']
    expect((await cli(...init)).exitCode).toBe(2)
  })

  it('case 53: an append-only role can keep a repository', async () => {
    store.behaviour.deniesDelete = true
    const bucket = store.newBucket()
    const { exitCode, byCheck, last } = await verdicts(store.url(bucket))
    expect([exitCode, byCheck]).toMatchObject([0, { ...sound, delete: 'refused' }])
    expect(last).toMatchObject({ fit: true, removed: false })
  })

  it('says with 14 that there is no bucket, with 17 that the secret is wrong', async () => {
    expect((await cli('repository', 'probe', store.url('no-bucket'))).exitCode).toBe(14)
    store.keys.set(testKey.accessKeyId, { secret: 'another' })
    const refused = await cli('repository', 'probe', store.url(store.newBucket()))
    expect(refused.exitCode).toBe(17)
    expect(refused.stderr).not.toContain(testKey.secretAccessKey)
  })
})

describe('repository init', () => {
  it('makes a repository whose locks count for every backup', async () => {
    const bucket = store.newBucket({ lock: true })
    const url = store.url(bucket, 'vectra')
    const init = ['repository', 'init', url, '--object-lock', 'compliance', '--lock-for', '35d']
    const made = await cli(...init)
    expect([made.exitCode, made.stderr]).toEqual([0, ''])
    expect(made.stdout).toMatch(/made repository .* locking by compliance for 35 days/)
    expect((await cli('repository', 'init', url)).exitCode).toBe(2) // there is one
    await cli('collections', 'create', 'pets', '--dimension', '2', '--index', 'flat')
    await cli('collections', 'upsert', 'pets', '--id', 'cat', '--vector', '[1,0]')
    const backup = ['collections', 'backup', 'pets', '--destination', url, '--snapshot-id', 's1']
    const backedUp = await cli(...backup)
    const [, until = ''] = /locked \(compliance\) until (\S+)/.exec(backedUp.stdout) ?? []
    expect(Date.parse(until)).toBeGreaterThan(clock.nowMs() + 34 * 86_400_000)
    const verified = await cli('collections', 'backup', 'verify', '--source', url)
    expect(verified.stdout).toMatch(/all objects and manifests are locked until /)
    const again = await cli('collections', 'backup', 'verify', '--source', url, '--json')
    expect(again.objects().at(-1)).toMatchObject({ locks: { unlocked: 0 } })
  })

  it('refuses locks without an end, or where the bucket has none', async () => {
    const url = store.url(store.newBucket())
    const half = await cli('repository', 'init', url, '--object-lock', 'governance')
    expect([half.exitCode, half.stderr]).toEqual([2, expect.stringContaining('--lock-for')])
    const locks = ['--object-lock', 'governance', '--lock-for', '1d']
    const none = await cli('repository', 'init', url, ...locks)
    expect([none.exitCode, none.stderr]).toEqual([2, expect.stringContaining('no object lock')])
  })
})

describe('s3:// on the command line', () => {
  it('backs up, lists, shows, verifies, archives, restores and compares', async () => {
    const url = store.url(store.newBucket(), 'vectra/products_20231027')
    const run = async (...argv: string[]) => {
      const { exitCode, stdout, stderr } = await cli('collections', ...argv)
      expect([argv[0], argv[1], exitCode, stderr]).toEqual([argv[0], argv[1], 0, expect.anything()])
      return stdout
    }
    await run('create', 'products', '--dimension', '2', '--index', 'flat')
    await run('upsert', 'products', '--id', 'cat', '--vector', '[1,0]')
    const to = ['--destination', url]
    await run('backup', 'products', ...to, '--snapshot-id', 's1', '--wait')
    await run('upsert', 'products', '--id', 'dog', '--vector', '[0,1]')
    await run('backup', 'products', ...to, '--snapshot-id', 's2', '--wait')
    await run('archive', 'products', ...to, '--once')
    const from = ['--source', url]
    expect(await run('backup', 'list', ...from)).toContain('s2')
    await run('backup', 'show', ...from, '--snapshot-id', 's1')
    await run('backup', 'diff', ...from, '--snapshot-id', 's2')
    expect(await run('backup', 'verify', ...from)).toContain('s1')
    await run('restore', 'products', ...from, '--new-collection-name', 'copy')
    expect(await run('count', 'copy')).toBe('2\n')
    await run('restore', 'products', ...from, '--at', 'latest', '--new-collection-name', 'latest')
    expect(await run('count', 'latest')).toBe('2\n')
  })

  it('case 55: restores what an attacker has overwritten and deleted, as of an instant before', async () => {
    const bucket = store.newBucket({ versioned: true })
    const url = store.url(bucket, 'vectra')
    await cli('collections', 'create', 'pets', '--dimension', '2', '--index', 'flat')
    await cli('collections', 'upsert', 'pets', '--id', 'cat', '--vector', '[1,0]')
    const flags = ['--destination', url, '--snapshot-id', 's1']
    expect((await cli('collections', 'backup', 'pets', ...flags)).exitCode).toBe(0)
    clock.advance(60_000)
    const before = new Date(clock.nowMs()).toISOString()
    clock.advance(60_000)
    const held = store.state.buckets.get(bucket)
    if (held === undefined) throw new Error('the bucket is there')
    for (const [index, name] of [...held.versions.keys()].entries()) {
      if (index % 2 === 0) store.state.store(held, name, Buffer.from('encrypted, pay here'))
      else store.state.delete(held, name)
    }
    const restore = ['collections', 'restore', 'pets', '--new-collection-name', 'back', '--source']
    expect((await cli(...restore, url)).exitCode).not.toBe(0)
    const past = `${url}&asOf=${before}`
    const verified = await cli('collections', 'backup', 'verify', '--source', past)
    expect([verified.exitCode, verified.stdout]).toEqual([0, expect.stringContaining('s1')])
    const restored = await cli(...restore, past)
    expect([restored.exitCode, restored.stderr]).toEqual([0, expect.anything()])
    expect((await cli('collections', 'count', 'back')).stdout).toBe('1\n')
    const writing = ['collections', 'backup', 'back', '--destination', past, '--snapshot-id', 's2']
    expect((await cli(...writing)).exitCode).toBe(12)
    const early = `${url}&asOf=2020-01-01T00:00:00Z`
    const none = ['collections', 'restore', 'pets', '--new-collection-name', 'none', '--source']
    expect((await cli(...none, early)).exitCode).toBe(14)
  })
})
