import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { nodeDisk } from '../../../engine/base/disk.ts'
import { OperatingError } from '../../../engine/base/errors.ts'
import { openDataDirectory } from '../../../engine/collection/data-directory.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { type CliWorld, captured, runCli } from './run-cli.ts'

let root: string
const cli = (argv: string[], world: CliWorld = {}) =>
  runCli(argv, { env: { VECTRA_DATA: join(root, 'data') }, ...world })

/** Runs a command that must succeed. */
async function ok(argv: string[], world?: CliWorld): Promise<string> {
  const { exitCode, stdout, stderr } = await cli(argv, world)
  expect([exitCode, stderr]).toEqual([0, ''])
  return stdout
}

const line = (id: string | number, vector: readonly unknown[], metadata?: object) =>
  `${JSON.stringify({ id, vector, metadata })}\n`

const animals =
  line('cat', [1, 0.1], { legs: 4 }) +
  line('dog', [1, 0.2], { legs: 4 }) +
  line('bird', [0.1, 1], { legs: 2 }) +
  line(42, [-1, 0]) +
  line('42', [-1, -1])

/** Without a checkpoint, which would start worker threads in each test. */
async function makeAnimals(name = 'animals'): Promise<void> {
  await ok(['collections', 'create', name, '--dimension', '2', '--index', 'flat'])
  await ok(['collections', 'upsert', name, '-'], { stdin: animals })
}

/** Exit code and the two lines that every refusal has. */
async function refused(argv: string[], world?: CliWorld): Promise<[number, string, string]> {
  const { exitCode, stdout, stderr } = await cli(argv, world)
  const [error = '', hint = '', ...rest] = stderr.split('\n')
  expect([stdout, rest]).toEqual(['', ['']])
  expect(error).toMatch(/^error: ./)
  expect(hint).toMatch(/^hint: ./)
  return [exitCode, error, hint]
}

beforeEach(async () => {
  root = await temporaryDirectory()
})

describe('collections create, list, describe, stats', () => {
  it('make and show a collection', async () => {
    const created = await ok([
      'collections',
      'create',
      'faces',
      '--dimension',
      '8',
      '--metric',
      'l2',
    ])
    expect(created).toBe(
      'created collection faces: 8 dimensions, l2, hnsw (m 16, efConstruction 200, ef 100)\n',
    )
    await ok(['collections', 'create', 'tiny', '--dimension', '2', '--index', 'flat'])
    expect(await ok(['collections', 'list'])).toBe(
      'name   points  dimension  metric  index\n' +
        'faces       0          8  l2      hnsw\n' +
        'tiny        0          2  cosine  flat\n',
    )
    expect(await ok(['collections', 'describe', 'faces'])).toMatch(
      /name +faces\nuuid +[0-9a-f-]{36}\npoints +0\ndimension +8\nmetric +l2\n/,
    )
    expect(await ok(['collections', 'stats', 'faces'])).toMatch(/points +0\ndeleted +0\n/)
  })

  it('give one object a line with --json, the outcome last', async () => {
    await makeAnimals()
    const list = await cli(['collections', 'list', '--json'])
    expect(list.objects()).toMatchObject([
      { name: 'animals', count: 5, dimension: 2, metric: 'cosine', index: { kind: 'flat' } },
      { outcome: 'done', collections: 1 },
    ])
    for (const command of ['describe', 'stats', 'count', 'checkpoint']) {
      const { exitCode, objects } = await cli(['--json', 'collections', command, 'animals'])
      expect(exitCode).toBe(0)
      expect(objects()).toMatchObject([{ outcome: 'done', name: 'animals' }])
    }
  })

  it('refuse a name that is taken, and settings that cannot be', async () => {
    await makeAnimals()
    const create = ['collections', 'create', 'animals', '--dimension', '2']
    expect(await refused(create)).toMatchObject([2, /exists already/, /another name/].map(matching))
    const flat = ['collections', 'create', 'x', '--dimension', '2', '--index', 'flat', '--m', '8']
    expect(await refused(flat)).toMatchObject(
      [2, /no meaning for the index flat/, /./].map(matching),
    )
  })
})

const matching = (value: number | RegExp) =>
  typeof value === 'number' ? value : expect.stringMatching(value)

describe('collections count', () => {
  it('prints a bare number and nothing else', async () => {
    await makeAnimals()
    expect(await ok(['collections', 'count', 'animals'])).toBe('5\n')
  })

  it('exits 14 when there is no such collection or no data directory, and makes none', async () => {
    const [noDirectory, error] = await refused(['collections', 'count', 'animals'])
    expect([noDirectory, error]).toEqual([14, expect.stringContaining('no data directory')])
    expect(await readdir(root)).toEqual([])
    await makeAnimals()
    const missing = await refused(['collections', 'count', 'plants'])
    expect(missing).toEqual([14, expect.stringContaining('"plants"'), 'hint: It holds: animals.'])
  })
})

