/** The rsync destination with a real rsync: into a directory of this machine, and through a real sshd. */
import { randomBytes, randomUUID } from 'node:crypto'
import { appendFile, mkdir, readdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../engine/base/clock.ts'
import { nodeDisk } from '../../engine/base/disk.ts'
import { systemTimer } from '../../engine/base/timer.ts'
import { type Destination, getWhole } from '../../engine/destination/destination.ts'
import { DirectoryDestination } from '../../engine/destination/directory.ts'
import { probeStore } from '../../engine/destination/probe.ts'
import { RsyncDestination } from '../../engine/destination/rsync.ts'
import { toRsyncUrl } from '../../engine/destination/rsync-url.ts'
import { destinationConformance } from '../conformance/destination.ts'
import { lockRefusals } from '../conformance/destination-locks.ts'
import { bash, binDirectory, scriptEnvironment } from '../e2e/vectra-cli.ts'
import { rsyncWitness } from '../support/rsync-witness.ts'
import { type SshServer, startSshServer } from '../support/ssh-server.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

let server: SshServer
beforeAll(async () => {
  server = await startSshServer()
})
afterAll(() => server?.stop())

/** What `look` finds once it finds something; the test's time-out is the bound. */
async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Whether a process is there, and not only waiting for somebody to hear that it has ended. */
const isRunning = (pid: number): Promise<boolean> =>
  readFile(`/proc/${pid}/stat`, 'utf8').then(
    (stat) => !/\) Z /.test(stat),
    () => false,
  )

const value = Buffer.from('value')
const ifAbsent = { ifAbsent: true }
const text = async (destination: Destination, key: string) =>
  (await getWhole(destination, key, 1_000_000))?.toString()

describe.concurrent('a directory through rsync and ssh', () => {
  destinationConformance(async () => {
    const path = join(server.directory, randomUUID(), "it's a $(directory) & ünder")
    return () => new RsyncDestination(server.place(path))
  })
})

describe('a directory through rsync, without ssh', () => {
  lockRefusals(async () => new RsyncDestination({ path: await temporaryDirectory() }))

  it('case 50: takes values from 6 racers, each one from one of them only', async () => {
    const path = join(await temporaryDirectory(), 'a new, ünusual directory')
    const racers = Array.from({ length: 6 }, () => new RsyncDestination({ path }))
    for (let round = 0; round < 5; round++) {
      const won = await Promise.all(
        racers.map((racer, index) =>
          racer.put(`${round}`, Buffer.from(`racer ${index}`), ifAbsent),
        ),
      )
      expect(won.filter(Boolean)).toHaveLength(1)
      expect(await readFile(join(path, `${round}`), 'utf8')).toBe(`racer ${won.indexOf(true)}`)
    }
  })
})

describe('what is stored', () => {
  it('is what a directory destination stores, for both to read', async () => {
    const path = join(await temporaryDirectory(), 'repository')
    const [remote, local] = [
      new RsyncDestination(server.place(path)),
      new DirectoryDestination(nodeDisk, path),
    ]
    await remote.put('objects/aa/one', value, ifAbsent)
    await local.put('objects/bb/two', value, ifAbsent)
    expect(await text(local, 'objects/aa/one')).toBe('value')
    expect(await text(remote, 'objects/bb/two')).toBe('value')
    expect(await remote.put('objects/bb/two', value, ifAbsent)).toBe(false)
    expect(await local.put('objects/aa/one', value, ifAbsent)).toBe(false)
    await remote.flush()
    expect(await readdir(join(path, '.tmp'))).toEqual(['flushed'])
  })

  it('is found fit for a repository by the probe, without locks', async () => {
    const path = join(await temporaryDirectory(), 'repository')
    const world = { clock: systemClock, timer: systemTimer }
    const report = await probeStore(() => new RsyncDestination(server.place(path)), world)
    expect(report).toMatchObject({ fit: true, locks: false, removed: true })
  })

  it('is fetched from an offset on, without what lies before it', async () => {
    const directory = await temporaryDirectory()
    const witness = await rsyncWitness(
      directory,
      '[[ " $* " != *" --append "* ]] || exec rsync --stats "$@" > "$0.stats"',
    )
    const bytes = randomBytes(3_000_000)
    const path = join(directory, 'repository')
    const destination = new RsyncDestination({ path }, { rsyncProgram: witness.program })
    await destination.put('long', bytes)
    const tail = Buffer.alloc(1_000)
    const got = await destination.get('long', tail, 2_999_500)
    expect(got).toEqual({ readBytes: 500, sizeBytes: 3_000_000 })
    expect(tail.subarray(0, 500).equals(bytes.subarray(2_999_500))).toBe(true)
    const stats = await readFile(`${witness.program}.stats`, 'utf8')
    const received = /Total bytes sent: ([\d,]+)\nTotal bytes received: ([\d,]+)/.exec(stats)
    const passed = [received?.[1], received?.[2]].map((each) => Number(each?.replaceAll(',', '')))
    expect(Math.max(...passed)).toBeLessThan(5_000)
  })
})

