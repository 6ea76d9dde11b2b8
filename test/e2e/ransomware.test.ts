/** The example plan against ransomware: every line of its first comment against an object store, and an attack on the vault. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { systemClock } from '../../engine/index.ts'
import { startObjectStore, testKey } from '../support/object-store.ts'
import { examplePlan } from './example-plan.ts'

const credentials = {
  AWS_ACCESS_KEY_ID: testKey.accessKeyId,
  AWS_SECRET_ACCESS_KEY: testKey.secretAccessKey,
}
for (const [name, value] of Object.entries(credentials)) vi.stubEnv(name, value)
afterAll(() => vi.unstubAllEnvs())

const day = 24 * 60 * 60_000

test('plans/ransomware.yaml comes back clean from a vault that an intruder could not empty', {
  timeout: 180_000,
}, async () => {
  let later = 0
  const store = await startObjectStore({
    ...systemClock,
    nowMs: () => systemClock.nowMs() + later,
  })
  store.state.addBucket('vectra-vault', { versioned: true, lock: true })
  const example = await examplePlan('ransomware', {
    ...credentials,
    S3_ENDPOINT: store.endpoint,
    VECTRA_BACKUP_KEY: 'aGVyZSBzdGFuZHMgYSBrZXkgb2YgMzIgYnl0ZXMgLi4=',
  })
  const { lines, root, type, quickly } = example
  const [load = '', sign = '', log = '', nightly = '', weekly = '', ...rest] = lines
  const [cleanRoom = '', hostage = '', note = '', again = '', ...last] = rest
  const [cleanRestore = '', ...more] = last
  expect([again, more]).toEqual([log, []])

  // one machine is its own clean room; what it holds itself is not trusted, on purpose
  expect(await example.findings()).toEqual({
    grave: ['procedure-into-lost'],
    notes: [
      ...['destination-untried', 'ledger-unanchored', 'ledger-unsigned', 'restore-one-source'],
      'rto-unmeasured',
    ],
  })

  await type(load)
  const [publicKey = ''] = /MCow\S+/.exec(await type(`${sign} 2>&1`)) ?? []
  // before the plan trusts the key nothing is written
  expect((await quickly(log, 15)).stderr).toContain('signs is not trusted')
  await example.edit(/MCow[^"]+/, publicKey)
  await quickly(log)

  await type(nightly)
  const night = await example.lastRun()
  const digest = night.outputs.get('backup')?.['digest']
  expect(night.outputs.get('copy')).toMatchObject({ copied: 1, failed: 0 })
  await quickly(weekly)
  expect((await example.lastRun()).outputs.get('verify')).toMatchObject({ damage: [] })
  await type(cleanRoom)
  const { outputs } = await example.lastRun()
  expect(outputs.get('restore')).toMatchObject({ source: 'vault', chosen: { among: 1 } })
  expect(outputs.get('check')).toMatchObject({ count: 10_000, digest, truth: 'snapshot' })
  expect((await quickly(`${hostage} --json`)).objects().at(-1)).toMatchObject({
    audit: { totals: { met: 3, missed: 0, unproven: 0 } },
  })
  await type(note)
  await quickly(log)

  // a minute later an intruder has the machine and its credentials: versions are locked, and markers hide them
  later = 60_000
  const beforeAttack = new Date(Date.now() + later / 2).toISOString()
  const { state } = store
  const bucket = state.buckets.get('vectra-vault')
  if (bucket === undefined) throw new Error('the bucket is gone')
  const stored = [...bucket.versions]
  const objects = stored.filter(([name]) => name.startsWith('words/objects/'))
  expect(objects.length).toBeGreaterThan(3)
  for (const [name, [version]] of objects) {
    expect(version?.mode).toBe('COMPLIANCE')
    expect(version?.retainUntil).toBeGreaterThan(Date.now() + 59 * day)
    expect(state.delete(bucket, name, version?.versionId)).toBe('locked')
  }
  for (const [name] of stored) state.delete(bucket, name)
  for (const each of ['primary', 'local']) {
    await rm(join(root, 'plans/tryout/ransomware', each), { recursive: true })
  }
  const answered = await type(`cat plans/tryout/ransomware/last-good`)
  const recover = cleanRestore.replace(/\$\(.*?\)/, answered)
  expect((await quickly(recover, 15)).stderr).toContain('vectra-vault')
  const asOf = `url: "s3://vectra-vault/words?asOf=${beforeAttack}"`
  await example.edit('url: s3://vectra-vault/words', asOf)
  await quickly(recover)
  const recovery = await example.lastRun()
  expect(recovery.outputs.get('restore')).toMatchObject({ source: 'vault', count: 10_000, digest })
  expect(recovery.outputs.get('check')).toMatchObject({ target: 'clean-room', count: 10_000 })
  expect(recovery.outputs.get('look')?.['stdout']).toMatch(/^0\.\d+ +\w+/m)
  await example.everySequencePassed()
})
