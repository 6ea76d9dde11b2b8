/** Values in parts. */
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../engine/base/clock.ts'
import { manualClock } from '../../support/manual-clock.ts'
import type { Fault } from '../../support/object-store-faults.ts'
import { is, keysOf, useStore } from './failing-store.ts'

const held = useStore()

describe('a value in parts', () => {
  const large = randomBytes(11 * 1024 * 1024)
  const inParts = { multipartBytes: 6 * 1024 * 1024, partBytes: 5 * 1024 * 1024 }
  const failure: Fault = { kind: 'error-body', code: 'InternalError' }

  it('arrives whole', async () => {
    const destination = held.store.open(undefined, '', inParts)
    const before = held.store.requests.length
    await destination.put('large', large)
    expect(held.store.requests.slice(before).filter(is('UploadPart'))).toHaveLength(3)
    const target = Buffer.alloc(large.length)
    expect(await destination.get('large', target)).toMatchObject({ readBytes: large.length })
    expect(target.equals(large)).toBe(true)
  })

  it('case 47: completed by 200 with an error in the body it counts as failed', async () => {
    const bucket = held.store.newBucket()
    const destination = held.store.open(bucket, '', inParts)
    held.store.inject({ fault: failure, when: is('CompleteMultipartUpload') })
    await expect(destination.put('large', large)).rejects.toMatchObject({ code: 'unreachable' })
    held.store.heal()
    expect(await destination.head('large')).toBeUndefined()
    expect(held.store.state.buckets.get(bucket)?.uploads.size).toBe(0) // aborted
    held.store.inject({ fault: failure, when: is('CompleteMultipartUpload'), times: 2 })
    expect(await destination.put('large', large)).toBe(true)
  })

  it('case 44: completed by a try whose answer was lost it is there', async () => {
    const destination = held.store.open(undefined, '', inParts)
    const fault = { kind: 'reset', stage: 'after' } as const
    held.store.inject({ fault, when: is('CompleteMultipartUpload'), times: 1 })
    expect(await destination.put('large', large)).toBe(true)
    expect(await destination.head('large')).toEqual({ sizeBytes: large.length })
  })

  it('case 48: that died in the middle is listed, dead after a day, and swept', async () => {
    const { store } = held
    const clock = manualClock(systemClock.nowMs())
    const bucket = store.newBucket()
    const destination = store.open(bucket, 'here', { ...inParts, clock })
    await destination.put('large', large.subarray(0, 100))
    const gone = { kind: 'status', status: 503, code: 'SlowDown' } as const
    store.inject({ fault: gone, when: is('CompleteMultipartUpload', 'AbortMultipartUpload') })
    await expect(destination.put('large', large)).rejects.toMatchObject({ code: 'unreachable' })
    store.heal()
    expect(store.state.buckets.get(bucket)?.uploads.size).toBe(1)
    expect(await destination.head('large')).toEqual({ sizeBytes: 100 }) // as it stood
    expect(await keysOf(destination)).toEqual(['large'])
    const listed = async () => {
      const found = []
      for await (const each of destination.unfinished.list()) found.push(each)
      return found
    }
    expect(await listed()).toMatchObject([{ key: 'large', isDead: false }])
    clock.advance(25 * 3_600_000)
    const [dead] = await listed()
    expect(dead).toMatchObject({ key: 'large', isDead: true })
    if (dead !== undefined) {
      await destination.unfinished.remove(dead)
      await destination.unfinished.remove(dead) // absent is fine
    }
    expect(await listed()).toEqual([])
    expect(store.state.buckets.get(bucket)?.uploads.size).toBe(0)
  })
})