describe('an interrupted put', () => {
  it('is never listed, found by its age, and removed', async () => {
    const path = await temporaryDirectory()
    const destination = new RsyncDestination({ path })
    await destination.put('a', value, ifAbsent) // beside it, until the flush
    await mkdir(join(path, '.tmp/dead/objects'), { recursive: true })
    await writeFile(join(path, '.tmp/dead/objects/x'), 'half')
    await utimes(join(path, '.tmp/dead'), 1_000_000, 1_000_000)
    const keys = []
    for await (const { key } of destination.list('')) keys.push(key)
    expect(keys).toEqual(['a'])
    const left = []
    for await (const put of destination.unfinished.list()) left.push(put)
    expect(left.map(({ id, isDead }) => [id === 'dead', isDead])).toContainEqual([true, true])
    expect(left.filter(({ isDead }) => isDead)).toHaveLength(1)
    for (const put of left) if (put.isDead) await destination.unfinished.remove(put)
    expect(await readdir(join(path, '.tmp'))).not.toContain('dead')
    expect(await text(destination, 'a')).toBe('value')
  })

  it('case 44: is found to have been ours when the answer was lost', async () => {
    const directory = await temporaryDirectory()
    const witness = await rsyncWitness(
      directory,
      `[[ " $* " != *" --ignore-existing "* || -e "$0.lost" ]] || { touch "$0.lost"; rsync "$@" > /dev/null; exit 12; }`,
    )
    const path = join(directory, 'repository')
    const destination = new RsyncDestination({ path }, { rsyncProgram: witness.program })
    expect(await destination.put('locks/one', value, ifAbsent)).toBe(true)
    expect(await destination.put('locks/one', value, ifAbsent)).toBe(false)
    expect(
      (await witness.runs()).filter((each) => each.includes('--ignore-existing')),
    ).toHaveLength(3)
  })

  it('is sent after all when what stood there is removed before it is linked', async () => {
    const directory = await temporaryDirectory()
    const path = join(directory, 'repository')
    const witness = await rsyncWitness(
      directory,
      `[[ " $* " != *" --ignore-existing "* ]] || rm -f '${path}/key'`,
    )
    await new RsyncDestination({ path }).put('key', Buffer.from('older'), ifAbsent)
    const destination = new RsyncDestination({ path }, { rsyncProgram: witness.program })
    expect(await destination.put('key', value, ifAbsent)).toBe(true)
    expect(await text(destination, 'key')).toBe('value')
    await destination.delete('key')
    expect(await readdir(path)).toEqual(['.tmp'])
  })

  it('case 44: goes on over a new connection when the old one is cut', async () => {
    const path = join(await temporaryDirectory(), 'repository')
    const destination = new RsyncDestination(server.place(path))
    await destination.put('first', value, ifAbsent)
    const values = Array.from({ length: 24 }, () => randomBytes(1_000_000))
    const putting = Promise.all(
      values.map((bytes, index) => destination.put(`objects/${index}`, bytes, ifAbsent)),
    )
    expect(await server.cutConnections()).toBeGreaterThan(0)
    expect(await putting).toEqual(values.map(() => true))
    await destination.flush()
    for (const [index, bytes] of values.entries()) {
      const standing = await readFile(join(path, `objects/${index}`))
      expect(bytes.equals(standing)).toBe(true)
    }
  })
})

