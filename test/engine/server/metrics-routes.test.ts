import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type Serving, serving } from '../../support/serving.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

/** The value of each sample, by its name and labels. */
async function scrape({ ask }: Serving): Promise<ReadonlyMap<string, number>> {
  const { body } = await ask('GET', '/metrics')
  const lines = String(body)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ')
      return [line.slice(0, at), Number(line.slice(at + 1))]
    }),
  )
}

const backedUpAt = 'vectra_backup_last_success_timestamp_seconds{collection="c"}'

async function backUp({ ask, served }: Serving, to: string): Promise<string> {
  const begun = await ask('POST', '/vectra/v1/backup', {
    collection: 'c',
    destination: { location: to },
    snapshotId: 's',
  })
  await ask('GET', `/vectra/v1/jobs/${begun.body.id}/events`)
  return String(served.jobs.status(begun.body.id).state)
}

it('tells what was measured, and only that', async () => {
  const root = await temporaryDirectory()
  const server = await serving(join(root, 'data'), { backupEveryMs: 3_600_000 })
  const before = await scrape(server)
  expect(before.get('vectra_wal_fsync_duration_seconds_count')).toBe(0)
  expect(before.get('vectra_backup_expected_interval_seconds')).toBe(3_600)
  expect([...before.keys()].filter((key) => key.startsWith('vectra_backup_last'))).toEqual([])
  await server.ask('PUT', '/collections/c', { vectors: { size: 2, distance: 'Dot' } })
  const synced = (await scrape(server)).get('vectra_wal_fsync_duration_seconds_count') ?? 0
  await server.ask('PUT', '/collections/c/points', { points: [{ id: 1, vector: [1, 2] }] })
  await server.ask('POST', '/collections/c/points/search', { vector: [1, 0] })
  await server.ask('POST', '/collections/c/points/search', { vector: [1] })
  const startedAt = Date.now()
  expect(await backUp(server, join(root, 'backups'))).toBe('done')
  const after = await scrape(server)
  expect(after.get('vectra_wal_fsync_duration_seconds_count')).toBe(synced + 1)
  expect(after.get('vectra_search_duration_seconds_count')).toBe(1)
  const searches = 'route="/collections/:name/points/search",method="POST"'
  expect(after.get(`vectra_http_requests_total{${searches},status="200"}`)).toBe(1)
  expect(after.get(`vectra_http_requests_total{${searches},status="400"}`)).toBe(1)
  expect(after.get('vectra_collections')).toBe(1)
  expect(after.get('vectra_collection_points{collection="c"}')).toBe(1)
  expect(after.get('vectra_ready')).toBe(1)
  expect(after.get('vectra_jobs_running')).toBe(0)
  expect(1_000 * (after.get(backedUpAt) ?? 0)).toBeGreaterThanOrEqual(startedAt)
})

it('remembers the last backup over a restart, until the collection is gone', async () => {
  const root = await temporaryDirectory()
  const data = join(root, 'data')
  const first = await serving(data)
  await first.ask('PUT', '/collections/c', { vectors: { size: 2, distance: 'Dot' } })
  expect(await backUp(first, join(root, 'backups'))).toBe('done')
  const at = (await scrape(first)).get(backedUpAt)
  await first.close()
  const second = await serving(data)
  expect((await scrape(second)).get(backedUpAt)).toBe(at)
  await second.ask('DELETE', '/collections/c')
  expect((await scrape(second)).get(backedUpAt)).toBeUndefined()
  await second.close()
  await writeFile(join(data, 'backup-times.json'), 'somebody was here')
  expect((await scrape(await serving(data))).get(backedUpAt)).toBeUndefined()
})

it('asks for the token, where there is one', async () => {
  const rules = { token: 'of eight or more', tls: false, insecureHttp: false }
  const { ask } = await serving(await temporaryDirectory(), { rules })
  expect((await ask('GET', '/metrics')).status).toBe(401)
  expect((await ask('GET', '/metrics', undefined, { 'api-key': rules.token })).status).toBe(200)
})

it('tells the lag of a standby, and whether a primary writes alone', async () => {
  const root = await temporaryDirectory()
  const primary = await serving(join(root, 'one'), { name: 'n1', bounds: { drainMs: 300 } })
  const standby = await serving(join(root, 'two'), { name: 'n2', bounds: { drainMs: 300 } })
  await primary.ask('PUT', '/vectra/v1/collections/c', { dimension: 2 })
  await primary.ask('POST', '/vectra/v1/collections/c/points', {
    points: [{ id: 1, vector: [1, 0] }],
  })
  const { node } = (await standby.ask('GET', '/vectra/v1/cluster')).body
  await primary.ask('POST', '/vectra/v1/cluster/nodes', node)
  const followed = await primary.ask('PUT', '/vectra/v1/collections/c/replicas/n2', {
    mode: 'sync',
  })
  expect(followed.status, JSON.stringify(followed.body)).toBe(200)
  // a synchronous write ends when the standby has it
  await primary.ask('POST', '/vectra/v1/collections/c/points', {
    points: [{ id: 2, vector: [0, 1] }],
  })
  const there = await scrape(standby)
  expect(there.get('vectra_replication_lag_records{collection="c"}')).toBe(0)
  expect(there.get('vectra_collection_points{collection="c"}')).toBe(2)
  expect((await scrape(primary)).get('vectra_replication_alone{collection="c"}')).toBe(0)
})