describe('every command that reads', () => {
  it('exits 14 without a data directory and does not make one', async () => {
    for (const argv of [
      ['collections', 'list'],
      ['collections', 'describe', 'a'],
      ['collections', 'stats', 'a'],
      ['collections', 'export', 'a'],
      ['collections', 'delete', 'a', '1'],
      ['collections', 'drop', 'a'],
      ['collections', 'checkpoint', 'a'],
      ['collections', 'upsert', 'a', '--id', '1', '--vector', '[1]'],
      ['search', 'a', '--like', '1'],
    ]) {
      expect((await refused(argv))[0]).toBe(14)
    }
    expect(await readdir(root)).toEqual([])
  })
})

describe('collections drop', () => {
  it('drops without asking; a missing one exits 14 unless --if-exists', async () => {
    await makeAnimals()
    expect(await ok(['collections', 'drop', 'animals'])).toBe('dropped collection animals\n')
    expect((await refused(['collections', 'drop', 'animals']))[0]).toBe(14)
    expect(await ok(['collections', 'drop', 'animals', '--if-exists'])).toMatch(/there is no/)
    expect(await ok(['collections', 'list', '--quiet'])).toBe('')
  })
})

describe('collections import', () => {
  it('makes the collection, says so, and checkpoints it', async () => {
    const file = join(root, 'animals.jsonl')
    await writeFile(file, animals)
    const { exitCode, stdout, stderr } = await cli(['collections', 'import', 'animals', file])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^imported 5 points \(\d+ B\) into animals in .*\n$/)
    expect(stderr).toMatch(/^created collection animals: 2 dimensions, cosine, hnsw .*\n$/)
    const [stats] = (await cli(['collections', 'stats', 'animals', '--json'])).objects()
    expect(stats).toMatchObject({ points: 5, checkpointLsn: 1, lsn: 1 })
  })

  it('reads raw float32 with a metadata file', async () => {
    const vectors = join(root, 'v.f32')
    const metadata = join(root, 'v.jsonl')
    await writeFile(vectors, Buffer.from(Float32Array.of(1, 2, 3, 4).buffer))
    await writeFile(metadata, '{"id":"a","n":1}\n{"id":"b","n":2}\n')
    const argv = ['collections', 'import', 'v', vectors, '--dimension', '2', '--metadata', metadata]
    await ok([...argv, '--quiet'])
    const { objects } = await cli(['search', 'v', '--vector', '[1,2]', '-k', '1', '--json'])
    expect(objects()[0]).toMatchObject({ id: 'a', metadata: { n: 1 } })
  })

  it('refuses a missing file, a missing dimension and a bad point without making a data directory', async () => {
    const vectors = join(root, 'v.f32')
    await writeFile(vectors, Buffer.from(Float32Array.of(1, 2).buffer))
    const missing = await refused(['collections', 'import', 'v', join(root, 'none.npy')])
    expect(missing).toEqual([
      14,
      expect.stringContaining('there is no file'),
      'hint: Check the path.',
    ])
    const dimension = await refused(['collections', 'import', 'v', vectors])
    expect(dimension[0]).toBe(14) // no collection whose dimension could be taken
    const [code, error] = await refused(['collections', 'import', 'v', '-'], { stdin: '{"id":1}' })
    expect([code, error]).toEqual([2, expect.stringContaining('standard input line 1')])
    expect(await readdir(root)).toEqual(['v.f32'])
  })

  it('case 97: leaves no collection when a later point is bad, and names its line', async () => {
    for (const bad of [
      [1, 2, 3],
      [0, 0],
      [1, 1e39],
      [1, 'x'],
      [1, null],
    ]) {
      const stdin = animals + line('bad', bad)
      const argv = ['collections', 'import', 'animals', '-', '--batch', '2']
      const [code, error] = await refused(argv, { stdin })
      expect([code, error]).toEqual([
        2,
        expect.stringContaining('standard input line 6: point "bad"'),
      ])
      expect(await ok(['collections', 'list', '--quiet'])).toBe('')
    }
    const collections = await readdir(join(root, 'data', 'collections'))
    expect(collections).toEqual([])
  })

  it('undoes a new collection and exits 130 when interrupted', async () => {
    const stop = new AbortController()
    async function* endless() {
      for (let id = 0; ; id++) {
        yield Buffer.from(line(id, [1, id]))
        if (id === 5)
          stop.abort(new OperatingError('interrupted', 'stopped by SIGINT', 'Run it again.'))
      }
    }
    const argv = ['collections', 'import', 'animals', '-', '--batch', '1']
    const [code, error] = await refused(argv, { stdin: endless(), signal: stop.signal })
    expect([code, error]).toEqual([130, expect.stringMatching(/stopped by SIGINT \(nothing was/)])
    expect(await ok(['collections', 'list', '--quiet'])).toBe('')
  })
})

