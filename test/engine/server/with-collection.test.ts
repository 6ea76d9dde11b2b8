/** Clients that go on while collections are replaced and dropped under them. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Collection } from '../../../engine/collection/collection.ts'
import { withCollection } from '../../../engine/server/with-collection.ts'
import { serving } from '../../support/serving.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

it('does again what failed because the collection was replaced, and nothing else', async () => {
  const [old, now] = [{ name: 'old' } as Collection, { name: 'now' } as Collection] // only told apart
  const opened = [old, now, now]
  const directory = { open: async () => opened.shift() ?? now }
  const seen: string[] = []
  const work = async ({ name }: Collection) => {
    seen.push(name)
    if (name === 'old') throw new Error('its files are closed')
    return name
  }
  expect(await withCollection(directory, 'c', work)).toBe('now')
  expect(seen).toEqual(['old', 'now'])
  const failing = async () => Promise.reject(new Error('on its own account'))
  await expect(withCollection(directory, 'c', failing)).rejects.toThrow('on its own account')
})

it('answers every search and keeps every write while restores replace the collection', async () => {
  const root = await temporaryDirectory()
  const { ask, warnings } = await serving(join(root, 'data'))
  const write = (id: number) =>
    ask('PUT', '/collections/c/points', { points: [{ id, vector: [id, 1] }] })
  const source = { location: join(root, 'backups') }
  await ask('PUT', '/collections/c', {
    vectors: { size: 2, distance: 'Euclid' },
    hnsw_config: { m: 0 },
  })
  for (let id = 0; id < 5; id++) await write(id)
  const done = async (kind: string, body: object) => {
    const { id } = (await ask('POST', `/vectra/v1/${kind}`, body)).body
    const events = String((await ask('GET', `/vectra/v1/jobs/${id}/events`)).body)
    expect(events).toMatch(/"state":"done".*\n$/)
  }
  await done('backup', { collection: 'c', destination: source, snapshotId: 's' })
  let over = false
  const statuses = new Map<number, number>()
  const again = async (question: () => Promise<{ status: number }>) => {
    while (!over) {
      const { status } = await question()
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  }
  let written = 100
  const clients = [
    again(() => ask('POST', '/collections/c/points/search', { vector: [1, 1], limit: 3 })),
    again(() => ask('POST', '/collections/c/points/scroll', { with_vector: true })),
    again(() => write(written++)),
  ]
  for (let i = 0; i < 2; i++) {
    await done('restore', { collection: 'c', sources: [source], replace: true })
  }
  const since = written // not asked for yet, so it is written to the last one
  while (written < since + 3) await new Promise((resolve) => setImmediate(resolve))
  over = true
  await Promise.all(clients)
  expect([...statuses.keys()]).toEqual([200])
  expect(warnings).toEqual([])
  const kept = await ask('POST', '/collections/c/points', { ids: [0, 4, since, since + 1] })
  expect(kept.body.result.map(({ id }: { id: number }) => id)).toEqual([0, 4, since, since + 1])
})
