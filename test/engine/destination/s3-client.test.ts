/** Credentials: renewed once, never told, never sent elsewhere. */
import { isIP, type LookupFunction } from 'node:net'
import { describe, expect, it } from 'vitest'
import { S3Destination } from '../../../engine/destination/s3.ts'
import { startObjectStore, testKey } from '../../support/object-store.ts'
import { keysOf, useStore, value } from './failing-store.ts'

const held = useStore()

describe('credentials', () => {
  const fresh = { accessKeyId: 'fresh-key', secretAccessKey: 'fresh-secret', sessionToken: 'token' }
  const expire = (id: string, secret: string) =>
    held.store.keys.set(id, { secret, isExpired: true })

  it('case 52: that expire are asked for anew, once for all requests under way', async () => {
    let asked = 0
    const credentials = async () => (++asked === 1 ? testKey : fresh)
    const destination = held.store.open(undefined, '', { credentials })
    await destination.put('first', value, { ifAbsent: true })
    expire(testKey.accessKeyId, testKey.secretAccessKey)
    held.store.keys.set(fresh.accessKeyId, { secret: fresh.secretAccessKey, sessionToken: 'token' })
    const puts = Array.from({ length: 8 }, (_, index) => destination.put(`key ${index}`, value))
    expect(await Promise.all(puts)).toEqual(new Array(8).fill(true))
    expect(await destination.head('first')).toBeDefined() // a HEAD has no body to say "expired" in
    expect(asked).toBe(2)
  })

  it('case 52: that have expired again when they come end it with exit code 17', async () => {
    let asked = 0
    const credentials = async () => (++asked === 1 ? testKey : fresh)
    const destination = held.store.open(undefined, '', { credentials })
    await destination.put('first', value, { ifAbsent: true })
    expire(testKey.accessKeyId, testKey.secretAccessKey)
    expire(fresh.accessKeyId, fresh.secretAccessKey)
    await expect(destination.put('key', value)).rejects.toMatchObject({
      code: 'credential-refused',
      exitCode: 17,
    })
    expect(asked).toBe(2)
  })

  it.each([
    ['a wrong secret', { ...testKey, secretAccessKey: 'canary-wrong' }],
    ['an unknown key', { accessKeyId: 'canary-nobody', secretAccessKey: 'canary' }],
  ])('case 94: %s is refused with 17, and neither key nor secret is told', async (_, wrong) => {
    const destination = held.store.open(undefined, '', { credentials: async () => wrong })
    for (const use of [
      () => destination.head('key'),
      () => destination.put('key', value),
      () => keysOf(destination),
    ]) {
      const error: unknown = await use().catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'credential-refused', exitCode: 17 })
      const { message, stack, cause } = error as Error // it was just seen to be one
      expect(JSON.stringify([error, message, stack, String(cause)])).not.toContain('canary')
    }
  })

  it('are not sent on to where a store redirects', async () => {
    const other = await startObjectStore()
    const bucket = held.store.newBucket()
    const location = `${other.endpoint}/${bucket}/key`
    held.store.inject({ fault: { kind: 'status', status: 307, code: 'TemporaryRedirect' } })
    held.store.inject({ fault: { kind: 'header', name: 'location', value: location } })
    const failing = held.store.open(bucket).get('key', new Uint8Array(1))
    await expect(failing).rejects.toMatchObject({ code: 'usage', exitCode: 2 })
    expect(other.requests).toEqual([])
  })
})

describe('the name of an endpoint', () => {
  const lookupTo =
    (...addresses: string[]): LookupFunction =>
    (_, _options, callback) =>
      callback(
        null,
        addresses.map((address) => ({ address, family: isIP(address) })),
      )
  const openNamed = async (lookup: LookupFunction) => {
    const store = await startObjectStore()
    const bucket = store.newBucket()
    const endpoint = store.endpoint.replace('127.0.0.1', 'store.example')
    const location = { bucket, prefix: '', endpoint, pathStyle: true }
    const credentials = async () => testKey
    return { store, destination: new S3Destination(location, { credentials, lookup }) }
  }

  it.each([
    [['169.254.169.254']],
    [['127.0.0.1', '169.254.169.254']],
    [['fd00:ec2::254']],
    [['::ffff:169.254.169.254']],
    [['168.63.129.16']],
  ])('that leads to %j is refused before anything is sent', async (addresses) => {
    const { store, destination } = await openNamed(lookupTo(...addresses))
    await expect(destination.put('key', value)).rejects.toMatchObject({
      code: 'address-refused',
      exitCode: 2,
    })
    expect(store.requests).toEqual([])
  })

  it('that leads elsewhere is gone to', async () => {
    const { destination } = await openNamed(lookupTo('127.0.0.1'))
    expect(await destination.put('key', value)).toBe(true)
    expect(await destination.head('key')).toEqual({ sizeBytes: value.length })
  })
})