describe('collections export', () => {
  it('round-trips through a file and through standard output', async () => {
    await makeAnimals()
    const file = join(root, 'out.jsonl')
    expect(await ok(['collections', 'export', 'animals', file])).toMatch(
      /^exported 5 points, \d+ B/,
    )
    const streamed = await cli(['collections', 'export', 'animals'])
    expect(streamed.stdout).toBe(await readFile(file, 'utf8'))
    await ok(['collections', 'import', 'copy', file, '--index', 'flat', '--quiet'])
    const digestOf = async (name: string) =>
      (await cli(['collections', 'describe', name, '--json'])).objects()[0]?.['digest']
    expect(await digestOf('copy')).toBe(await digestOf('animals'))
    expect(await digestOf('copy')).toMatch(/^[0-9a-f]{64}$/)
  })

  it('never overwrites and leaves nothing when it fails', async () => {
    await makeAnimals()
    const file = join(root, 'out.jsonl')
    await writeFile(file, 'mine')
    const [code] = await refused(['collections', 'export', 'animals', file])
    expect([code, await readFile(file, 'utf8')]).toEqual([2, 'mine'])
    await refused(['collections', 'export', 'plants', join(root, 'plants.jsonl')])
    expect((await readdir(root)).sort()).toEqual(['data', 'out.jsonl'])
  })

  it('ends quietly, but not with 0, when the reader goes away', async () => {
    await makeAnimals()
    const run = await cli(['collections', 'export', 'animals'], {
      io: { stdout: captured({ closed: true }) },
    })
    expect([run.exitCode, run.stderr]).toEqual([141, ''])
  })
})

describe('collections upsert and delete', () => {
  it('tell integer ids from text ids', async () => {
    await makeAnimals()
    await ok(['collections', 'delete', 'animals', '42'])
    expect(await ok(['collections', 'export', 'animals', '--quiet'])).toContain('"id":"42"')
    await ok(['collections', 'delete', 'animals', '"42"'])
    expect(await ok(['collections', 'count', 'animals'])).toBe('3\n')
    const upsert = ['collections', 'upsert', 'animals', '--vector', '[1, 1]', '--id']
    expect(await ok([...upsert, '42'])).toBe('upserted 42 into animals\n')
    expect(await ok([...upsert, '"42"'])).toBe('upserted "42" into animals\n')
    expect(await ok(['collections', 'count', 'animals'])).toBe('5\n')
  })

  it('count ids that were not there', async () => {
    await makeAnimals()
    const deleted = await ok(['collections', 'delete', 'animals', 'cat', 'unicorn'])
    expect(deleted).toBe('deleted 1 of 2 points from animals\n')
  })

  it('read JSONL from standard input into a collection that exists', async () => {
    expect((await refused(['collections', 'upsert', 'animals', '-'], { stdin: animals }))[0]).toBe(
      14,
    )
    await makeAnimals()
    await ok(['collections', 'upsert', 'animals', '-'], { stdin: line('cow', [1, 0.3]) })
    expect(await ok(['collections', 'count', 'animals'])).toBe('6\n')
  })

  it('case 97: refuse a bad vector and change nothing', async () => {
    await makeAnimals()
    for (const vector of ['[1]', '[0,0]', '[1,1e39]', '["a",1]', '[1,null]']) {
      const argv = ['collections', 'upsert', 'animals', '--id', 'bad', '--vector', vector]
      expect((await refused(argv))[0]).toBe(2)
    }
    const metadata = ['--vector', '[1,1]', '--metadata', '[1]']
    expect(
      (await refused(['collections', 'upsert', 'animals', '--id', 'bad', ...metadata]))[0],
    ).toBe(2)
    expect(await ok(['collections', 'count', 'animals'])).toBe('5\n')
  })
})

