/** A bucket with versions as it was, against what really stood there at each moment. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { getWhole } from '../../../engine/destination/destination.ts'
import { S3Past } from '../../../engine/destination/s3-past.ts'
import { type ManualClock, manualClock } from '../../support/manual-clock.ts'
import { type ObjectStore, startObjectStore, testKey } from '../../support/object-store.ts'

const seed = 55
const start = Date.UTC(2026, 0, 1)
let clock: ManualClock
let store: ObjectStore
beforeAll(async () => {
  clock = manualClock(start)
  store = await startObjectStore(clock, { keep: true })
})
afterAll(() => store.close())

const change = fc.record({
  key: fc.constantFrom('a', 'a/b', 'a-b', 'ab', 'b/c'),
  value: fc.option(fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme-ascii' })),
})

it('case 55: shows at every moment what stood there then, whatever came after, page by page', async () => {
  store.behaviour.pageSize = 3
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 12 }), async (changes) => {
      const bucket = store.newBucket({ versioned: true })
      const held = store.state.buckets.get(bucket)
      if (held === undefined) throw new Error('the bucket was just made')
      const standing = new Map<string, string>()
      const moments = [{ atMs: clock.nowMs(), values: new Map(standing) }]
      for (const { key, value } of changes) {
        clock.advance(2_000)
        if (value === null) {
          store.state.delete(held, `p/${key}`)
          standing.delete(key)
        } else {
          store.state.store(held, `p/${key}`, Buffer.from(value))
          standing.set(key, value)
        }
        moments.push({ atMs: clock.nowMs(), values: new Map(standing) })
      }
      clock.advance(2_000)
      for (const { atMs, values } of moments) {
        const location = { bucket, prefix: 'p/', endpoint: store.endpoint, asOfMs: atMs }
        const past = new S3Past(location, { credentials: async () => testKey, clock })
        const keys: string[] = []
        for await (const { key } of past.list('')) keys.push(key)
        expect(keys).toEqual([...values.keys()].sort())
        const fresh = new S3Past(location, { credentials: async () => testKey, clock })
        for (const key of ['a', 'a/b', 'ab', 'none']) {
          expect((await getWhole(fresh, key, 100))?.toString()).toBe(values.get(key))
        }
      }
    }),
    { seed, numRuns: 15 },
  )
  store.behaviour.pageSize = 1_000
}, 60_000)

it('cannot be written', async () => {
  const bucket = store.newBucket({ versioned: true })
  const location = { bucket, prefix: '', endpoint: store.endpoint, asOfMs: start }
  const past = new S3Past(location, { credentials: async () => testKey, clock })
  await expect(past.put()).rejects.toMatchObject({ code: 'disk-refused', exitCode: 12 })
  await expect(past.delete()).rejects.toMatchObject({ code: 'disk-refused' })
})
