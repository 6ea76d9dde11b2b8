/** Everything a destination does, while the store and the network fail now and then. */
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../engine/base/clock.ts'
import type { Destination } from '../../../engine/destination/destination.ts'
import { s3Bounds } from '../../../engine/destination/s3-client.ts'
import { startObjectStore } from '../../support/object-store.ts'
import type { Fault } from '../../support/object-store-faults.ts'
import { is, keysOf, read, useStore, value } from './failing-store.ts'

const held = useStore()

/** Everything that is ever asked of a held.store, and what must come of it. */
async function wholeLife(destination: Destination): Promise<void> {
  expect(await destination.put('a/one', value, { ifAbsent: true })).toBe(true)
  expect(await destination.put('a/one', Buffer.from('x'), { ifAbsent: true })).toBe(false)
  expect(await destination.put('a/two', value)).toBe(true)
  expect(await destination.head('a/one')).toEqual({ sizeBytes: value.length })
  expect(await destination.head('a/none')).toBeUndefined()
  expect((await read(destination, 'a/one'))?.equals(value)).toBe(true)
  const part = Buffer.alloc(1_000)
  expect(await destination.get('a/two', part, 5_000)).toMatchObject({ readBytes: 1_000 })
  expect(part.equals(value.subarray(5_000, 6_000))).toBe(true)
  expect(await keysOf(destination)).toEqual(['a/one', 'a/two'])
  await destination.delete('a/two')
  expect(await keysOf(destination)).toEqual(['a/one'])
}

const refusals: Fault[] = [
  { kind: 'status', status: 500, code: 'InternalError' },
  { kind: 'status', status: 503, code: 'SlowDown' },
  { kind: 'status', status: 429, code: 'TooManyRequests' },
]
const breaks: Fault[] = (['before', 'body', 'after', 'answer'] as const).map((stage) => ({
  kind: 'reset',
  stage,
}))

describe('a store that fails now and then', () => {
  for (const fault of [...refusals, ...breaks]) {
    const name = 'stage' in fault ? `reset ${fault.stage}` : `${'status' in fault && fault.status}`
    const number = fault.kind === 'status' ? 43 : 44
    for (const every of [2, 3, 5]) {
      it(`case ${number}: ${name} on request ${every}, ${2 * every}, … is survived, nothing done twice`, async () => {
        const bucket = held.store.newBucket({ versioned: true })
        const hits = held.store.inject({ fault, every })
        await wholeLife(held.store.open(bucket))
        expect(hits()).toBeGreaterThan(0)
        const versions = held.store.state.buckets.get(bucket)?.versions.get('a/one')
        expect(versions?.map(({ body }) => body.equals(value))).toEqual([true])
      })
    }
  }

  it('case 43: waits longer and longer, and not for ever; the last error has the request’s id', async () => {
    const waits: number[] = []
    const retryDelayMs = (tries: number) => {
      waits.push(tries)
      return 0
    }
    const destination = held.store.open(undefined, '', { retryDelayMs })
    for (const fault of refusals) {
      waits.length = 0
      const hits = held.store.inject({ fault })
      await expect(destination.head('key')).rejects.toMatchObject({
        code: 'unreachable',
        exitCode: 12,
        message: expect.stringMatching(/request request-[0-9]+, after 8 tries/),
      })
      expect(hits()).toBe(s3Bounds.attempts)
      expect(waits).toEqual([0, 1, 2, 3, 4, 5, 6])
      held.store.heal()
    }
  })

  it('case 44: a store that never answers is given up, and tried again', async () => {
    for (const stage of ['before', 'after'] as const) {
      const bucket = held.store.newBucket({ versioned: true })
      const destination = held.store.open(bucket, '', { idleMs: 100 })
      await destination.put('first', value, { ifAbsent: true })
      held.store.inject({ fault: { kind: 'silence', stage }, when: is('PutObject'), times: 1 })
      expect(await destination.put('key', value, { ifAbsent: true })).toBe(true)
      expect(held.store.state.buckets.get(bucket)?.versions.get('key')).toHaveLength(1)
      held.store.inject({ fault: { kind: 'silence', stage }, when: is('GetObject'), times: 1 })
      expect((await read(destination, 'key'))?.equals(value)).toBe(true)
    }
  })

  it('case 44: nobody listening is told as unreachable', async () => {
    const gone = await startObjectStore()
    const destination = gone.open(gone.newBucket())
    await gone.close()
    await expect(destination.head('key')).rejects.toMatchObject({
      code: 'unreachable',
      exitCode: 12,
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })
})

describe('a role that may not ask whether the bucket has locks', () => {
  it('deletes what is free, and is told by the object what is locked', async () => {
    const { store } = held
    const destination = store.open(store.newBucket({ lock: true }))
    const lock = { mode: 'governance', untilMs: systemClock.nowMs() + 3_600_000 } as const
    await destination.put('locked', value, { lock })
    await destination.put('free', value)
    const role = store.open(store.requests.at(-1)?.bucket)
    const fault = { kind: 'status', status: 403, code: 'AccessDenied' } as const
    store.inject({ fault, when: is('GetObjectLockConfiguration') })
    await role.delete('free')
    expect(await role.head('free')).toBeUndefined()
    await expect(role.delete('locked')).rejects.toMatchObject({ code: 'object-locked' })
    await expect(role.put('new', value, { lock })).rejects.toMatchObject({
      code: 'credential-refused',
    })
  })
})