describe('case 84: links in the way', () => {
  it('are not followed, read, replaced or removed', async () => {
    const path = await temporaryDirectory()
    const elsewhere = await temporaryDirectory()
    await writeFile(join(elsewhere, 'secret'), 'secret')
    await symlink(elsewhere, join(path, 'objects'))
    await symlink(join(elsewhere, 'secret'), join(path, 'link'))
    const refused = { code: 'unsafe-entry', exitCode: 13 }
    for (const key of ['objects/secret', 'link']) {
      const open = () => new RsyncDestination(server.place(path))
      await expect(open().head(key)).rejects.toMatchObject(refused)
      await expect(open().get(key, Buffer.alloc(9))).rejects.toMatchObject(refused)
      await expect(open().put(key, value)).rejects.toMatchObject(refused)
      await expect(open().put(key, value, ifAbsent)).rejects.toMatchObject(refused)
      await expect(open().delete(key)).rejects.toMatchObject(refused)
    }
    expect(await readFile(join(elsewhere, 'secret'), 'utf8')).toBe('secret')
    expect((await readdir(path)).filter((name) => name !== '.tmp')).toEqual(['link', 'objects'])
  })
})

describe('case 51: a far side on which the first one cannot be made to win', () => {
  it('is refused before anything is written: files can be made where none should', async () => {
    const directory = await temporaryDirectory()
    const other = join(directory, 'elsewhere')
    await mkdir(other)
    const witness = await rsyncWitness(
      directory,
      `set -- "\${@/#--temp-dir=\\/dev\\/fd/--temp-dir=${other}}"`,
    )
    const path = join(directory, 'repository')
    const destination = new RsyncDestination({ path }, { rsyncProgram: witness.program })
    await expect(destination.put('key', value, ifAbsent)).rejects.toMatchObject({
      code: 'unsupported-destination',
      message: expect.stringContaining('could overwrite each other'),
    })
    expect(await readdir(path)).toEqual(['.tmp'])
    expect(await readdir(join(path, '.tmp'))).toEqual([])
  })

  it('is refused without hard links: rsync would copy, and cannot', async () => {
    const directory = await temporaryDirectory()
    const witness = await rsyncWitness(directory, `set -- "\${@/#--link-dest=*/--one-file-system}"`)
    const path = join(directory, 'repository')
    const destination = new RsyncDestination({ path }, { rsyncProgram: witness.program })
    await expect(destination.put('key', value, ifAbsent)).rejects.toMatchObject({
      code: 'unsupported-destination',
      message: expect.stringContaining('hard link'),
    })
    expect(await destination.head('key')).toBeUndefined()
  })

  it('is refused when rsync there cannot make bytes durable', async () => {
    const directory = await temporaryDirectory()
    const says = 'rsync: on remote machine: --fsync: unknown option'
    const witness = await rsyncWitness(
      directory,
      `[[ " $* " != *" --fsync "* ]] || { echo '${says}' >&2; exit 1; }`,
    )
    const path = join(directory, 'repository')
    const destination = new RsyncDestination({ path }, { rsyncProgram: witness.program })
    for (const options of [ifAbsent, {}]) {
      await expect(destination.put('key', value, options)).rejects.toMatchObject({
        code: 'unsupported-destination',
        hint: expect.stringContaining('3.2.4'),
      })
    }
    expect(await destination.head('key')).toBeUndefined()
  })
})

