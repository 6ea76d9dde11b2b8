/** `endpoint switch` with real servers, programs and requests. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../../engine/base/clock.ts'
import { OperatingError } from '../../../engine/base/errors.ts'
import { systemTimer, type Timer } from '../../../engine/base/timer.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { serving } from '../../support/serving.ts'
import { TcpProxy } from '../../support/tcp-proxy.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { until } from '../../support/until.ts'
import { webServer } from '../../support/web-server.ts'
import { type CliWorld, runCli } from './run-cli.ts'

const data = '/data'
let root: string
let disk: MemoryDisk
let env: Record<string, string>

const cli = (argv: readonly string[], { io, ...world }: CliWorld = {}) =>
  runCli(argv, { env: { PATH: process.env['PATH'] ?? '', ...env }, io: { disk, ...io }, ...world })
const served = (name?: string) => serving(data, { disk, name })
const switching = (argv: readonly string[], world?: CliWorld) =>
  cli(['endpoint', 'switch', ...argv], world)
/** Asks for three seconds of a clock that is in a hurry. */
const hastily = (argv: readonly string[]) => {
  let atMs = 0
  const clock = { ...systemClock, monotonicMs: () => (atMs += 250) }
  return switching([...argv, '--timeout', '3s', '--interval', '1ms'], { io: { clock } })
}
const meaning = async () => (await cli(['aliases', 'list'])).stdout.split('\n')[1] ?? ''

/** A program in JavaScript, as the option takes it. */
const program = (code: string, ...args: readonly string[]) =>
  JSON.stringify([process.execPath, '-e', code, ...args])
/** Appends a word to a file. */
const noting = (word: string) =>
  program(
    'require("node:fs").appendFileSync(process.argv[1], process.argv[2] + "\\n")',
    join(root, 'notes'),
    word,
  )
const notes = () => readFile(join(root, 'notes'), 'utf8').catch(() => '')

beforeEach(async () => {
  root = await temporaryDirectory()
  disk = new MemoryDisk()
  env = { VECTRA_DATA: data }
  for (const [name, id] of [
    ['v1', 'old'],
    ['v2', 'new'],
  ] as const) {
    await cli(['collections', 'create', name, '--dimension', '2', '--index', 'flat'])
    await cli(['collections', 'upsert', name, '--id', id, '--vector', '[1,0]'])
  }
  await cli(['aliases', 'set', 'live', 'v1'])
})

const query = ['--vector', '[1,0]'] as const

describe('a switch', () => {
  it('moves an alias, and is done when the search by it finds what it should', async () => {
    const run = await switching(['--alias', 'live=v2', ...query, '--expect', 'new'])
    expect([run.exitCode, run.stderr]).toEqual([0, ''])
    expect(run.stdout).toMatch(
      /^live means v2, no longer v1\nlive in .*data finds 1 point, new nearest \(try 1\), \d+ ms after the switch began\n$/,
    )
    expect(await meaning()).toBe('live   v2')
  })

  it('moves aliases at a server, then runs the program, then sends the request, then asks', async () => {
    const server = await served('node-2')
    const web = await webServer((response) => response.writeHead(204).end())
    env = { VECTRA_ENDPOINT: server.url, TOKEN: 'sword fish', REGION: 'eu' }
    const code = 'console.log(Object.keys(process.env).sort().join(), process.env.REGION)'
    const run = await switching([
      ...['--alias', 'live=v2', '--alias', 'next=v1', '--exec', program(code)],
      ...['--exec-env', 'REGION', '--http', `http://127.0.0.1:${web.port}/kv/\${env.REGION}`],
      ...['--method', 'PUT', '--header', 'X-Token: ${env.TOKEN}', '--body', '10.0.0.2'],
      ...['--expect-status', '204', ...query, '--expect-node', 'node-2', '--json'],
    ])
    expect([run.exitCode, run.stderr]).toEqual([0, `${process.execPath}: PATH,REGION ***\n`])
    const [first, second, executed, requested, answered, outcome] = run.objects()
    expect(first).toMatchObject({ event: 'moved', alias: 'live', collection: 'v2', before: 'v1' })
    expect(second).toMatchObject({ event: 'moved', alias: 'next', before: null })
    expect(executed).toMatchObject({ action: 'exec', exitCode: 0, stdout: 'PATH,REGION ***\n' })
    expect(requested).toMatchObject({ action: 'http', method: 'PUT', status: 204 })
    expect(answered).toMatchObject({ event: 'answered', node: 'node-2', ids: ['new'], tries: 1 })
    expect(outcome).toMatchObject({ outcome: 'done', actions: 4, tookMs: expect.any(Number) })
    expect(web.received).toMatchObject([
      { method: 'PUT', url: '/kv/eu', body: '10.0.0.2', headers: { 'x-token': 'sword fish' } },
    ])
    expect(run.stdout).not.toContain('sword')
  })

  it('asks where the name leads now, not over a connection that was kept', async () => {
    const proxy = await TcpProxy.open()
    onTestFinished(() => proxy.close())
    const portOf = ({ url }: { url: string }) => Number(new URL(url).port)
    const [old, next] = [
      await served('node-1'),
      await serving('/next', { disk: new MemoryDisk(), name: 'node-2' }),
    ]
    proxy.target = portOf(old)
    const web = await webServer((response) => {
      proxy.target = portOf(next) // as a load balancer is told
      response.end()
    })
    env = { VECTRA_ENDPOINT: proxy.url }
    const run = await hastily([
      ...[
        '--alias',
        'live=v2',
        '--http',
        `http://127.0.0.1:${web.port}/`,
        '--expect-node',
        'node-2',
      ],
    ])
    expect(run.exitCode, run.stderr).toBe(0)
    expect(run.stdout).toContain(`node-2 answers at ${proxy.url} (try 1)`)
  })

  it('asks until the page of the application answers well', async () => {
    let asked = 0
    const web = await webServer((response) => {
      asked += 1
      response.writeHead(asked < 3 ? 503 : 200).end(asked < 4 ? 'starting' : 'serving')
    })
    const url = `http://127.0.0.1:${web.port}/ready`
    const run = await switching([
      ...['--alias', 'live=v2', '--probe-url', url, '--probe-text', 'serving'],
      ...['--interval', '1ms'],
    ])
    expect(run.exitCode, run.stderr).toBe(0)
    expect(run.stderr).toBe(
      `not yet: ${url} answered 503\nnot yet: ${url} answered 200, without "serving"\n`,
    )
    expect(run.stdout).toContain(`${url} answered 200 (try 4)`)
  })
})

