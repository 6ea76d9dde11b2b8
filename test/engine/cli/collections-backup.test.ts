import { createHash } from 'node:crypto'
import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Disk, nodeDisk } from '../../../engine/base/disk.ts'
import { OperatingError } from '../../../engine/base/errors.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { type CliWorld, runCli } from './run-cli.ts'

let root: string
let copies: string
const cli = (argv: string[], world: CliWorld = {}) =>
  runCli(['collections', ...argv], { env: { VECTRA_DATA: join(root, 'data') }, ...world })

async function ok(argv: string[], world?: CliWorld): Promise<string> {
  const { exitCode, stdout, stderr } = await cli(argv, world)
  expect([exitCode, stderr]).toEqual([0, ''])
  return stdout
}

/** Exit code, error and hint of a command that must fail with exactly these two lines. */
async function refused(argv: string[], world?: CliWorld): Promise<[number, string, string]> {
  const { exitCode, stderr } = await cli(argv, world)
  const [error = '', hint = '', ...rest] = stderr.split('\n')
  expect(rest).toEqual([''])
  expect(error).toMatch(/^error: ./)
  expect(hint).toMatch(/^hint: ./)
  return [exitCode, error, hint]
}

/** Every file below `directory` and what is in it. */
async function contentOf(directory: string): Promise<Map<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  const hashes = files.map(
    async (file): Promise<[string, string]> => [
      relative(directory, file),
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    ],
  )
  return new Map((await Promise.all(hashes)).sort())
}

const points = (count: number, first = 0) =>
  Array.from(
    { length: count },
    (_, index) => `${JSON.stringify({ id: first + index, vector: [1, first + index, 7] })}\n`,
  ).join('')

const backup = (id: string, ...more: string[]) => [
  'backup',
  'products',
  '--destination',
  copies,
  '--snapshot-id',
  id,
  ...more,
]
const restore = (...more: string[]) => [
  'restore',
  'products',
  '--source',
  copies,
  '--wait',
  ...more,
]

async function largestObject(): Promise<string> {
  const objects = join(copies, 'objects')
  const entries = await readdir(objects, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  const sized = await Promise.all(
    files.map(async (file) => ({ file, size: (await readFile(file)).length })),
  )
  return sized.sort((a, b) => b.size - a.size)[0]?.file ?? ''
}

async function damageLargestObject(): Promise<void> {
  const file = await largestObject()
  const bytes = await readFile(file)
  bytes[100] = (bytes[100] ?? 0) ^ 1
  await writeFile(file, bytes)
}

beforeEach(async () => {
  root = await temporaryDirectory()
  copies = join(root, 'copies')
  await ok(['create', 'products', '--dimension', '3', '--index', 'flat'])
  await ok(['upsert', 'products', '-'], { stdin: points(50) })
})

describe('collections backup NAME', () => {
  it('takes a snapshot; the same id and state again succeeds, another state exits 2', async () => {
    expect(await ok(backup('monday', '--wait'))).toMatch(
      /^backed up products as monday, 50 points at LSN 1: .* written to file:\/\/.*copies in /,
    )
    expect(await ok(backup('monday'))).toMatch(
      /already holds products as monday.*nothing was written/,
    )
    await ok(['upsert', 'products', '-'], { stdin: points(1, 50) })
    const [code, error, hint] = await refused(backup('monday'))
    expect([code, error]).toEqual([2, expect.stringContaining('monday of products exists already')])
    expect(hint).toContain('another snapshot id')
    expect(await ok(backup('tuesday', '--mode', 'full'))).toContain('51 points at LSN 2')
  })

  it('records questions of a file with their exact answers, and holds a restore against them', async () => {
    const file = join(root, 'questions.jsonl')
    await writeFile(file, '{"id":"low","vector":[1,0.2,7]}\n{"id":"high","vector":[1,48.9,7]}\n')
    await ok(backup('asked', '--golden-file', file, '--golden-k', '2'))
    const shown = await ok(['backup', 'show', '--source', copies, '--snapshot-id', 'asked'])
    expect(shown).toMatch(/golden queries +2 at k 2, recall 1\.0000/)
    const whole = ['backup', 'verify', '--source', copies, '--depth', 'content']
    expect((await cli(whole)).stdout).toMatch(/asked .*ok \(content, recall 1\.0000\)/)
    await writeFile(file, '{"id":"flat","vector":[1,2]}\n')
    const { exitCode, stderr } = await cli(backup('wrong', '--golden-file', file))
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('questions.jsonl line 1')])
    expect((await refused(backup('none', '--golden-file', join(root, 'none'))))[0]).toBe(14)
  })

  it('refuses ids and destinations that cannot be, and writes nothing', async () => {
    for (const id of ['../evil', 'a..b', '']) {
      expect((await refused(backup(id)))[0]).toBe(2)
    }
    const s3 = ['backup', 'products', '--destination', 'gs://bucket', '--snapshot-id', 'x']
    expect((await refused(s3))[0]).toBe(2)
    const missing = ['backup', 'nothing', '--destination', copies, '--snapshot-id', 'x']
    expect((await refused(missing))[0]).toBe(14)
    expect(await readdir(root)).toEqual(['data'])
  })

  it('leads from a misspelled subcommand to the right ones', async () => {
    const [code, , hint] = await refused(['backup', 'verfy', '--source', copies])
    expect([code, hint]).toEqual([2, expect.stringContaining('verify, list, show')])
  })
})

