/** The S3 destination against the Ceph RADOS Gateway, which nobody here wrote. */
import { afterAll, beforeAll, describe } from 'vitest'
import { systemClock } from '../../engine/base/clock.ts'
import { destinationConformance } from '../conformance/destination.ts'
import { lockConformance, lockRefusals } from '../conformance/destination-locks.ts'
import { type RealStore, startRealStore } from '../support/real-store.ts'

let store: RealStore
beforeAll(async () => {
  store = await startRealStore('ceph')
})
afterAll(() => store?.stop())

describe('a bucket of the Ceph gateway', () => {
  lockRefusals(async () => store.open(await store.newBucket()))
  destinationConformance(async () => {
    const bucket = await store.newBucket()
    return () => store.open(bucket)
  })
})

// Ceph 16 ignores If-None-Match in buckets with versions, which object lock needs
describe('a bucket of the Ceph gateway with object lock', () => {
  lockConformance(async () => store.open(await store.newBucket({ lock: true })), systemClock, false)
})
