/**
 * The server: one process that owns a data directory and answers for it over HTTP.
 *
 * It ends as it began: no more requests, those under way are answered, every open collection is
 * checkpointed, the directory is closed and its lock given back.
 */
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { OperatingError } from '../base/errors.ts'
import { timeSyncs } from '../base/timed-disk.ts'
import { systemTimer, type Timer } from '../base/timer.ts'
import { openDataDirectory } from '../collection/data-directory.ts'
import type { Fields } from '../format/fields.ts'
import { checkListen } from './admission.ts'
import { BackupTimes } from './backup-times.ts'
import { type HttpServer, type HttpServerOptions, openHttpServer } from './http-server.ts'
import { Jobs } from './jobs.ts'
import { ServerMetrics } from './metrics.ts'
import { watchServer } from './metrics-routes.ts'
import { snapshotsOf } from './qdrant-snapshots.ts'
import type { Served } from './route.ts'
import { makeRoutes } from './routes.ts'
import { ServedNode } from './served-node.ts'
import { readLocation } from './wire-location.ts'

export interface ServerOptions
  extends Pick<HttpServerOptions, 'listen' | 'rules' | 'tls' | 'bounds'> {
  /** The data directory; made when it is not there. */
  readonly data: string
  /** Where snapshots in Qdrant's shapes go. Default: `snapshots` in the data directory. */
  readonly snapshots?: string | undefined
  /** How often each collection should be backed up, for /metrics. Default: nothing is said. */
  readonly backupEveryMs?: number | undefined
  /** Log of a collection that is kept for its archives and standbys alone, bytes. Default: `limits.archiveLogBytes`. */
  readonly keptLogBytes?: number | undefined
  readonly disk: Disk
  readonly clock: Clock
  readonly timer?: Timer | undefined
  readonly warn: (sentence: string) => void
  /** The node's name among others. Default: `HOST:PORT` with a dash. */
  readonly name?: string | undefined
  /** The cluster it belongs to. */
  readonly cluster?: string | undefined
  /** How other nodes reach it. Default: where it listens. */
  readonly advertise?: string | undefined
}

export interface Server {
  readonly url: string
  readonly served: Served
  /** Settles, as a failure, when nothing more can be written; end the server then. */
  readonly failed: Promise<never>
  /** Drains, checkpoints, closes. @throws the first thing that could not be closed cleanly */
  close(): Promise<void>
}

/**
 * Opens the directory under its lock and serves it.
 * @throws `usage` for an address that needs a token or TLS; `locked`; `unreachable`; what opening throws
 */
export async function openServer(options: ServerOptions): Promise<Server> {
  const { disk, clock, timer = systemTimer, warn, listen, rules } = options
  checkListen(listen, rules)
  let fatal: (error: unknown) => void = () => {}
  const failed = new Promise<never>((_, reject) => {
    fatal = reject
  })
  failed.catch(() => {}) // whoever serves waits for it; nobody may be waiting yet
  const metrics = new ServerMetrics()
  const isLog = (path: string) => path.endsWith('.wal')
  const directory = await openDataDirectory(options.data, {
    disk: timeSyncs(disk, clock, isLog, (tookMs) => metrics.synced(tookMs)),
    clock,
    timer,
    create: true,
    ...(options.keptLogBytes !== undefined && { keptLogBytes: options.keptLogBytes }),
    onWarning: warn,
    onFatal: fatal,
  })
  const stop = new AbortController()
  let backups: BackupTimes | undefined
  let node: ServedNode | undefined
  const served: Served = {
    directory,
    disk,
    clock,
    timer,
    warn,
    metrics,
    jobs: new Jobs(clock, timer, {
      onBug: (error) => warn(`a bug in a job: ${stackOf(error)}`),
      onEnd: (status) => metrics.jobEnded(status),
    }),
    onCopied: (what, uuid, asOfAt) => {
      const told = (error: unknown) => warn(`the time of a ${what} is not kept: ${String(error)}`)
      const known = new Set(directory.names().map(directory.uuidOf))
      void backups?.note(what, uuid, Date.parse(asOfAt), (each) => known.has(each)).catch(told)
    },
    snapshots: options.snapshots ?? snapshotsOf(directory.path),
    stopping: stop.signal,
    node: () => node,
    refuseWrites: () => undefined,
    notReady: () => undefined,
  }
  let http: HttpServer | undefined
  try {
    backups = await BackupTimes.open(disk, directory.path)
    watchServer(served, { backups, backupEveryMs: options.backupEveryMs })
    http = await openHttpServer(makeRoutes(served), served, {
      ...options,
      onAnswer: (route, method, status, tookMs) => metrics.answered(route, method, status, tookMs),
    })
    await directory.announce(toLocalUrl(http.url))
    node = await openNode(toLocalUrl(http.url), served, options)
    return toServer(http, served, failed, stop)
  } catch (error) {
    await node?.close()
    await http?.close()
    await directory.close()
    throw error
  }
}

function openNode(url: string, served: Served, options: ServerOptions): Promise<ServedNode> {
  const { directory, disk, clock, timer, warn } = served
  const { name = new URL(url).host.replace(/[^\w.]+/g, '-'), cluster, advertise = url } = options
  const { token } = options.rules
  const self = { name, url: advertise }
  const toLocation = (fields: Fields) => readLocation(fields, { clock, timer })
  const world = { directory, disk, clock, timer, token, toLocation, warn }
  return ServedNode.open({ self, cluster, ...world })
}

function toServer(
  http: HttpServer,
  served: Served,
  failed: Promise<never>,
  stop: AbortController,
): Server {
  const { directory } = served
  return {
    url: http.url,
    served,
    failed,
    async close() {
      const hint = 'Ask again when it is back.'
      const reason = new OperatingError('terminated', 'the server is being stopped', hint)
      stop.abort(reason)
      try {
        await served.jobs.close(reason)
        await http.close(async () => served.node()?.close())
        for (const each of await directory.opened()) await each.checkpoint()
      } finally {
        await directory.close()
      }
    },
  }
}

const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error)

/** An address that means all of this machine, as one that can be asked. */
const toLocalUrl = (url: string): string =>
  url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