describe('what was moved is taken back', () => {
  it('when the search does not find what it should: last first, and it says so', async () => {
    const run = await hastily([
      ...['--alias', 'live=v2', '--alias', 'next=v1', '--exec', noting('there')],
      ...['--undo-exec', noting('back'), ...query, '--expect', 'old'],
    ])
    expect(run.exitCode).toBe(15)
    expect(run.stderr).toMatch(
      /error: no answer as expected within 3\.0 s \(\d+ questions?\): at last live in \S+ does not find old; taken back: \S+ ended with exit code 0 \(.*\), next is gone, live means v1 again\n/,
    )
    expect(await notes()).toBe('there\nback\n')
    expect((await cli(['aliases', 'list'])).stdout).toBe('alias  collection\nlive   v1\n')
  })

  it('when the program fails, which may have done half of it', async () => {
    const fails = program('console.error("no route"); process.exit(3)')
    const run = await switching([
      ...['--alias', 'live=v2', '--exec', fails, '--undo-exec', noting('back'), '--no-probe'],
    ])
    expect(run.exitCode).toBe(15)
    expect(run.stderr).toMatch(/error: \S+ ended with exit code 3: no route; taken back: /)
    expect([await meaning(), await notes()]).toEqual(['live   v1', 'back\n'])
  })

  it('when another node answers than the one that should', async () => {
    const server = await served('node-1')
    env = { VECTRA_ENDPOINT: server.url }
    const run = await hastily(['--alias', 'live=v2', '--expect-node', 'node-2'])
    expect(run.exitCode).toBe(15)
    expect(run.stderr).toContain(`node-1 answers at ${server.url}, not node-2; taken back`)
    expect(await meaning()).toBe('live   v1')
  })

  it('when the command is interrupted while it asks', async () => {
    const stop = new AbortController()
    const web = await webServer(() => stop.abort(new OperatingError('interrupted', 'enough', '')))
    const run = await switching(
      ['--alias', 'live=v2', '--probe-url', `http://127.0.0.1:${web.port}/`],
      { signal: stop.signal },
    )
    expect([run.exitCode, run.stderr]).toEqual([
      130,
      expect.stringContaining('error: enough; taken back: live means v1 again'),
    ])
    expect(await meaning()).toBe('live   v1')
  })

  it('but not an alias that somebody else has switched since', async () => {
    const third = ['collections', 'create', 'v3', '--dimension', '2']
    const server = await served()
    env = { VECTRA_ENDPOINT: server.url }
    await cli(third)
    const web = await webServer((response) => {
      void server
        .ask('PUT', '/vectra/v1/aliases/live', { collection: 'v3' })
        .then(() => response.writeHead(500).end())
    })
    const url = `http://127.0.0.1:${web.port}/`
    const run = await hastily(['--alias', 'live=v2', '--probe-url', url])
    expect(run.exitCode).toBe(15)
    expect(run.stderr).toContain('live means v3: somebody else has switched it, so it stays')
    expect(await meaning()).toBe('live   v3')
  })

  it('not with --keep, nor a program without --undo-exec, and it says what stays', async () => {
    const kept = await hastily(['--alias', 'live=v2', ...query, '--expect', 'old', '--keep'])
    expect([kept.exitCode, kept.stderr]).toEqual([
      15,
      expect.stringMatching(/; not taken back: alias live\nhint: Look at what stands now/),
    ])
    expect(await meaning()).toBe('live   v2')
    const left = await hastily(['--exec', noting('there'), ...query, '--in', 'none'])
    expect(left.exitCode).toBe(15)
    expect(left.stderr).toContain(`not taken back: ${process.execPath}`)
  })

  it('and when that fails too the exit code is 16', async () => {
    const run = await hastily([
      ...['--exec', noting('there'), '--undo-exec', program('process.exit(4)')],
      ...['--alias', 'live=v2', ...query, '--expect', 'old', '--json'],
    ])
    expect(run.exitCode).toBe(16)
    expect(run.objects().at(-1)).toMatchObject({
      outcome: 'failed',
      error: {
        code: 'undo-failed',
        message: expect.stringMatching(/taking back failed: .*code 4$/),
      },
    })
    expect(await meaning()).toBe('live   v1')
  })
})