describe('who may not', () => {
  const somewhere = '/somewhere'

  it('is refused without a key that the other side takes, and is not asked for a password', async () => {
    const identity = await server.newKey(`stranger-${randomUUID()}`)
    const destination = new RsyncDestination({ ...server.place(somewhere), identity })
    await expect(destination.head('a')).rejects.toMatchObject({
      code: 'credential-refused',
      exitCode: 17,
    })
  })

  it('does not talk to a host whose key is unknown, or another than it was', async () => {
    const stranger = await server.newKey(`other-host-${randomUUID()}`)
    const knownHosts = `${stranger}.known`
    await writeFile(knownHosts, '')
    const destination = new RsyncDestination({ ...server.place(somewhere), knownHosts })
    const refused = { code: 'credential-refused', exitCode: 17 }
    await expect(destination.head('a')).rejects.toMatchObject({
      ...refused,
      hint: expect.stringContaining('ssh-keyscan'),
    })
    const key = await readFile(`${stranger}.pub`, 'utf8')
    await appendFile(knownHosts, `[127.0.0.1]:${server.port} ${key}`)
    await expect(destination.put('a', value, ifAbsent)).rejects.toMatchObject({
      ...refused,
      hint: expect.stringContaining('another one'),
    })
  })

  it('is told that nobody answers, that there is no rsync here, and none over there', async () => {
    const place = server.place(somewhere)
    const away = new RsyncDestination({ ...place, port: 1 })
    await expect(away.head('a')).rejects.toMatchObject({ code: 'unreachable', exitCode: 12 })
    const missing = new RsyncDestination(place, { rsyncProgram: '/nowhere/rsync' })
    await expect(missing.head('a')).rejects.toMatchObject({
      code: 'unsupported-destination',
      message: expect.stringContaining('/nowhere/rsync is not installed on this machine'),
    })
    const identity = await server.newKey(`no-rsync-${randomUUID()}`)
    const key = await readFile(`${identity}.pub`, 'utf8')
    await appendFile(
      join(server.directory, 'authorized-keys'),
      `command="exec no-such-rsync" ${key}`,
    )
    const bare = new RsyncDestination({ ...place, identity })
    await expect(bare.head('a')).rejects.toMatchObject({
      code: 'unsupported-destination',
      hint: expect.stringContaining('on the other side'),
    })
  })

  it('is told that the path over there is not to be written to', async () => {
    const destination = new RsyncDestination(server.place('/proc/vectra'))
    await expect(destination.put('a', value, ifAbsent)).rejects.toMatchObject({ exitCode: 12 })
    expect(await destination.head('a')).toBeUndefined()
  })
})

it('ends what it started when it is told twice to stop', async () => {
  const root = await temporaryDirectory()
  const pidFile = join(root, 'rsync.pid')
  const bin = await binDirectory(root)
  const hanging = `#!/bin/sh\necho $$ > '${pidFile}.new' && mv '${pidFile}.new' '${pidFile}'\nexec sleep 600\n`
  await writeFile(join(bin, 'rsync'), hanging, { mode: 0o755 })
  const child = execa(
    join(bin, 'vectra-cli'),
    'collections backup list --source rsync:///x'.split(' '),
    {
      env: scriptEnvironment(bin, join(root, 'data')),
      reject: false,
    },
  )
  const pid = Number(await eventually(() => readFile(pidFile, 'utf8').catch(() => undefined)))
  child.kill('SIGTERM')
  const ended = child.then(({ exitCode }) => exitCode)
  const pressing = setInterval(() => child.kill('SIGTERM'), 50)
  expect(await ended).toBe(143)
  clearInterval(pressing)
  await eventually(async () => ((await isRunning(pid)) ? undefined : true))
})

it('backs up, verifies, restores and prunes on the command line', async () => {
  const root = await temporaryDirectory()
  const env = {
    ...scriptEnvironment(await binDirectory(root), join(root, 'data')),
    HOME: root,
    URL: toRsyncUrl(server.place(join(root, 'over there'))),
  }
  const succeed = async (script: string): Promise<string> => {
    const { exitCode, stdout, stderr } = await bash(script, { cwd: root, env })
    expect(exitCode, `${script}\n${stderr}`).toBe(0)
    return stdout
  }
  const lines = Array.from({ length: 50 }, (_, id) => JSON.stringify({ id, vector: [id, 1, 2] }))
  await writeFile(join(root, 'points.jsonl'), `${lines.join('\n')}\n`)
  await succeed('vectra-cli collections import pets points.jsonl')
  await succeed('vectra-cli collections backup pets --destination "$URL" --snapshot-id monday')
  await succeed('vectra-cli collections backup pets --destination "$URL" --snapshot-id tuesday')
  await succeed('vectra-cli collections backup verify --source "$URL" --depth content')
  await succeed('vectra-cli collections drop pets')
  await succeed('vectra-cli collections restore pets --source "$URL" --snapshot-id monday')
  expect(await succeed('vectra-cli collections count pets')).toBe('50')
  await succeed('vectra-cli repository forget "$URL" --keep-last 1 --prune')
  const list = await succeed('vectra-cli collections backup list --source "$URL"')
  expect(list).toContain('tuesday')
  expect(list).not.toContain('monday')
  await succeed('vectra-cli collections backup verify --source "$URL" --depth objects')
})
