/** `serve`: the data directory over HTTP, until SIGTERM or SIGINT. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { KiB, limits, MiB } from '../base/limits.ts'
import type { ListenAddress } from '../server/admission.ts'
import type { Context } from './context.ts'
import { duration, size } from './option.ts'
import { examples, type Runner } from './runner.ts'

interface ServeFlags {
  readonly listen: ListenAddress
  readonly tokenFile?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly insecureHttp?: true
  readonly snapshots?: string
  readonly expectBackupEvery?: number
  readonly keptLog?: number
  readonly name?: string
  readonly cluster?: string
  readonly advertise?: string
}

const pemBytes = 256 * KiB

/** Adds the command. */
export function addServe(program: Command, run: Runner): void {
  program
    .command('serve')
    .description(
      'answer for the data directory over HTTP, until SIGTERM or SIGINT: the REST interface of Qdrant for collections, points, aliases and snapshots, and all else below /vectra/v1/',
    )
    .addOption(
      new Option('--listen <host:port>', 'where; a port alone means 127.0.0.1')
        .argParser(listenOption)
        .default({ host: '127.0.0.1', port: 7_700 }, '127.0.0.1:7700'),
    )
    .option('--token-file <file>', 'the token that requests must bring (default: VECTRA_TOKEN)')
    .option('--tls-cert <file>', 'certificate (PEM) for https, with what signed it behind it')
    .option('--tls-key <file>', 'its key (PEM)')
    .option('--insecure-http', 'no TLS although other machines reach the address')
    .option(
      '--snapshots <url>',
      "repository of the snapshots that Qdrant's clients ask for (default: snapshots in the data directory)",
    )
    .option(
      '--expect-backup-every <duration>',
      'how often each collection should be backed up, such as 1h; told at /metrics, for alerts',
      duration(1_000, limits.lockMs),
    )
    .option(
      '--kept-log <size>',
      'log of each collection that is kept for archives and standbys that do not have it yet, such as 8GiB; beyond it the oldest goes: an archive has a gap then, a standby takes a new base (default: 1GiB)',
      size(MiB, limits.keptLogBytes),
    )
    .option(
      '--name <name>',
      'name of this node among others (default: VECTRA_NODE, else its address)',
    )
    .option('--cluster <name>', 'the cluster that this node is of (default: VECTRA_CLUSTER)')
    .option('--advertise <url>', 'how other nodes reach it (default: where it listens)')
    .addHelpText(
      'after',
      examples(
        'serve --data /var/lib/vectra',
        'serve --name node-2 --cluster primary-cluster --listen 10.0.0.2:7700',
        'VECTRA_TOKEN=$(cat token) vectra-cli serve --listen 0.0.0.0:7700 --tls-cert cert.pem --tls-key key.pem',
      ),
    )
    .action(run(serve))
}

/** `7700`, `127.0.0.1:7700` or `[::1]:7700`. */
function listenOption(text: string): ListenAddress {
  const match = /^(?:(\[[0-9A-Fa-f:.]+\]|[\w.-]+):)?(\d{1,5})$/.exec(text)
  const port = Number(match?.[2])
  if (match === null || port > 65_535) {
    throw new InvalidArgumentError('Write HOST:PORT, such as 127.0.0.1:7700.')
  }
  return { host: (match[1] ?? '127.0.0.1').replace(/^\[|\]$/g, ''), port }
}

async function serve(context: Context, flags: ServeFlags) {
  const { openServer } = await import('../server/server.ts')
  const { disk, clock, timer, signal } = context.io
  const server = await openServer({
    data: context.data,
    disk,
    clock,
    timer,
    snapshots: flags.snapshots,
    backupEveryMs: flags.expectBackupEvery,
    keptLogBytes: flags.keptLog,
    name: flags.name ?? context.io.env['VECTRA_NODE'],
    cluster: flags.cluster ?? context.io.env['VECTRA_CLUSTER'],
    advertise: flags.advertise,
    listen: flags.listen,
    rules: {
      token: await tokenOf(context, flags),
      tls: flags.tlsCert !== undefined,
      insecureHttp: flags.insecureHttp === true,
    },
    tls: await tlsOf(context, flags),
    warn: (sentence) => void context.warn(sentence).catch(() => {}),
  })
  try {
    await context.confirm(`serving ${server.served.directory.path} at ${server.url}`)
    await context.emit({ event: 'serving', url: server.url, data: server.served.directory.path })
    await Promise.race([aborted(signal), server.failed])
    await context.remark('stopping: requests under way are answered, then all is checkpointed')
  } finally {
    await server.close()
  }
  await context.confirm('stopped')
  return { url: server.url }
}

async function tokenOf({ io, token }: Context, { tokenFile }: ServeFlags) {
  if (tokenFile === undefined) return token
  return (await io.disk.readFile(tokenFile, pemBytes)).toString('utf8').trim()
}

async function tlsOf({ io }: Context, { tlsCert, tlsKey }: ServeFlags) {
  if (tlsCert === undefined && tlsKey === undefined) return undefined
  const { fail } = await import('../base/errors.ts')
  if (tlsCert === undefined || tlsKey === undefined) {
    return fail('usage', '--tls-cert and --tls-key belong together', 'Give both files.')
  }
  const [cert, key] = await Promise.all(
    [tlsCert, tlsKey].map((file) => io.disk.readFile(file, pemBytes)),
  )
  return cert && key && { cert, key }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
