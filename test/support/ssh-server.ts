/**
 * An sshd of the test's own: on a free port, with its own host key, for the user who runs the test, with
 * nothing of that user's configuration. `.ci/run` installs it; where it is missing a test fails.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { RsyncLocation } from '../../engine/destination/rsync-url.ts'

const run = promisify(execFile)

export interface SshServer {
  /** For what is stored, and for the keys. */
  readonly directory: string
  readonly port: number
  /** A new place on it. */
  place(path: string): RsyncLocation
  /** Makes a key. @returns its file; the public half has `.pub` at its end */
  newKey(name: string): Promise<string>
  /** Ends every connection there is, at once; new ones are taken. @returns how many there were */
  cutConnections(): Promise<number>
  stop(): Promise<void>
}

export async function startSshServer(): Promise<SshServer> {
  const directory = await mkdtemp(join(tmpdir(), 'vectra-ssh-'))
  const newKey = async (name: string) => {
    const file = join(directory, name)
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file])
    return file
  }
  const hostKey = await newKey('host-key')
  const identity = await newKey('user-key')
  const port = await freePort()
  const knownHosts = join(directory, 'known-hosts')
  const authorized = join(directory, 'authorized-keys')
  await writeFile(authorized, await readFile(`${identity}.pub`))
  await writeFile(knownHosts, `[127.0.0.1]:${port} ${await readFile(`${hostKey}.pub`, 'utf8')}`)
  const config = join(directory, 'sshd-config')
  await writeFile(
    config,
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${hostKey}`,
      `AuthorizedKeysFile ${authorized}`,
      `PidFile ${join(directory, 'pid')}`,
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin prohibit-password',
      'MaxStartups 100',
      'MaxSessions 100',
      'PrintMotd no',
      'SetEnv SHLVL=2', // bash then reads no .bashrc
      '',
    ].join('\n'),
  )
  if (userInfo().uid === 0) await mkdir('/run/sshd', { recursive: true }) // it insists
  // each session closes every file that it might have: the fewer the better
  const start = `ulimit -n 1024; exec /usr/sbin/sshd -D -e -f '${config}'`
  const server = spawn('bash', ['-c', start], { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  server.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString()
  })
  await untilOpen(port, server, () => log)
  return {
    directory,
    port,
    newKey,
    place: (path) => ({
      host: '127.0.0.1',
      user: userInfo().username,
      port,
      path,
      identity,
      knownHosts,
    }),
    async cutConnections() {
      const children = await childrenOf(server.pid ?? 0)
      for (const pid of children) process.kill(pid, 'SIGKILL')
      return children.length
    },
    async stop() {
      for (const pid of await childrenOf(server.pid ?? 0)) process.kill(pid, 'SIGKILL')
      server.kill('SIGKILL')
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** A new process for each connection; ours by their parent. */
async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text.trim().split(/\s+/).filter(Boolean).map(Number)
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        resolve(typeof address === 'object' && address !== null ? address.port : 0),
      )
    })
  })

async function untilOpen(port: number, server: ChildProcess, log: () => string): Promise<void> {
  for (let turn = 0; turn < 200; turn++) {
    if (server.exitCode !== null) break
    if (await answers(port)) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`sshd did not start: ${log()}`)
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    socket.once('data', () => {
      socket.destroy()
      resolve(true)
    })
  })