describe('case 92: the program', () => {
  it('case 92: is an argument list that no shell reads', async () => {
    const code = 'console.log(JSON.stringify(process.argv.slice(1)))'
    const args = ['; touch pwned', '$(touch pwned)', '*', 'a\nb']
    const words = program(code, '--', ...args)
    const run = await switching(['--exec', words, '--no-probe', '--json'])
    expect(JSON.parse(String(run.objects()[0]?.['stdout']))).toEqual(args)
  })

  it('case 92: that listens to nothing is killed with its children when its time is over', async () => {
    // its time is over when the test says so
    let end = () => {}
    const timer: Timer = {
      after(milliseconds, act) {
        if (milliseconds !== 40_000) return systemTimer.after(milliseconds / 50, act)
        end = act
        return () => {}
      },
    }
    const stubborn = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"
    const code = `${stubborn}
      const child = require('node:child_process').spawn(process.execPath,
        ['-e', ${JSON.stringify(`${stubborn}; console.log('up')`)}],
        { stdio: ['ignore', 'pipe', 'ignore'] })
      child.stdout.once('data', () =>
        require('node:fs').writeFileSync(process.argv[1], process.pid + ' ' + child.pid))`
    const file = join(root, 'pids')
    const words = program(code, file)
    const running = switching(
      ['--alias', 'live=v2', '--exec', words, '--action-timeout', '40s', '--no-probe'],
      { io: { timer } },
    )
    const pidsText = () => readFile(file, 'utf8').catch(() => '')
    await until(async () => /^\d+ \d+$/.test(await pidsText()))
    end()
    const run = await running
    expect([run.exitCode, run.stderr]).toEqual([
      15,
      expect.stringContaining(
        'did not end within 40.0 s, and was ended with all that it had started',
      ),
    ])
    const pids = (await pidsText()).split(' ').map(Number)
    const alive = (pid: number) => {
      try {
        return process.kill(pid, 0)
      } catch {
        return false
      }
    }
    expect(pids).toHaveLength(2)
    await until(() => !pids.some(alive))
    expect(await meaning()).toBe('live   v1')
  })
})

