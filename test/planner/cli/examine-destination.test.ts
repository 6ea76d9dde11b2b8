import { afterAll, beforeEach, expect, test, vi } from 'vitest'
import { nodeDisk, systemClock } from '../../../engine/index.ts'
import { examineDestination } from '../../../planner/cli/examine-destination.ts'
import { dr } from '../../support/dr-command.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { type ObjectStore, startObjectStore, testKey } from '../../support/object-store.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

vi.stubEnv('AWS_ACCESS_KEY_ID', testKey.accessKeyId)
vi.stubEnv('AWS_SECRET_ACCESS_KEY', testKey.secretAccessKey)
afterAll(() => vi.unstubAllEnvs())

let store: ObjectStore
beforeEach(async () => {
  const clock = manualClock(systemClock.nowMs() - 2 * 86_400_000)
  store = await startObjectStore(clock)
})

test('case 48: uploads that nobody ended are listed by the doctor, with their age', async () => {
  const bucket = store.newBucket()
  const held = store.state.buckets.get(bucket)
  const startedAt = store.state.nowSeconds()
  const upload = { id: 'u1', startedAt, metadata: {}, lock: {}, parts: new Map() }
  held?.uploads.set('u1', { ...upload, name: 'vectra/objects/aa/large' })
  held?.uploads.set('u2', { ...upload, id: 'u2', name: 'elsewhere/large' })
  const url = store.url(bucket, 'vectra')
  const { exitCode, stdout } = await dr(['doctor', '--destination', url])
  expect(exitCode).toBe(0)
  expect(stdout).toMatch(/poor +destination +s3:.*1 interrupted uploads, 1 of them dead: objects/)
  expect(stdout).toContain('repository prune')
  expect(stdout).not.toContain('elsewhere')
})

test('a destination that answers is good, one that does not is bad and ends with 12', async () => {
  const directory = await temporaryDirectory()
  expect(await examineDestination(directory, nodeDisk)).toMatchObject({ state: 'good' })
  const bucket = store.newBucket()
  expect(await examineDestination(store.url(bucket), nodeDisk)).toMatchObject({ state: 'good' })
  const { exitCode, stdout } = await dr(['doctor', '--destination', store.url('no-bucket')])
  expect([exitCode, stdout]).toEqual([12, expect.stringMatching(/bad +destination .*no-bucket/)])
})
