import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { createBackup } from '../../../engine/backup/create.ts'
import { copyError, copySnapshots } from '../../../engine/copies/copy.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { Signer } from '../../../engine/repository/signing.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { pinnedSource, segment } from '../backup/pinned-source.ts'

const world = { disk: new MemoryDisk(), clock: manualClock() }
const file = { path: segment(1, 'vectors'), bytes: seededRandom(3).bytes(500) }
const makeSigner = () => new Signer(generateKeyPairSync('ed25519').privateKey)
const [ours, theirs] = [makeSigner(), makeSigner()]

const backUp = (destination: MemoryDestination, snapshotId: string, signer?: Signer) =>
  createBackup(pinnedSource([file]), {
    ...world,
    destination: { location: destination, ...(signer && { signer }) },
    snapshotId,
    golden: { sample: 0 },
  })

async function namesIn(destination: MemoryDestination): Promise<string[]> {
  const names: string[] = []
  for await (const { key } of destination.list('snapshots/')) names.push(key)
  return names
}

test('a place that trusts one key gets what that key has signed, and says why it gets nothing else', async () => {
  const [from, to] = [new MemoryDestination('from'), new MemoryDestination('to')]
  await backUp(from, 'nobodys')
  await backUp(from, 'ours', ours)
  await backUp(from, 'theirs', theirs)
  const trusting = { location: to, trust: { publicKeys: [ours.publicKey] } }
  const result = await copySnapshots({ from, to: trusting, ...world })
  expect(result.ok).toBe(false)
  const outcomes = result.snapshots.map((each) => [each.snapshotId, each.outcome]).sort()
  expect(outcomes).toEqual([
    ['nobodys', 'failed'],
    ['ours', 'copied'],
    ['theirs', 'failed'],
  ])
  expect(await namesIn(to)).toEqual(['snapshots/products/ours.json'])
  const error = copyError(result)
  expect(error.code).toBe('signature-refused')
  expect(error.message).toMatch(/nobodys\.json is not signed, and the place .*, and 1 more/)
})

test('a place that trusts nobody in particular gets all of it', async () => {
  const [from, to] = [new MemoryDestination('from'), new MemoryDestination('to')]
  await backUp(from, 'nobodys')
  await backUp(from, 'ours', ours)
  expect(await copySnapshots({ from, to: { location: to }, ...world })).toMatchObject({ ok: true })
  expect(await namesIn(to)).toHaveLength(2)
})

test('case 54: a copy locks what it writes as the target is asked to', async () => {
  const { clock } = world
  const from = new MemoryDestination('from')
  const to = new MemoryDestination('to', clock)
  await backUp(from, 's1')
  const lockPolicy = { mode: 'governance', forMs: 86_400_000 } as const
  const copied = await copySnapshots({ ...world, from, to: { location: to, lockPolicy } })
  expect(copied).toMatchObject({ ok: true })
  for (const prefix of ['objects/', 'snapshots/']) {
    for await (const { key } of to.list(prefix)) {
      const untilMs = clock.nowMs() + lockPolicy.forMs
      expect(await to.objectLock?.lockOf(key)).toMatchObject({
        retention: { mode: 'governance', untilMs },
      })
    }
  }
})
