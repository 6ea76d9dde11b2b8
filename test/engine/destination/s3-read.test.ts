/** Bodies that are not whole, or not what was stored. */
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { is, read, useStore, value } from './failing-store.ts'

const held = useStore()

describe('a body that is not whole', () => {
  it.each([0, 1, 70_000, 199_999])(
    'case 45: cut after %d bytes it is read on from there',
    async (bytes) => {
      const destination = held.store.open()
      await destination.put('key', value)
      const before = held.store.requests.length
      held.store.inject({ fault: { kind: 'truncate', bytes }, when: is('GetObject'), times: 1 })
      expect((await read(destination, 'key'))?.equals(value)).toBe(true)
      const gets = held.store.requests.slice(before).filter(is('GetObject'))
      expect(gets).toHaveLength(2)
      const start = Number(/^bytes=([0-9]+)-199999$/.exec(String(gets[1]?.headers['range']))?.[1])
      expect(start).toBeLessThanOrEqual(bytes)
      if (bytes > 1) expect(start).toBeGreaterThan(0)
      expect(gets[1]?.headers['if-match']).toBeDefined()
    },
  )

  it('case 45: cut again and again it fails, and nothing half is taken for whole', async () => {
    const destination = held.store.open()
    await destination.put('key', value)
    held.store.inject({ fault: { kind: 'truncate', bytes: 0 } })
    await expect(read(destination, 'key')).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('0 of 200000 bytes'),
    })
  })

  it('case 45: a value that changes between two parts is read anew, never put together', async () => {
    const bucket = held.store.newBucket()
    const destination = held.store.open(bucket)
    await destination.put('key', value)
    const other = randomBytes(value.length)
    held.store.inject({
      fault: { kind: 'truncate', bytes: 100_000 },
      when: (request) => {
        if (!is('GetObject')(request)) return false
        queueMicrotask(() => {
          const bucketState = held.store.state.buckets.get(bucket)
          if (bucketState !== undefined) held.store.state.store(bucketState, 'key', other)
        })
        return true
      },
      times: 1,
    })
    expect((await read(destination, 'key'))?.equals(other)).toBe(true)
  })
})