describe('collections backup verify', () => {
  it('says what was proven at each depth', async () => {
    await ok(backup('monday'))
    for (const depth of ['manifest', 'objects', 'content']) {
      const stdout = await ok(['backup', 'verify', '--source', copies, '--depth', depth])
      expect(stdout).toMatch(new RegExp(`products +monday +50 .* ok \\(${depth}`))
    }
    const { objects } = await cli(['backup', 'verify', '--source', copies, '--json'])
    expect(objects()).toMatchObject([
      { collection: 'products', snapshotId: 'monday', ok: true, count: 50 },
      { outcome: 'done', ok: true, depth: 'objects', snapshots: 1 },
    ])
  })

  it('exits 13 with one line and a hint when an object is damaged', async () => {
    await ok(backup('monday'))
    await damageLargestObject()
    const [code, error] = await refused(['backup', 'verify', '--source', copies])
    expect([code, error]).toEqual([13, expect.stringContaining('is damaged')])
    const { stdout } = await cli(['backup', 'verify', '--source', copies])
    expect(stdout).toContain('DAMAGED')
    const { objects } = await cli(['backup', 'verify', '--source', copies, '--json'])
    expect(objects().at(-1)).toMatchObject({
      outcome: 'failed',
      error: { code: 'damaged', exitCode: 13 },
    })
  })

  it('exits 14 where there is no repository or nothing to verify', async () => {
    expect((await refused(['backup', 'verify', '--source', copies]))[0]).toBe(14)
    await ok(backup('monday'))
    const other = ['backup', 'verify', '--source', copies, '--snapshot-id', 'sunday']
    expect((await refused(other))[0]).toBe(14)
  })
})

describe('collections backup list and show', () => {
  it('show what the repository holds', async () => {
    await ok(backup('monday'))
    await ok(['upsert', 'products', '-'], { stdin: points(1, 50) })
    await ok(backup('tuesday'))
    const list = await ok(['backup', 'list', '--source', copies])
    expect(list).toMatch(
      /^collection +snapshot .*\nproducts +monday .* 50 .*\nproducts +tuesday .* 51 /,
    )
    const show = await ok(['backup', 'show', '--source', copies, '--snapshot-id', 'tuesday'])
    expect(show).toMatch(/^snapshot +tuesday\n.*points +51\n.*parent +monday\n/s)
    const missing = ['backup', 'show', '--source', copies, '--snapshot-id', 'sunday']
    expect((await refused(missing))[0]).toBe(14)
  })

  it('tell an unreadable snapshot, show the others and exit 13', async () => {
    await ok(backup('monday'))
    await ok(['upsert', 'products', '-'], { stdin: points(1, 50) })
    await ok(backup('tuesday'))
    await writeFile(join(copies, 'snapshots', 'products', 'monday.json'), '{}')
    const { exitCode, stdout, stderr } = await cli(['backup', 'list', '--source', copies])
    expect(exitCode).toBe(13)
    expect(stdout).toContain('tuesday')
    expect(stderr).toMatch(/^warning: snapshot monday of products: /)
  })
})

