/** The example plan of many collections: every line of its first comment, and what it promises. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { examplePlan } from './example-plan.ts'

test('plans/many-collections.yaml backs up, copies and restores five collections in two tiers', async () => {
  const example = await examplePlan('many-collections')
  const { root, lines, type, quickly } = example
  const [shop = '', library = '', hourly = '', log = '', nightly = '', ...rest] = lines
  const [backAgain = '', lost = '', lostShop = '', status = '', ...more] = rest
  expect(more).toEqual([])

  expect(await example.findings()).toEqual({
    grave: [
      ...['domain-account', 'domain-node', 'domain-region', 'immutable-missing'],
      // RPO is proven of products, for all that share its schedules
      ...['objective-unproven', 'procedure-missing'],
    ],
    notes: [
      ...['domain-vendor', 'ledger-unanchored', 'ledger-unsigned', 'rto-unmeasured'],
      'three-two-one-one-zero',
    ],
  })

  await Promise.all([type(shop), type(library)])
  await type(hourly)
  const first = await example.lastRun()
  const snapshots = ['products', 'reviews'].map((name) => `${name}_${first.run.run}`)
  expect(first.outputs.get('backup')).toMatchObject({
    snapshots: snapshots.map((snapshotId) => ({ snapshotId, count: 100 })),
  })
  await quickly(log)
  expect((await example.lastRun()).outputs.get('archive')).toMatchObject({
    archives: [
      { collection: 'products', restorable: true },
      { collection: 'reviews', restorable: true },
    ],
  })

  await quickly(nightly)
  const night = await example.lastRun()
  expect(night.outputs.get('backup-library')).toMatchObject({
    snapshots: [
      { collection: 'words', count: 100 },
      { collection: 'articles', count: 100 },
    ],
  })
  expect(night.outputs.get('copy')).toMatchObject({ copied: 3, failed: 0 })
  expect(night.outputs.get('prune-depot')).toMatchObject({ kept: 5, removed: 0 })
  const depot = await readdir(join(root, 'plans/tryout/many/depot/snapshots'))
  expect(depot.sort()).toEqual(['articles', 'products', 'questions', 'reviews', 'words'])

  const drills = (await quickly(`${backAgain} --json`)).objects()
  expect(drills.at(-1)).toMatchObject({
    drills: [
      { audit: { totals: { met: 4, missed: 0, unproven: 0 } } },
      { audit: { totals: { met: 6, missed: 0, unproven: 0 } } },
    ],
  })
  const { outputs } = await example.lastRun()
  expect(outputs.get('check-words')).toMatchObject({ count: 100, recall: 1, truth: 'snapshot' })
  expect(outputs.get('words')).toMatchObject({ chosen: { among: 1 }, source: 'depot' })

  const loss = (await quickly(`${lost} --json`)).objects().at(-1)
  expect(loss).toMatchObject({ audit: { totals: { met: 3, missed: 0, unproven: 0 } } })
  const counted = (await example.lastRun()).outputs.get('check')?.['canary']
  expect(counted).toMatchObject({ written: expect.any(Number) })

  await quickly(lostShop)
  const recovery = await example.lastRun()
  // of the history that began with the drill
  expect(recovery.outputs.get('check-products')).toMatchObject({ count: 100, recall: 1 })
  expect(recovery.outputs.get('check-reviews')).toMatchObject({ count: 100 })
  expect(recovery.outputs.get('check-questions')).toMatchObject({ count: 100 })
  expect((await quickly(status)).stdout.match(/ within$/gm)).toHaveLength(5)
  await example.everySequencePassed()
})
