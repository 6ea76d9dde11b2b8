import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { OperatingError } from '../../../engine/base/errors.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { type CliWorld, captured, runCli } from './run-cli.ts'

let root: string
let copies: string
const cli = (argv: string[], world: CliWorld = {}) =>
  runCli(['collections', ...argv], { env: { VECTRA_DATA: join(root, 'data') }, ...world })
const json = async (argv: string[]) => (await cli([...argv, '--json'])).objects()

const write = async (id: string) => {
  const made = await cli(['upsert', 'products', '--id', id, '--vector', '[1, 2]'])
  expect(made.exitCode).toBe(0)
}

/** LSN 1 in snapshot s1, LSN 2 and 3 archived. */
beforeEach(async () => {
  root = await temporaryDirectory()
  copies = join(root, 'copies')
  await cli(['create', 'products', '--dimension', '2'])
  await write('a')
  await cli(['backup', 'products', '--destination', copies, '--snapshot-id', 's1'])
  await write('b')
  await write('c')
})

describe('collections archive', () => {
  it('ships the log once and says how far it reaches', async () => {
    const [result] = await json(['archive', 'products', '--destination', copies])
    expect(result).toMatchObject({ outcome: 'done', records: 3, lastLsn: 3, restorable: true })
    const again = await cli(['archive', 'products', '--destination', copies, '--once'])
    expect([again.exitCode, again.stderr]).toEqual([0, ''])
    expect(again.stdout).toMatch(/^nothing new; products is archived at .* up to LSN 3, as of /)
  })

  it('runs at an interval until it is interrupted, and exits 130', async () => {
    const stop = new AbortController()
    const error = new OperatingError('interrupted', 'stopped by SIGINT', 'Run it again.')
    const stdout = captured()
    let runs = 0
    const watched = {
      ...stdout,
      write: async (data: string | Uint8Array) => {
        await stdout.write(data)
        if (++runs === 3) stop.abort(error)
      },
    }
    const argv = ['archive', 'products', '--destination', copies, '--interval', '1ms']
    const { exitCode } = await cli(argv, { signal: stop.signal, io: { stdout: watched } })
    expect(exitCode).toBe(130)
    expect(stdout.text().match(/up to LSN 3/g)).toHaveLength(3)
    expect((await cli(['count', 'products'])).stdout).toBe('3\n')
  })

  it('refuses an interval that is none, and both ways at once', async () => {
    for (const more of [
      ['--interval', '5'],
      ['--interval', '0s'],
      ['--interval', '5s', '--once'],
    ]) {
      const { exitCode } = await cli(['archive', 'products', '--destination', copies, ...more])
      expect(exitCode).toBe(2)
    }
  })
})

describe('collections restore --at', () => {
  beforeEach(async () => {
    await cli(['archive', 'products', '--destination', copies])
  })

  it('case 75: brings the state of that moment back and says what lies beyond', async () => {
    const back = ['restore', 'products', '--source', copies, '--replace']
    const [two] = await json([...back, '--at', 'lsn:2'])
    expect(two).toMatchObject({
      count: 2,
      recoveryPoint: { lsn: 2 },
      moment: { lastProvenLsn: 1, beyond: { records: 1, firstLsn: 3, lastLsn: 3 } },
    })
    const told = await cli([...back, '--at', 'lsn:2'])
    expect(told.stdout).toMatch(
      /1 archived record, LSN 2, .*\n.*not restored: 1 later record, LSN 3 to 3/,
    )
    expect(told.stderr).toMatch(
      /no digest was recorded at LSN 2; the last one proven is that of LSN 1/,
    )
    const latest = await cli([...back, '--at', 'latest'])
    expect([latest.exitCode, latest.stderr]).toEqual([0, ''])
    expect((await cli(['count', 'products'])).stdout).toBe('3\n')
  })

  it('case 75: says what there is when the moment is not there, and leaves no directory', async () => {
    const empty = join(root, 'empty')
    const back = ['restore', 'products', '--source', copies, '--data', empty]
    const cases: [at: string, code: number, text: RegExp][] = [
      ['lsn:0', 14, /before the first snapshot .* s1 at LSN 1/],
      ['lsn:9', 14, /beyond what is known .* ends at LSN 3/],
      ['2000-01-01T00:00:00Z', 14, /before the first snapshot/],
      ['2100-01-01T00:00:00Z', 14, /--at latest/],
      ['2026-01-01T00:00:00', 2, /without an offset/],
      ['noon', 2, /no moment/],
    ]
    for (const [at, code, text] of cases) {
      const { exitCode, stderr } = await cli([...back, '--at', at])
      expect([exitCode, stderr]).toEqual([code, expect.stringMatching(text)])
    }
    const both = await cli([...back, '--at', 'latest', '--snapshot-id', 's1'])
    expect(both.exitCode).toBe(2)
    expect((await cli([...back, '--epoch', '1'])).exitCode).toBe(2)
    expect((await cli(['list', '--data', empty])).exitCode).toBe(14)
  })

  it('is listed and verified with the snapshots', async () => {
    const listed = await cli(['backup', 'list', '--source', copies])
    expect(listed.stdout).toMatch(/products can be restored to any LSN from 1 to 3 \(epoch 000001-/)
    const verified = await cli(['backup', 'verify', '--source', copies])
    expect(verified.stdout).toMatch(/1 archived file with 3 records/)
    const [key] = (await json(['backup', 'verify', '--source', copies])).slice(-1)
    expect(key).toMatchObject({ ok: true, archive: { files: 1, records: 3 } })
    await writeFile(join(copies, 'wal', 'stranger'), 'x')
    const strange = await cli(['backup', 'verify', '--source', copies])
    expect(strange.stderr).toMatch(/wal\/stranger .* was not written by vectra/)
  })
})
