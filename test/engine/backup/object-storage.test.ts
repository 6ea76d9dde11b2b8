/** Whole backups and restores in object stores that lag, refuse, break and expire. */
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createBackup } from '../../../engine/backup/create.ts'
import { listSnapshots } from '../../../engine/backup/list.ts'
import { verifyRepository } from '../../../engine/backup/verify.ts'
import { systemClock } from '../../../engine/base/clock.ts'
import { nodeDisk } from '../../../engine/base/disk.ts'
import type { Destination } from '../../../engine/destination/destination.ts'
import { startObjectStore, testKey } from '../../support/object-store.ts'
import type { SeenRequest } from '../../support/object-store-faults.ts'
import { pinnedSource, segment } from './pinned-source.ts'

const world = { disk: nodeDisk, clock: systemClock }
const files = [1, 2, 3].map((index) => ({
  path: segment(index, 'vectors'),
  bytes: randomBytes(30_000 + index),
}))

const backUp = (destination: Destination, snapshotId: string, which = files) =>
  createBackup(pinnedSource(which), { ...world, destination, snapshotId })
const verify = (source: Destination, more: { collection?: string; snapshotId?: string } = {}) =>
  verifyRepository({ ...world, ...more, source })
const isManifest = ({ operation, name }: SeenRequest) =>
  operation === 'PutObject' && name.startsWith('snapshots/')

describe('a listing that lags behind', () => {
  it('case 49: hides a new snapshot, which is there for whoever names it', async () => {
    const store = await startObjectStore()
    const destination = store.open()
    await backUp(destination, 's1')
    await backUp(destination, 's2', files.slice(1))
    store.behaviour.hiddenFromList.add('snapshots/products/s2.json')
    const named = await verify(destination, { collection: 'products', snapshotId: 's2' })
    expect(named).toMatchObject({ ok: true, snapshots: [{ snapshotId: 's2' }] })
    // the id is taken, whatever the listing says
    const again = await backUp(destination, 's2', files.slice(1))
    expect(again.unchanged).toBe(true)
  })

  it('case 49: hides objects, which are neither missing nor written twice', async () => {
    const store = await startObjectStore()
    const bucket = store.newBucket({ versioned: true })
    const destination = store.open(bucket)
    await backUp(destination, 's1')
    const versions = store.state.buckets.get(bucket)?.versions
    for (const name of versions?.keys() ?? []) store.behaviour.hiddenFromList.add(name)
    expect(await backUp(destination, 's2')).toMatchObject({ objects: { written: 0 } })
    store.behaviour.hiddenFromList.clear()
    expect(await verify(destination)).toMatchObject({ ok: true })
    for (const [name, each] of versions ?? []) {
      if (name.startsWith('objects/')) expect(each).toHaveLength(1)
    }
  })

  it('case 49: still shows a snapshot that was deleted, and nobody believes it', async () => {
    const store = await startObjectStore()
    const destination = store.open()
    await backUp(destination, 's1')
    store.behaviour.stillListed.add('snapshots/products/gone.json')
    expect(await verify(destination)).toMatchObject({
      ok: true,
      snapshots: [{ snapshotId: 's1' }],
    })
    const { snapshots } = await listSnapshots({ ...world, source: destination })
    expect(snapshots.map(({ snapshotId }) => snapshotId)).toEqual(['s1'])
  })
})

describe('answers that are lost', () => {
  it.each(['before', 'body', 'after', 'answer'] as const)(
    'case 44: of the manifest (%s) leave one manifest, and one backup that succeeded',
    async (stage) => {
      const store = await startObjectStore()
      const bucket = store.newBucket({ versioned: true })
      const destination = store.open(bucket)
      const hits = store.inject({ fault: { kind: 'reset', stage }, when: isManifest, times: 2 })
      expect(await backUp(destination, 's1')).toMatchObject({ unchanged: false })
      expect(hits()).toBeGreaterThan(0)
      const manifests = store.state.buckets.get(bucket)?.versions.get('snapshots/products/s1.json')
      expect(manifests).toHaveLength(1)
      expect(await verify(destination)).toMatchObject({ ok: true })
    },
  )

  it('case 43: a store that fails for good leaves no snapshot, and a later try goes on', async () => {
    const store = await startObjectStore()
    const destination = store.open()
    const fault = { kind: 'status', status: 503, code: 'SlowDown' } as const
    store.inject({ fault, when: isManifest })
    await expect(backUp(destination, 's1')).rejects.toMatchObject({
      code: 'unreachable',
      exitCode: 12,
      message: expect.stringContaining('request request-'),
    })
    store.heal()
    await expect(verify(destination)).rejects.toMatchObject({ code: 'snapshot-not-found' })
    const again = await backUp(destination, 's1')
    expect(again.objects).toMatchObject({ reused: 3, written: 0 })
    expect(await verify(destination)).toMatchObject({ ok: true })
  })
})

describe('rights', () => {
  const fresh = { accessKeyId: 'fresh', secretAccessKey: 'fresh-secret', sessionToken: 'token' }

  it('case 52: that expire in the middle of a backup are renewed, and it ends well', async () => {
    const store = await startObjectStore()
    store.keys.set(fresh.accessKeyId, { secret: fresh.secretAccessKey, sessionToken: 'token' })
    let asked = 0
    const credentials = async () => (++asked === 1 ? testKey : fresh)
    const destination = store.open(undefined, '', { credentials })
    const expire = (request: SeenRequest) => {
      if (request.name.startsWith('objects/') && request.operation === 'PutObject') {
        const secret = testKey.secretAccessKey
        store.keys.set(testKey.accessKeyId, { secret, isExpired: true })
      }
      return false
    }
    store.inject({ fault: { kind: 'corrupt' }, when: expire })
    expect(await backUp(destination, 's1')).toMatchObject({ unchanged: false })
    expect(asked).toBe(2)
    expect(await verify(destination)).toMatchObject({ ok: true })
  })

  it('case 52: that expire for good leave nothing that looks like a snapshot', async () => {
    const store = await startObjectStore()
    const bucket = store.newBucket()
    const expire = (request: SeenRequest) => {
      if (isManifest(request)) {
        store.keys.set(testKey.accessKeyId, { secret: testKey.secretAccessKey, isExpired: true })
      }
      return false
    }
    store.inject({ fault: { kind: 'corrupt' }, when: expire })
    await expect(backUp(store.open(bucket), 's1')).rejects.toMatchObject({
      code: 'credential-refused',
      exitCode: 17,
    })
    store.keys.set(testKey.accessKeyId, { secret: testKey.secretAccessKey })
    await expect(verify(store.open(bucket))).rejects.toMatchObject({ code: 'snapshot-not-found' })
  })

  it('case 53: a role that may not delete can back up, verify and list', async () => {
    const store = await startObjectStore()
    const destination = store.open()
    store.behaviour.deniesDelete = true
    expect(await backUp(destination, 's1')).toMatchObject({ unchanged: false })
    expect(await backUp(destination, 's2', files.slice(1))).toMatchObject({ unchanged: false })
    expect(await verify(destination)).toMatchObject({ ok: true })
  })

  it('a role that may only read can verify', async () => {
    const store = await startObjectStore()
    const destination = store.open()
    await backUp(destination, 's1')
    const fault = { kind: 'status', status: 403, code: 'AccessDenied' } as const
    store.inject({ fault, when: ({ method }) => method === 'PUT' || method === 'DELETE' })
    expect(await verify(destination)).toMatchObject({ ok: true })
    await expect(backUp(destination, 's2', files.slice(1))).rejects.toMatchObject({ exitCode: 17 })
  })
})
