/** `/metrics`, and what is read for it at each scrape. */
import type { FollowerStatus } from '../collection/followers.ts'
import type { CopyStatus } from '../replica/copy-status.ts'
import type { Lag } from '../replica/position.ts'
import type { BackupTimes, Copied } from './backup-times.ts'
import type { Labels } from './metrics.ts'
import type { Route, Served } from './route.ts'

export interface Watched {
  readonly backups: BackupTimes
  /** How often each collection should be backed up; undefined: nobody said. */
  readonly backupEveryMs: number | undefined
}

/** Adds the gauges of a server to its metrics. */
export function watchServer(served: Served, { backups, backupEveryMs }: Watched): void {
  const { metrics, directory, jobs, clock } = served
  metrics.gauge('vectra_ready', 'Whether /readyz says yes.', [], () => [
    [{}, Number(served.notReady() === undefined && !served.stopping.aborted)],
  ])
  metrics.gauge('vectra_collections', 'Collections of the data directory.', [], () => [
    [{}, directory.names().length],
  ])
  metrics.gauge('vectra_jobs_running', 'Jobs under way.', [], () => [[{}, jobs.running]])
  metrics.gauge(
    'vectra_collection_points',
    'Points of a collection that was opened since the start.',
    ['collection'],
    async () => (await directory.opened()).map((each) => [labels(each.name), each.count] as const),
  )
  metrics.gauge(
    'vectra_collection_lsn',
    'LSN of its newest acknowledged record.',
    ['collection'],
    async () => (await directory.opened()).map((each) => [labels(each.name), each.lsn] as const),
  )
  const lastOf = (what: Copied) =>
    directory.names().flatMap((name) => {
      const asOfAt = backups.of(directory.uuidOf(name) ?? '')[what]
      return asOfAt === undefined ? [] : [[labels(name), asOfAt / 1_000] as const]
    })
  metrics.gauge(
    'vectra_backup_last_success_timestamp_seconds',
    'As-of time of the last backup of a collection that this server made.',
    ['collection'],
    () => lastOf('backup'),
  )
  metrics.gauge(
    'vectra_archive_last_success_timestamp_seconds',
    'As-of time of the last archived log of a collection that a restore can reach, of this server.',
    ['collection'],
    () => lastOf('archive'),
  )
  metrics.gauge(
    'vectra_backup_expected_interval_seconds',
    'How often a collection should be backed up, as --expect-backup-every says.',
    [],
    () => (backupEveryMs === undefined ? [] : [[{}, backupEveryMs / 1_000]]),
  )
  watchReplication(served)
  const startedAt = clock.nowMs()
  metrics.gauge('process_start_time_seconds', 'When the server began.', [], () => [
    [{}, startedAt / 1_000],
  ])
  metrics.gauge('process_resident_memory_bytes', 'Memory of the process.', [], () => [
    [{}, process.memoryUsage.rss()],
  ])
}

/**
 * How far the standbys here are behind, and what a primary here knows of its own. Of a collection that cannot be
 * opened nothing is told; all else is.
 */
function watchReplication({ metrics, node }: Served): void {
  let reading: Promise<readonly CopyStatus[]> | undefined
  const read = async () => (await node()?.replica.copies())?.copies ?? []
  /** One reading for all gauges of a scrape. */
  const copies = () => {
    reading ??= read().finally(() => {
      reading = undefined
    })
    return reading
  }
  const lag = async (of: (lag: Lag) => number | null) =>
    (await copies()).flatMap(({ name, following }) => {
      const value = following === null ? null : of(following)
      return value === null ? [] : [[labels(name), value] as const]
    })
  metrics.gauge(
    'vectra_replication_lag_seconds',
    'On a standby: since the last moment at which it had everything.',
    ['collection'],
    () => lag(({ seconds }) => seconds),
  )
  metrics.gauge(
    'vectra_replication_lag_records',
    'On a standby: records of the primary that are not here.',
    ['collection'],
    () => lag(({ records }) => records),
  )
  metrics.gauge(
    'vectra_replication_lag_bytes',
    'On a standby: log bytes of these.',
    ['collection'],
    () => lag(({ bytes }) => bytes),
  )
  metrics.gauge(
    'vectra_replication_settings_differ',
    'On a standby: whether its index or other settings are not those of its primary; not there before that has told.',
    ['collection'],
    async () =>
      (await copies()).flatMap(({ name, following }) => {
        const state = following?.settings.state ?? 'unknown'
        return state === 'unknown' ? [] : [[labels(name), Number(state !== 'same')] as const]
      }),
  )
  metrics.gauge(
    'vectra_replication_alone',
    'On a primary: whether synchronous writes are acknowledged without a standby now.',
    ['collection'],
    async () =>
      (await copies())
        .filter(({ role }) => role === 'primary')
        .map(({ name, alone }) => [labels(name), Number(alone)] as const),
  )
  const ofStandbys = async (of: (member: FollowerStatus, lsn: number) => number | null) =>
    (await copies()).flatMap(({ name, lsn, members }) =>
      members.flatMap((member) => {
        const value = of(member, lsn)
        return value === null ? [] : [[{ collection: name, standby: member.name }, value] as const]
      }),
    )
  const ofStandby = ['collection', 'standby']
  metrics.gauge(
    'vectra_replication_standby_up',
    'On a primary: whether a standby was heard of just now.',
    ofStandby,
    () => ofStandbys(({ there }) => Number(there)),
  )
  metrics.gauge(
    'vectra_replication_standby_late',
    'On a primary: whether a standby lacks records, and has not had everything for 10 s.',
    ofStandby,
    () => ofStandbys(({ late }) => Number(late)),
  )
  metrics.gauge(
    'vectra_replication_standby_silent_seconds',
    'On a primary: since a standby was last heard of; not there before it was.',
    ofStandby,
    () => ofStandbys(({ silentMs }) => (silentMs === null ? null : silentMs / 1_000)),
  )
  metrics.gauge(
    'vectra_replication_standby_lag_records',
    'On a primary: records that a standby did not say to have on its disk; not there before it was heard of.',
    ofStandby,
    () => ofStandbys(({ lsn }, newest) => (lsn === null ? null : Math.max(0, newest - lsn))),
  )
}

const labels = (collection: string): Labels => ({ collection })

/** See the head of this file. */
export const metricsRoutes = ({ metrics }: Served): Route[] => [
  {
    method: 'GET',
    path: '/metrics',
    tag: 'Service',
    summary: 'What is measured, in the text format of Prometheus.',
    answerType: 'text/plain',
    handle: async () => ({
      kind: 'text',
      contentType: metrics.contentType,
      text: await metrics.text(),
    }),
  },
]