describe('search', () => {
  it('prints distance, id and metadata, nearest first', async () => {
    await makeAnimals()
    expect(await ok(['search', 'animals', '--vector', '[1, 0]', '-k', '3'])).toMatch(
      /^distance {2}id {4}metadata\n0\.00\d+ {2}cat {3}{"legs":4}\n0\.01\d+ {2}dog {3}{"legs":4}\n0\.90\d+ {2}bird {2}{"legs":2}\n$/,
    )
  })

  it('leaves out the point whose vector it searches by, and tells 42 from "42"', async () => {
    await makeAnimals()
    const ids = async (...argv: string[]) =>
      (await cli(['search', 'animals', '--json', ...argv]))
        .objects()
        .slice(0, -1)
        .map(({ id }) => id)
    expect(await ids('--like', 'cat', '-k', '2')).toEqual(['dog', 'bird'])
    expect(await ids('--like', '42')).toEqual(['42', 'bird', 'dog', 'cat'])
    expect(await ids('--like', '"42"', '-k', '1')).toEqual([42])
    expect(await ids('--like', 'cat', '--filter', '{"legs":{"lt":4}}', '--exact')).toEqual(['bird'])
    expect(await ok(['search', 'animals', '--like', 'cat', '-k', '4'])).toContain('  "42"\n')
  })

  it('measures by the metric of the collection', async () => {
    for (const [metric, distance] of [
      ['l2', 5],
      ['ip', -10],
    ]) {
      const argv = [
        'collections',
        'import',
        `by-${metric}`,
        '-',
        '--metric',
        `${metric}`,
        '--quiet',
      ]
      await ok(argv, { stdin: line(1, [3, 4]) })
      const vector = metric === 'l2' ? '[0, 0]' : '[1, 2]'
      const run = await cli(['search', `by-${metric}`, '--vector', vector, '--json'])
      expect(run.objects()[0]).toMatchObject({ id: 1, distance })
    }
  })

  it('refuses a wrong dimension, a point that is not there and a bad query', async () => {
    await makeAnimals()
    const dimension = await refused(['search', 'animals', '--vector', '[1, 2, 3]'])
    expect(dimension).toEqual([2, expect.stringContaining('3 values'), expect.any(String)])
    expect((await refused(['search', 'animals', '--like', 'unicorn']))[0]).toBe(14)
    expect((await refused(['search', 'animals', '--like', '7']))[2]).toContain(`--like '"7"'`)
    expect((await refused(['search', 'animals', '--vector', '[0, 0]']))[0]).toBe(2)
  })

  it('ends at once with 130 when interrupted', async () => {
    await makeAnimals()
    const stop = AbortSignal.abort(new OperatingError('interrupted', 'stopped by SIGINT', 'Again.'))
    expect(await refused(['search', 'animals', '--like', 'cat'], { signal: stop })).toEqual([
      130,
      'error: stopped by SIGINT',
      'hint: Again.',
    ])
  })
})

describe('a data directory', () => {
  it('that another process holds exits 11 and names its owner', async () => {
    await makeAnimals()
    const held = await openDataDirectory(join(root, 'data'), { create: false })
    try {
      const [code, error] = await refused(['collections', 'count', 'animals'])
      expect([code, error]).toEqual([11, expect.stringContaining(`process ${process.pid}`)])
    } finally {
      await held.close()
    }
  })

  it('is given back after every command, also one that failed', async () => {
    await makeAnimals()
    await refused(['search', 'animals', '--like', 'unicorn'])
    expect(await nodeDisk.stat(join(root, 'data', 'LOCK'))).toBeUndefined()
  })

  it('that is damaged exits 13, and list still shows what is whole', async () => {
    await makeAnimals()
    await makeAnimals('other')
    const { objects } = await cli(['collections', 'describe', 'animals', '--json'])
    const uuid = String(objects()[0]?.['uuid'])
    const names = await readdir(join(root, 'data', 'collections'))
    const collection = join(
      root,
      'data',
      'collections',
      names.find((each) => each.includes(uuid)) ?? '',
    )
    const manifest = (await readdir(collection))
      .filter((name) => /manifest/i.test(name))
      .sort()
      .at(-1)
    await writeFile(join(collection, `${manifest}`), 'damage')
    const { exitCode, stdout, stderr } = await cli(['collections', 'list'])
    expect(exitCode).toBe(13)
    expect(stdout).toMatch(/^other +5/m)
    expect(stderr).toMatch(/^warning: collection animals: /)
    expect((await refused(['collections', 'count', 'animals']))[0]).toBe(13)
    expect((await stat(collection)).isDirectory()).toBe(true)
  })

  it('is not made out of a directory with other things in it', async () => {
    await writeFile(join(root, 'thesis.txt'), 'x')
    const argv = ['collections', 'create', 'a', '--dimension', '2', '--data', root]
    expect(await refused(argv)).toEqual([
      2,
      expect.stringContaining('not a data directory'),
      expect.any(String),
    ])
    expect(await readdir(root)).toEqual(['thesis.txt'])
  })
})