describe('collections restore', () => {
  it('brings a dropped collection back and says what was proven', async () => {
    await ok(backup('monday'))
    await ok(['drop', 'products'])
    expect(await ok(restore())).toMatch(
      /^restored products: 50 points \(.*\) in .*, digest proven, no index\nrecovery point: snapshot monday of file:\/\/.*, LSN 1, committed .*, as of /,
    )
    expect(await ok(['count', 'products'])).toBe('50\n')
  })

  it('refuses to replace a collection unless told to', async () => {
    await ok(backup('monday'))
    await ok(['upsert', 'products', '-'], { stdin: points(5, 50) })
    const before = await contentOf(join(root, 'data'))
    const [code, , hint] = await refused(restore())
    expect([code, hint]).toEqual([2, expect.stringContaining('--replace')])
    expect(await contentOf(join(root, 'data'))).toEqual(before)
    await ok(restore('--replace'))
    expect(await ok(['count', 'products'])).toBe('50\n')
  })

  it('restores beside under another name', async () => {
    await ok(backup('monday'))
    await ok(restore('--new-collection-name', 'products_restored_test', '--snapshot-id', 'monday'))
    expect(await ok(['count', 'products_restored_test'])).toBe('50\n')
    for (const name of ['../x', 'verify', 'a..b']) {
      expect((await refused(restore('--new-collection-name', name)))[0]).toBe(2)
    }
  })

  it('takes a piece from the second source when the first has none that is sound, and says so', async () => {
    await ok(backup('monday'))
    const second = join(root, 'second')
    await cp(copies, second, { recursive: true })
    await damageLargestObject()
    const argv = restore('--source', second, '--new-collection-name', 'back')
    const { exitCode, stderr } = await cli(argv)
    expect(exitCode).toBe(0)
    expect(stderr).toMatch(
      /^warning: 1 piece came from .*second, having no sound copy before it: objects\/.* at .*copies .* it is damaged\n$/,
    )
  })

  it('fails on a missing source without making a data directory', async () => {
    const elsewhere = { env: { VECTRA_DATA: join(root, 'fresh') } }
    const [code, error] = await refused(restore(), elsewhere)
    expect([code, error]).toEqual([14, expect.stringContaining('no repository')])
    await ok(backup('monday'))
    expect((await refused(restore('--snapshot-id', 'sunday'), elsewhere))[0]).toBe(14)
    expect((await readdir(root)).sort()).toEqual(['copies', 'data'])
  })

  it('fails on a damaged source with 13 and leaves everything as it was', async () => {
    await ok(backup('monday'))
    await damageLargestObject()
    const before = await contentOf(join(root, 'data', 'collections'))
    const argv = restore('--new-collection-name', 'back')
    const [code, error] = await refused(argv)
    expect([code, error]).toEqual([13, expect.stringContaining('is damaged')])
    expect(await contentOf(join(root, 'data', 'collections'))).toEqual(before)
    const { stdout } = await cli(['list', '--json'])
    expect(stdout).not.toContain('back')
  })

  it('leaves nothing half done when it is interrupted while it writes', async () => {
    await ok(backup('monday'))
    const before = await contentOf(join(root, 'data', 'collections'))
    const stop = new AbortController()
    const disk: Disk = {
      ...nodeDisk,
      open(path, mode) {
        if (mode === 'create' && path.endsWith('.wal')) {
          stop.abort(new OperatingError('interrupted', 'stopped by SIGINT', 'Run it again.'))
        }
        return nodeDisk.open(path, mode)
      },
    }
    const argv = restore('--new-collection-name', 'back')
    const [code] = await refused(argv, { signal: stop.signal, io: { disk } })
    expect([code, stop.signal.aborted]).toEqual([130, true])
    expect(await contentOf(join(root, 'data', 'collections'))).toEqual(before)
    expect(await ok(['list'])).not.toContain('back')
    await ok(argv)
    expect(await ok(['count', 'back'])).toBe('50\n')
  })
})
