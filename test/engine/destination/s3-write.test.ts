/** Bytes that change on the way to the held.store, and puts that must find nothing. */
import { describe, expect, it } from 'vitest'
import type { Fault } from '../../support/object-store-faults.ts'
import { is, keysOf, read, useStore, value } from './failing-store.ts'

const held = useStore()

describe('bytes that changed on the way', () => {
  const corrupt: Fault = { kind: 'corrupt' }

  it('case 46: a put that does not arrive as it was sent stores nothing', async () => {
    const destination = held.store.open()
    held.store.inject({ fault: corrupt, when: is('PutObject') })
    await expect(destination.put('key', value)).rejects.toMatchObject({
      code: 'damaged',
      exitCode: 13,
    })
    held.store.heal()
    expect(await destination.head('key')).toBeUndefined()
  })

  it('case 46: a store that answers another checksum than it was sent is not believed', async () => {
    const destination = held.store.open()
    const wrong = Buffer.alloc(32, 1).toString('base64')
    const fault = { kind: 'header', name: 'x-amz-checksum-sha256', value: wrong } as const
    held.store.inject({ fault, when: is('PutObject') })
    await expect(destination.put('key', value)).rejects.toMatchObject({ code: 'damaged' })
  })

  it('case 46: without checksums the entity tag tells, and what it belies is read back', async () => {
    held.store.behaviour.checksums = false
    const destination = held.store.open()
    held.store.inject({ fault: corrupt, when: is('PutObject'), times: 1 })
    await expect(destination.put('key', value)).rejects.toMatchObject({ code: 'damaged' })
    const fault = { kind: 'header', name: 'etag', value: `"${'0'.repeat(32)}"` } as const
    held.store.inject({ fault, when: is('PutObject'), times: 1 })
    const before = held.store.requests.length
    expect(await destination.put('other', value)).toBe(true)
    expect(held.store.requests.slice(before).map(({ operation }) => operation)).toEqual([
      'PutObject',
      'GetObject',
    ])
  })

  it('case 46: a value whose checksum is wrong is read again, and refused when it stays so', async () => {
    const destination = held.store.open()
    await destination.put('key', value)
    held.store.inject({ fault: corrupt, when: is('GetObject'), times: 1 })
    expect((await read(destination, 'key'))?.equals(value)).toBe(true)
    held.store.inject({ fault: corrupt, when: is('GetObject') })
    await expect(read(destination, 'key')).rejects.toMatchObject({ code: 'damaged', exitCode: 13 })
  })
})

describe('conditional puts', () => {
  it('case 50: a conflict with another writer is tried again, and "exists" is an answer', async () => {
    const destination = held.store.open()
    await destination.put('first', value, { ifAbsent: true })
    const fault = { kind: 'status', status: 409, code: 'ConditionalRequestConflict' } as const
    held.store.inject({ fault, when: is('PutObject'), times: 3 })
    expect(await destination.put('key', value, { ifAbsent: true })).toBe(true)
    held.store.inject({ fault, when: is('PutObject') })
    await expect(destination.put('other', value, { ifAbsent: true })).rejects.toMatchObject({
      message: expect.stringContaining('ConditionalRequestConflict'),
    })
  })

  it.each(['ignored', 'refused'] as const)(
    'case 51: where they are %s nothing that must be absent is written or overwritten',
    async (how) => {
      held.store.behaviour.conditionalWrites = how
      const bucket = held.store.newBucket()
      const destination = held.store.open(bucket)
      await destination.put('key', value)
      for (const key of ['key', 'new']) {
        const putting = destination.put(key, Buffer.from('x'), { ifAbsent: true })
        await expect(putting).rejects.toMatchObject({
          code: 'unsupported-destination',
          exitCode: 2,
        })
      }
      expect(await keysOf(destination)).toEqual(['key'])
      expect((await read(destination, 'key'))?.equals(value)).toBe(true)
    },
  )
})
