/** What the tests of the S3 destination share: one store a file, whole again after each test. */
import { randomBytes } from 'node:crypto'
import { afterEach, beforeAll } from 'vitest'
import { systemClock } from '../../../engine/base/clock.ts'
import { type Destination, getWhole } from '../../../engine/destination/destination.ts'
import { type ObjectStore, startObjectStore, testKey } from '../../support/object-store.ts'
import type { SeenRequest } from '../../support/object-store-faults.ts'

export const value = randomBytes(200_000)

/** Starts the store of a test file. */
export function useStore(): { readonly store: ObjectStore } {
  let started: ObjectStore | undefined
  beforeAll(async () => {
    const store = await startObjectStore(systemClock, { keep: true })
    started = store
    return () => store.close()
  })
  const holder = {
    get store(): ObjectStore {
      if (started === undefined) throw new Error('the store starts before the first test')
      return started
    },
  }
  afterEach(() => {
    const { store } = holder
    store.heal()
    store.behaviour.conditionalWrites = 'honoured'
    store.behaviour.checksums = true
    store.keys.clear()
    store.keys.set(testKey.accessKeyId, { secret: testKey.secretAccessKey })
  })
  return holder
}

/** Requests of these operations. */
export const is =
  (...operations: string[]) =>
  (request: SeenRequest) =>
    operations.includes(request.operation)

export const read = (destination: Destination, key: string) => getWhole(destination, key, 1_000_000)

export async function keysOf(destination: Destination): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of destination.list('')) keys.push(key)
  return keys
}
