import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type Serving, serving } from '../../support/serving.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const text = async ({ ask }: Serving): Promise<string> =>
  String((await ask('GET', '/metrics')).body)

/** The value of each sample, by its name and labels. */
async function scrape(server: Serving): Promise<ReadonlyMap<string, number>> {
  const lines = (await text(server)).split('\n').filter((line) => /^[^#]/.test(line))
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ')
      return [line.slice(0, at), Number(line.slice(at + 1))]
    }),
  )
}

const backedUpAt = 'vectra_backup_last_success_timestamp_seconds{collection="c"}'
const archivedAt = 'vectra_archive_last_success_timestamp_seconds{collection="c"}'
const jobsEnded = (kind: string, state: string) =>
  `vectra_jobs_ended_total{kind="${kind}",state="${state}"}`

async function job({ ask, served }: Serving, kind: string, request: object): Promise<string> {
  const { id } = (await ask('POST', `/vectra/v1/${kind}`, request)).body
  await ask('GET', `/vectra/v1/jobs/${id}/events`)
  return served.jobs.status(id).state
}

const backUp = (server: Serving, location: string): Promise<string> =>
  job(server, 'backup', { collection: 'c', destination: { location }, snapshotId: 's' })
const archive = (server: Serving, location: string): Promise<string> =>
  job(server, 'archive', { collection: 'c', destination: { location } })

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
  // a search of a minute is none
  const searched = (bound: string) =>
    after.get(`vectra_search_duration_seconds_bucket{le="${bound}"}`)
  expect([searched('60'), searched('+Inf')]).toEqual([1, 1])
  expect(after.get('vectra_search_duration_seconds_sum')).toBeGreaterThan(0)
  expect(after.get('vectra_wal_fsync_duration_seconds_sum')).toBeGreaterThan(0)
})

it('names and explains each metric as Prometheus wishes it: a prefix, a unit, a type, help', async () => {
  const server = await serving(await temporaryDirectory())
  const lines = (await text(server)).split('\n')
  const of = (kind: string) =>
    lines.filter((line) => line.startsWith(`# ${kind} `)).map((line) => line.split(' '))
  const types = of('TYPE')
  expect(types.length).toBeGreaterThan(15)
  for (const [, , name = '', type = ''] of types) {
    expect(name).toMatch(/^(vectra|process)_[a-z_]+$/)
    expect(name.endsWith('_total'), name).toBe(type === 'counter')
    if (type === 'histogram') expect(name).toMatch(/_duration_seconds$/)
  }
  expect(of('HELP').map(([, , name]) => name)).toEqual(types.map(([, , name]) => name))
  expect(of('HELP').every((words) => words.length > 4)).toBe(true)
  // an fsync of a good disk takes less than 1 ms, one of a bad disk seconds
  const bounds = (name: string) =>
    lines.flatMap((line) => new RegExp(`^${name}_bucket{le="([^"]+)"}`).exec(line)?.[1] ?? [])
  expect(bounds('vectra_wal_fsync_duration_seconds').map(Number).slice(0, 3)).toEqual([
    0.0005, 0.001, 0.0025,
  ])
  expect(bounds('vectra_search_duration_seconds').at(-1)).toBe('+Inf')
})

it('counts what jobs came to, and does not take a failed copy for one', async () => {
  const root = await temporaryDirectory()
  const server = await serving(join(root, 'data'))
  const copies = join(root, 'copies')
  await server.ask('PUT', '/collections/c', { vectors: { size: 2, distance: 'Dot' } })
  await writeFile(join(root, 'file'), '')
  expect(await backUp(server, join(root, 'file'))).toBe('failed')
  // without a snapshot before it no restore can reach it
  expect(await archive(server, copies)).toBe('done')
  const before = await scrape(server)
  expect([before.get(backedUpAt), before.get(archivedAt)]).toEqual([undefined, undefined])
  expect(await backUp(server, copies)).toBe('done')
  expect(await archive(server, copies)).toBe('done')
  const after = await scrape(server)
  expect(after.get(archivedAt)).toBeGreaterThanOrEqual(after.get(backedUpAt) ?? Number.NaN)
  expect(after.get(jobsEnded('backup', 'failed'))).toBe(1)
  expect(after.get(jobsEnded('backup', 'done'))).toBe(1)
  expect(after.get(jobsEnded('archive', 'done'))).toBe(2)
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
  // another one of that name was never backed up
  await second.ask('PUT', '/collections/c', { vectors: { size: 2, distance: 'Dot' } })
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
  const primary = await serving(join(root, 'one'), { name: 'n1' })
  const standby = await serving(join(root, 'two'), { name: 'n2' })
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
  expect(there.get('vectra_replication_lag_bytes{collection="c"}')).toBe(0)
  expect(there.get('vectra_collection_points{collection="c"}')).toBe(2)
  expect(there.get('vectra_replication_settings_differ{collection="c"}')).toBe(0)
  const here = await scrape(primary)
  const ofStandby = (name: string) =>
    here.get(`vectra_replication_standby_${name}{collection="c",standby="n2"}`)
  expect(here.get('vectra_replication_alone{collection="c"}')).toBe(0)
  expect([ofStandby('up'), ofStandby('lag_records')]).toEqual([1, 0])
  expect(ofStandby('silent_seconds')).toBeLessThan(5)
  // without its primary it falls behind by the time that passes
  const lag = async () =>
    (await scrape(standby)).get('vectra_replication_lag_seconds{collection="c"}')
  await primary.close()
  const first = await lag()
  expect(first).toBeGreaterThan(0)
  expect(await lag()).toBeGreaterThan(first ?? Number.NaN)
})

it('a copy that cannot be opened takes nothing else away', async () => {
  const root = await temporaryDirectory()
  const data = join(root, 'data')
  const first = await serving(data)
  await first.ask('PUT', '/vectra/v1/collections/c', { dimension: 2 })
  await first.ask('PUT', '/vectra/v1/collections/d', { dimension: 2 })
  await first.ask('POST', '/vectra/v1/cluster/fence', { collection: 'c' })
  await first.close()
  const [config = ''] = (await readdir(data, { recursive: true })).filter((each) =>
    each.endsWith('replica.json'),
  )
  await writeFile(join(data, config), 'somebody was here')
  const second = await serving(data)
  await second.ask('GET', '/vectra/v1/collections/d')
  const after = await scrape(second)
  expect(after.get('vectra_collections')).toBe(2)
  expect(after.get('vectra_collection_points{collection="d"}')).toBe(0)
})
