/** The S3 destination against the object store of the tests, which does what AWS does. */
import { afterAll, beforeAll, describe } from 'vitest'
import { systemClock } from '../../engine/base/clock.ts'
import { type ObjectStore, startObjectStore } from '../support/object-store.ts'
import { destinationConformance } from './destination.ts'
import { lockConformance, lockRefusals } from './destination-locks.ts'

let store: ObjectStore
beforeAll(async () => {
  store = await startObjectStore(systemClock, { keep: true })
})
afterAll(() => store.close())

describe('a bucket', () => {
  lockRefusals(async () => store.open())
  destinationConformance(async () => {
    const bucket = store.newBucket()
    return () => store.open(bucket)
  })
})

describe('a bucket with object lock', () => {
  lockConformance(async () => store.open(store.newBucket({ lock: true })), systemClock)
})
