import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { nodeDisk } from '../../../engine/base/disk.ts'
import { FaultyDisk, mutatingCalls } from '../../support/faulty-disk.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { type CliWorld, runCli } from './run-cli.ts'

let root: string
const cli = (line: string, world: CliWorld = {}) =>
  runCli(line.split(' '), { env: { VECTRA_DATA: join(root, 'data') }, ...world })

const point = (id: number) => `${JSON.stringify({ id, vector: [id, 1] })}\n`

beforeEach(async () => {
  root = await temporaryDirectory()
})

describe('the durability of a collection', () => {
  test('is chosen when it is made, and describe states what a power cut may take', async () => {
    await cli('collections create plain --dimension 2')
    expect((await cli('collections describe plain')).stdout).toMatch(
      /durability +always \(a write is on the disk before it is acknowledged\)/,
    )
    await cli('collections create quick --dimension 2 --durability interval --sync-interval 250')
    expect((await cli('collections describe quick')).stdout).toMatch(
      /durability +interval \(a power cut may lose the last 250 ms of acknowledged writes/,
    )
    const [described] = (await cli('collections describe quick --json')).objects()
    expect(described).toMatchObject({
      config: { durability: { mode: 'interval', intervalMs: 250 } },
    })
    const made = await cli('collections import other - --durability interval', {
      stdin: point(1),
    })
    expect(made.exitCode).toBe(0)
    expect((await cli('collections describe other')).stdout).toMatch(/the last 1000 ms/)
  })

  test('is refused where it makes no sense or is not what the collection has', async () => {
    for (const flags of [
      '--sync-interval 100',
      '--durability always --sync-interval 100',
      '--durability interval --sync-interval 0',
      '--durability interval --sync-interval 60001',
      '--durability never',
    ]) {
      const { exitCode, stderr } = await cli(`collections create a --dimension 2 ${flags}`)
      expect([flags, exitCode]).toEqual([flags, 2])
      expect(stderr).toMatch(/^error: .*\nhint: ./)
    }
    await cli('collections create a --dimension 2')
    const other = await cli('collections import a - --durability interval', { stdin: point(1) })
    expect([other.exitCode, other.stderr]).toEqual([
      2,
      expect.stringMatching(/exists with durability always, not interval/),
    ])
  })
})

/** Every change after the failed call; giving the lock back is none. */
const changesAfter = (disk: FaultyDisk, failed: number) =>
  disk.records.filter(
    ({ call, path, number }) =>
      number > failed &&
      (mutatingCalls as readonly string[]).includes(call) && // widened: includes() wants its own type
      !path.includes('LOCK'),
  )

describe('case 28: a failed fsync ends the command', () => {
  const withFault = async (line: string, world: CliWorld, path: RegExp, at = 1) => {
    const disk = new FaultyDisk(nodeDisk, { calls: ['sync'], path, at, errno: 'EIO' })
    const result = await cli(line, { ...world, io: { disk } })
    expect(disk.hits).toBe(1)
    const failed = disk.records.filter(({ call, path: of }) => call === 'sync' && path.test(of))[
      at - 1
    ]
    expect(result.stderr).toMatch(/^error: cannot fsync .*: EIO.*\nhint: Nothing is written after/m)
    expect(result.exitCode).toBe(12)
    expect(changesAfter(disk, failed?.number ?? 0)).toEqual([])
    return result
  }

  test('with exit code 12 and nothing written after it; the next start has what was there', async () => {
    await cli('collections create a --dimension 2 --index flat')
    await cli('collections upsert a -', { stdin: point(1) })
    // the first sync of the log is the one of the opening
    await withFault('collections upsert a -', { stdin: point(2) }, /\.wal$/, 2)
    expect((await cli('collections count a')).stdout).toMatch(/^[12]\n/)
    await withFault('collections checkpoint a', {}, /segments/)
    await withFault('collections checkpoint a', {}, /manifest-.*tmp/)
    await withFault('collections checkpoint a', {}, /watermark/, 2)
    await withFault('collections create b --dimension 2', {}, /catalogue/)
    expect((await cli('collections count a')).exitCode).toBe(0)
    expect((await cli('collections count b')).exitCode).toBe(14)
    expect((await cli('collections upsert a -', { stdin: point(3) })).exitCode).toBe(0)
  })

  test('an import says that it left its collection where it was', async () => {
    const { stderr } = await withFault(
      'collections import a -',
      { stdin: point(1) + point(2) },
      /\.wal$/,
      2,
    )
    expect(stderr).toMatch(/the half-imported collection a is left/)
    expect((await cli('collections drop a')).exitCode).toBe(0)
  })

  test('also while it waits for input, when the sync of an interval fails', async () => {
    await cli('collections create a --dimension 2 --durability interval --sync-interval 1')
    let close = () => {}
    async function* waiting() {
      yield Buffer.from(point(1))
      await new Promise<void>((resolve) => {
        close = resolve
      })
    }
    const line = 'collections import a - --batch 1'
    await withFault(line, { stdin: waiting() }, /\.wal$/, 2)
    close()
    expect((await cli('collections count a')).stdout).toBe('1\n')
  })
})

describe('collections repair', () => {
  test('prints what is lost and what is left, and exits 2 for an LSN that is not there', async () => {
    await cli('collections create a --dimension 2 --index flat')
    await cli('collections upsert a -', { stdin: point(1) })
    await cli('collections upsert a -', { stdin: point(2) })
    expect((await cli('collections repair a --to-lsn 9')).exitCode).toBe(2)
    expect((await cli('collections repair b --to-lsn 1')).exitCode).toBe(14)
    const { stdout, exitCode } = await cli('collections repair a --to-lsn 1')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^lost: LSN 2 to at least 2 \(.*, 1 record of them readable\)\n/)
    expect(stdout).toMatch(
      /\nkept what was cut in .*cut-1-1\.bytes\na is at LSN 1: 1 point, digest /,
    )
    expect((await cli('collections count a')).stdout).toBe('1\n')
    const [again] = (await cli('collections repair a --to-lsn 0 --json')).objects()
    expect(again).toMatchObject({ outcome: 'done', lsn: 0, count: 0, lost: { firstLsn: 1 } })
  })
})