describe('case 93: the request', () => {
  it('case 93: follows no redirect with its credentials', async () => {
    const inner = await webServer((response) => response.end())
    const outer = await webServer((response) =>
      response.writeHead(307, { location: `http://127.0.0.1:${inner.port}/` }).end('go there'),
    )
    env['TOKEN'] = 'swordfish'
    const url = `http://127.0.0.1:${outer.port}/`
    const run = await switching([
      ...['--http', url, '--header', 'Authorization: Bearer ${env.TOKEN}', '--no-probe'],
    ])
    expect([run.exitCode, inner.received]).toEqual([15, []])
    expect(run.stderr).toContain(
      `POST ${url} answered 307, not 200 to 299: go there; not taken back`,
    )
    expect(outer.received[0]?.headers.authorization).toBe('Bearer swordfish')
  })

  it('case 93: goes to no private address by a name or a variable unless told, to metadata never', async () => {
    const web = await webServer((response) => response.end())
    env['HOST'] = `127.0.0.1:${web.port}`
    env['META'] = '169.254.169.254'
    let told = 0
    for (const url of [`http://localhost:${web.port}/`, 'http://${env.HOST}/']) {
      const run = await switching(['--alias', 'live=v2', '--http', url, '--no-probe'])
      expect([run.exitCode, run.stderr]).toEqual([15, expect.stringContaining('private address')])
      expect(run.stderr).toContain('--allow-private')
      const refused = await switching(['--http', url, '--no-probe'])
      expect(refused.exitCode).toBe(2) // nothing was moved
      expect(web.received).toHaveLength(told)
      const allowed = await switching(['--http', url, '--no-probe', '--allow-private'])
      expect(allowed.exitCode, allowed.stderr).toBe(0)
      expect(web.received).toHaveLength(++told)
    }
    for (const url of ['http://${env.META}/', 'http://169.254.169.254/']) {
      const run = await switching(['--http', url, '--no-probe', '--allow-private'])
      expect([run.exitCode, run.stderr]).toEqual([2, expect.stringContaining('metadata')])
    }
  })

  it('case 94: shows no value of a variable, also when the answer says it', async () => {
    env['TOKEN'] = 'swordfish'
    const web = await webServer((response, { url, headers }) =>
      response.writeHead(403).end(`${url} ${headers['x-token']} is not allowed`),
    )
    const url = `http://127.0.0.1:${web.port}/\${env.TOKEN}`
    const run = await switching([
      ...['--http', url, '--header', 'x-token: ${env.TOKEN}', '--no-probe', '--json'],
    ])
    expect(run.exitCode).toBe(15)
    expect(run.stderr).toContain('answered 403, not 200 to 299: /*** *** is not allowed')
    expect(run.stdout + run.stderr).not.toContain('swordfish')
  })
})

it('a first action that fails leaves all as it was, under its own exit code', async () => {
  const missing = await switching(['--alias', 'live=nobody', '--no-probe'])
  expect([missing.exitCode, missing.stderr]).toEqual([
    14,
    expect.not.stringContaining('taken back'),
  ])
  const absent = await switching(['--exec', '["no-such-program-anywhere"]', '--no-probe'])
  expect([absent.exitCode, absent.stderr]).toEqual([2, expect.stringContaining('not be started')])
  const gone = ['--endpoint', 'http://127.0.0.1:9', '--alias', 'live=v2', '--no-probe']
  expect((await cli(['endpoint', 'switch', ...gone])).exitCode).toBe(12)
  expect(await meaning()).toBe('live   v1')
})

it.each([
  [[], /nothing says what is to be moved/],
  [['--alias', 'live', '--no-probe'], /moves no alias/],
  [['--alias', 'live=v2'], /nothing says how to see/],
  [['--alias', 'live=v2', '--no-probe', '--like', 'a'], /--no-probe is given/],
  [['--alias', 'live=v2', '--expect', 'a'], /no search is given/],
  [['--alias', 'live=v2', '--expect-node', 'n'], /needs a server/],
  [['--exec', '["x"]', '--like', 'a'], /which collection/],
  [['--exec', 'ls', '--no-probe'], /--exec is not JSON/],
  [['--exec', '["a.bat"]', '--no-probe'], /batch file/],
  [['--alias', 'live=v2', '--undo-exec', '["x"]', '--no-probe'], /neither is given/],
  [['--http', 'http://127.0.0.1/', '--header', 'x', '--no-probe'], /is no header/],
  [['--http', 'http://127.0.0.1/${env.NONE}', '--no-probe'], /NONE has no value/],
  [['--alias', 'live=v2', '--http', 'file:///etc/passwd', '--no-probe'], /not an http/],
] as const)('refuses %j', async (argv, message) => {
  const run = await switching(argv)
  expect(run.stderr).toMatch(message)
  expect([2, 15]).toContain(run.exitCode)
  expect(await meaning()).toBe('live   v1')
})

it('asks where applications ask, which need not be where the alias is', async () => {
  const other = await serving('/other', { disk: new MemoryDisk() })
  const argv = ['--alias', 'live=v2', ...query, '--in', 'shop', '--probe-endpoint', other.url]
  const absent = await hastily(argv)
  expect([absent.exitCode, absent.stderr]).toEqual([15, expect.stringContaining('shop')])
  await other.ask('PUT', '/vectra/v1/collections/shop', { dimension: 2 })
  const points = [{ id: 'a', vector: [1, 0] }]
  await other.ask('POST', '/vectra/v1/collections/shop/points', { points })
  const found = await switching(argv)
  expect(found.stdout).toContain(`shop in ${other.url} finds 1 point, a nearest`)
})
