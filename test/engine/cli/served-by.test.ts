/** Commands whose data a server has: found by the lock of the directory, or named. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { OperatingError } from '../../../engine/base/errors.ts'
import { serving } from '../../support/serving.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { captured, runCli } from './run-cli.ts'

const points = [
  { id: 'cat', vector: [1, 0], metadata: { legs: 4 } },
  { id: 'bird', vector: [0, 1], metadata: { legs: 2 } },
  { id: 7, vector: [1, 1], metadata: {} },
]

async function world(
  options: Parameters<typeof serving>[1] = {},
  more: Record<string, string> = {},
) {
  const root = await temporaryDirectory()
  const data = join(root, 'data')
  const server = await serving(data, options)
  const lines = join(root, 'pets.jsonl')
  await writeFile(lines, points.map((each) => `${JSON.stringify(each)}\n`).join(''))
  const found = { VECTRA_DATA: data, ...more }
  const named = { VECTRA_ENDPOINT: server.url, ...more }
  return { root, data, server, lines, found, named, backups: join(root, 'backups') }
}

const cli = (line: string, env: Record<string, string>) => runCli(line.split(' '), { env })

async function succeed(line: string, env: Record<string, string>) {
  const run = await cli(line, env)
  expect([run.exitCode, run.stderr], line).toEqual([0, expect.any(String)])
  return run
}

describe('a server that is found', () => {
  it('is asked by the commands of the walk-through', async () => {
    const { root, lines, backups, found: env } = await world()
    await succeed('collections create empty --dimension 3 --metric l2', env)
    expect((await succeed(`collections import pets ${lines} --index flat`, env)).stdout).toMatch(
      /^imported 3 points \(.*\) into pets/,
    )
    expect((await succeed('collections count pets', env)).stdout).toBe('3\n')
    expect((await succeed('collections list', env)).stdout).toMatch(/pets +3 +2 +cosine +flat/)
    const described = await succeed('collections describe pets --json', env)
    const digest = described.objects().at(-1)?.['digest']
    expect(digest).toMatch(/^[0-9a-f]{64}$/)
    const found = await succeed('search pets --vector [1,0.1] -k 2 --json', env)
    expect(found.objects().map(({ id }) => id)).toEqual(['cat', 7, undefined])
    const filtered = await succeed('search pets --like cat --filter {"legs":{"lt":4}} --json', env)
    expect(filtered.objects()).toEqual([
      { id: 'bird', distance: 1, metadata: { legs: 2 } },
      { outcome: 'done', name: 'pets', neighbours: 1 },
    ])
    await succeed('aliases set live pets', env)
    expect((await succeed('aliases list', env)).stdout).toMatch(/live +pets/)
    expect((await succeed('collections count live', env)).stdout).toBe('3\n')
    const backup = `collections backup pets --destination ${backups} --snapshot-id one --wait`
    expect((await succeed(backup, env)).stdout).toMatch(/^backed up pets as one, 3 points at LSN 1/)
    expect((await succeed(`collections backup verify --source ${backups}`, env)).stdout).toMatch(
      /pets +one +3 .* ok \(objects\)/,
    )
    await succeed('collections upsert pets --id dog --vector [1,2]', env)
    expect((await succeed('collections delete pets bird nobody', env)).stdout).toBe(
      'deleted 1 of 2 points from pets\n',
    )
    const file = join(root, 'out.jsonl')
    expect((await succeed(`collections export pets ${file}`, env)).stdout).toMatch(
      /^exported 3 points/,
    )
    expect((await readFile(file, 'utf8')).split('\n')).toEqual([
      JSON.stringify(points[0]),
      JSON.stringify(points[2]),
      '{"id":"dog","vector":[1,2],"metadata":{}}',
      '',
    ])
    await succeed('collections drop pets', env)
    expect((await cli('collections count pets', env)).exitCode).toBe(14)
    const restore = `collections restore pets --source ${backups} --wait`
    expect((await succeed(restore, env)).stdout).toMatch(
      /^restored pets: 3 points .* digest proven/,
    )
    const again = await succeed('collections describe pets --json', env)
    expect(again.objects().at(-1)).toMatchObject({ digest, aliases: ['live'] })
    await succeed('aliases delete live', env)
    await succeed('collections stats pets', env)
    await succeed('collections checkpoint pets', env)
    await succeed('collections compact pets', env)
  })
})

describe('a job', () => {
  it('is what backup and restore print without --wait; others wait for it, show it, list it', async () => {
    const { found: env, lines, backups } = await world()
    await succeed(`collections import pets ${lines} --index flat`, env)
    const begun = await succeed(
      `collections backup pets --destination ${backups} --snapshot-id one`,
      env,
    )
    expect(begun.stdout).toMatch(/^backup-[0-9a-f]{12}\n$/)
    expect(begun.stderr).toContain('jobs wait backup-')
    const id = begun.stdout.trim()
    expect((await succeed(`jobs wait ${id}`, env)).stdout).toMatch(
      /^backup of pets to .* is done\n$/,
    )
    expect((await succeed(`jobs show ${id}`, env)).stdout).toMatch(/state +done/)
    const again = await succeed(`collections restore pets --source ${backups} --replace`, env)
    expect(
      (await succeed(`jobs wait ${again.stdout.trim()} --json`, env)).objects().at(-1),
    ).toMatchObject({ outcome: 'done', result: { name: 'pets', count: 3 } })
    expect((await succeed('jobs list', env)).stdout).toMatch(/restore-.* done[\s\S]*backup-.* done/)
    expect((await succeed(`jobs cancel ${id}`, env)).stdout).toBe(`${id} had ended: done\n`)
  })

  it('fails as the work did: code, words and exit', async () => {
    const { found: env, backups } = await world()
    const failed = await cli(
      `collections backup nobody --destination ${backups} --snapshot-id one --wait`,
      env,
    )
    expect([failed.exitCode, failed.stderr]).toEqual([
      14,
      expect.stringMatching(/^error: there is no collection "nobody"/),
    ])
    const begun = await cli(`collections restore pets --source ${backups}`, env)
    const waited = await cli(`jobs wait ${begun.stdout.trim()}`, env)
    expect([waited.exitCode, waited.stderr]).toEqual([14, expect.stringContaining(backups)])
    expect((await cli('jobs show backup-0', env)).exitCode).toBe(14)
  })

  it('of a command that is interrupted is cancelled', async () => {
    const { server, named: env } = await world()
    const stop = new AbortController()
    const { jobs } = server.served
    // a job that only ends when it is told to
    const kept = jobs.start.bind(jobs)
    jobs.start = (kind, about) =>
      kept(kind, about, ({ signal, progress }) => {
        progress({ phase: 'upload', unit: 'bytes', done: 1 })
        stop.abort(new TypeError('as a signal would'))
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
        })
      })
    const line = 'collections backup pets --destination /nowhere --snapshot-id one --wait'
    const run = await runCli(line.split(' '), { env, signal: stop.signal })
    expect(run.exitCode).not.toBe(0)
    expect(jobs.list()).toEqual([expect.objectContaining({ state: 'cancelled' })])
  })
})

it('a damaged log is cut by the server that has it, beside the other collections', async () => {
  const root = await temporaryDirectory()
  const data = join(root, 'data')
  const env = { VECTRA_DATA: data }
  await succeed('collections create pets --dimension 2 --index flat', env)
  for (const id of ['a', 'b']) {
    await succeed(`collections upsert pets --id ${id} --vector [1,2]`, env)
  }
  const [log = ''] = (await readdir(data, { recursive: true })).filter((each) =>
    each.endsWith('.wal'),
  )
  const bytes = await readFile(join(data, log))
  const at = bytes.lastIndexOf('b') // the id of the second point
  bytes[at] = 'x'.charCodeAt(0)
  await writeFile(join(data, log), bytes)
  await serving(data)
  const broken = await cli('collections count pets', env)
  expect([broken.exitCode, broken.stderr]).toEqual([13, expect.stringContaining('.wal')])
  await succeed('collections create others --dimension 2', env)
  const repaired = await succeed('collections repair pets --to-lsn 1', env)
  expect(repaired.stdout).toMatch(/^lost: LSN 2 to at least 2 [\s\S]*pets is at LSN 1: 1 point, /)
  expect((await succeed('collections count pets', env)).stdout).toBe('1\n')
  await succeed('collections upsert pets --id c --vector [1,2]', env)
})

it('an archive at an interval asks the server again and again, until it is interrupted', async () => {
  const { lines, backups, found: env, server } = await world()
  await succeed(`collections import pets ${lines} --index flat`, env)
  const stop = new AbortController()
  const stdout = captured()
  let runs = 0
  const watched = {
    ...stdout,
    write: async (text: string | Uint8Array) => {
      await stdout.write(text)
      await succeed('collections upsert pets --id dog --vector [1,2]', env)
      if (++runs === 2) stop.abort(new OperatingError('interrupted', 'stopped by SIGINT', ''))
    },
  }
  const line = `collections archive pets --destination ${backups} --interval 1ms`
  const run = await runCli(line.split(' '), { env, signal: stop.signal, io: { stdout: watched } })
  expect(run.exitCode).toBe(130)
  expect(stdout.text()).toMatch(/up to LSN 1, .*\n.* up to LSN 2, /)
  expect(server.served.jobs.list().map(({ kind }) => kind)).toContain('archive')
})

it('case 94: keys and questions are read here and sent; no job tells them', async () => {
  const { root, server, found: env, lines, backups } = await world()
  await succeed(`collections import pets ${lines} --index flat`, env)
  const [key, signing] = [join(root, 'backup.key'), join(root, 'signing.pem')]
  await succeed(`repository key generate ${key}`, {})
  const made = await succeed(`repository key generate ${signing} --signing --json`, {})
  const publicKey = String(made.objects().at(-1)?.['publicKey'])
  const questions = join(root, 'questions.jsonl')
  await writeFile(questions, '{"id":"q","vector":[1,0.5]}\n')
  await succeed(`repository init ${backups} --key-file ${key}`, {})
  const backup = `collections backup pets --destination ${backups} --snapshot-id one --wait`
  const options = `--key-file ${key} --sign-key ${signing} --golden-file ${questions} --golden-k 2`
  const done = await succeed(`${backup} ${options} --json`, env)
  expect(done.objects().at(-1)).toMatchObject({ outcome: 'done', golden: { queries: 1, k: 2 } })
  const restore = `collections restore pets --source ${backups} --replace --wait`
  expect((await cli(restore, env)).exitCode).toBe(17)
  await succeed(`${restore} --key-file ${key} --trust ${publicKey}`, env)
  const told = JSON.stringify(server.served.jobs.list())
  for (const file of [key, signing]) {
    for (const line of (await readFile(file, 'utf8')).trim().split('\n')) {
      expect(told).not.toContain(line)
    }
  }
})

describe('a command', () => {
  const rules = { token: 'of eight or more', tls: false, insecureHttp: false }

  it('brings the token, and exits 17 without the right one', async () => {
    const { found } = await world({ rules })
    const refused = await cli('collections list', found)
    expect([refused.exitCode, refused.stderr]).toEqual([
      17,
      expect.stringMatching(/^error: the server wants a token/),
    ])
    await succeed('collections list', { ...found, VECTRA_TOKEN: rules.token })
    const wrong = { ...found, VECTRA_TOKEN: 'of eight or less' }
    expect((await cli('collections list', wrong)).stderr).toContain('not the one of the server')
  })

  it('exits 12 when nobody answers, and 2 when there are no jobs to see', async () => {
    const { server, named, found } = await world()
    await server.close()
    const unreachable = await cli('collections list', named)
    expect([unreachable.exitCode, unreachable.stderr]).toEqual([
      12,
      expect.stringMatching(/does not answer: ECONNREFUSED/),
    ])
    expect((await cli('jobs list', found)).exitCode).toBe(2)
    const both = await cli(`collections list --data x --endpoint ${server.url}`, {})
    expect([both.exitCode, both.stderr]).toEqual([2, expect.stringContaining('both given')])
    expect((await cli('collections list --endpoint nowhere', {})).exitCode).toBe(2)
  })
})
