/** The example plan of nightly backups and off-site copies: every line of its first comment, and what it promises. */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { examplePlan } from './example-plan.ts'

/** In the zone of the plan; midnight may fall between two runs. */
const dayOf = ({ startedAt }: { readonly startedAt: number }): string =>
  new Intl.DateTimeFormat('en', { timeZone: 'Europe/Zurich' }).format(startedAt)

test('plans/nightly-with-offsite.yaml backs up, copies, prunes, restores, and survives its machine', async () => {
  const example = await examplePlan('nightly-with-offsite')
  const { root, lines, type, quickly } = example
  const [load = '', key = '', nightly = '', weekly = '', ...rest] = lines
  const [restoreTest = '', lost = '', fromOffsite = '', status = '', ...more] = rest
  expect(more).toEqual([])
  const place = (...words: string[]) => join(root, 'plans/tryout/nightly', ...words)

  // all of it is one machine, and the plan says so
  expect(await example.findings()).toEqual({
    grave: [
      ...['domain-account', 'domain-node', 'domain-region', 'immutable-missing'],
      'procedure-into-lost',
    ],
    notes: [
      ...['domain-vendor', 'ledger-unanchored', 'ledger-unsigned', 'rto-unmeasured'],
      'three-two-one-one-zero',
    ],
  })

  await type(load)
  await type(key)
  await type(nightly)
  const first = await example.lastRun()
  const snapshot = `words_${first.run.run}`
  expect(first.outputs.get('backup')).toMatchObject({ snapshot, count: 10_000 })
  const digest = first.outputs.get('backup')?.['digest']
  expect(first.outputs.get('verify')).toMatchObject({ snapshots: 1, readShare: 1 })
  expect(first.outputs.get('copy')).toMatchObject({ copied: 1, failed: 0, snapshot })
  expect(first.run.records.find(({ step }) => step === 'notify')?.outcome).toBe('skipped')

  // the second night brings nothing new, and the day keeps its newest snapshot off-site
  await quickly(nightly)
  const second = await example.lastRun()
  expect(second.outputs.get('prune-local')).toMatchObject({ kept: 2, removed: 0 })
  const nights = [first, second].map(({ run }) => ({
    id: `words_${run.run}.json`,
    day: dayOf(run),
  }))
  const kept = nights.filter(({ day }, index) => index === 1 || day !== nights[1]?.day)
  const offsite = await readdir(place('offsite/snapshots/words'))
  expect(offsite.sort()).toEqual(kept.map(({ id }) => id))

  await quickly(weekly)
  expect((await example.lastRun()).outputs.get('verify')).toMatchObject({
    ...{ depth: 'content', readShare: 1, damage: [] },
    verified: [{ ok: true, digest }],
  })

  const drill = await type(restoreTest)
  expect(drill).toMatch(/^RTO +words +met .*\nrecall@10 +words +met +\d/m)
  expect((await example.lastRun()).outputs.get('check')).toMatchObject({
    ...{ restoredFrom: 'words', snapshot: expect.stringMatching(/^words_/) },
    ...{ count: 10_000, digest, truth: 'snapshot', queries: 64 },
  })

  expect((await quickly(`${lost} --json`)).objects().at(-1)).toMatchObject({
    outcome: 'done',
    audit: { totals: { met: 3, missed: 0, unproven: 0 } },
  })
  const told = (await quickly(status)).stdout
  expect(told).toMatch(/^words +1 d 2 h .* within/m)
  expect(told).toMatch(/^words +offsite +words_\S+, LSN \d+ .* ago +\d.* ago$/m)

  // the machine is gone, but for the disk of the copies and the key
  for (const each of ['primary', 'local']) await rm(place(each), { recursive: true })
  await quickly(fromOffsite)
  const recovery = await example.lastRun()
  expect(recovery.outputs.get('restore')).toMatchObject({ source: 'offsite', digest })
  expect(recovery.outputs.get('check')).toMatchObject({ target: 'spare', count: 10_000, digest })
  expect(recovery.outputs.get('notify')).toMatchObject({ sentAt: expect.any(String) })
  await example.everySequencePassed()
})
