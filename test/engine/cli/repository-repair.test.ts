import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { runCli } from './run-cli.ts'

let root: string
const at = (name: string) => join(root, name)
const cli = (...argv: string[]) => runCli(argv, { env: { VECTRA_DATA: at('data') } })

beforeEach(async () => {
  root = await temporaryDirectory()
  await cli('collections', 'create', 'pets', '--dimension', '2', '--index', 'flat')
  const backup = ['collections', 'backup', 'pets', '--destination', at('first')]
  await cli(...backup, '--snapshot-id', 'monday')
  await cli('repository', 'copy', at('first'), at('second'))
})

/** Damages every object. */
async function damage(repository: string): Promise<number> {
  const objects = join(at(repository), 'objects')
  const entries = await readdir(objects, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  for (const { parentPath, name } of files) await writeFile(join(parentPath, name), 'rot')
  return files.length
}

describe('repository repair, info and status', () => {
  it('repairs from a copy: told first with --dry-run, then done, then nothing is wrong', async () => {
    const count = await damage('first')
    const repair = ['repository', 'repair', at('first'), '--from', at('second')]
    const dry = await cli(...repair, '--dry-run')
    expect(dry.exitCode).toBe(0)
    expect(dry.stdout.match(/^would refill from /gm)).toHaveLength(count)
    const done = await cli(...repair)
    expect([done.exitCode, done.stderr]).toEqual([0, ''])
    expect(done.stdout.match(/^refilled from .*second/gm)).toHaveLength(count)
    expect((await cli(...repair)).stdout).toMatch(/, nothing is wrong\n$/)
    expect((await cli('collections', 'backup', 'verify', '--source', at('first'))).exitCode).toBe(0)
  })

  it('exits 13 when something is left, and names it', async () => {
    await damage('first')
    await damage('second')
    const left = await cli('repository', 'repair', at('first'), '--from', at('second'), '--json')
    expect(left.exitCode).toBe(13)
    expect(left.objects()[0]).toMatchObject({ outcome: 'left', from: null })
    expect(left.objects().at(-1)).toMatchObject({ outcome: 'failed', error: { code: 'damaged' } })
  })

  it('tells what a repository holds, and where snapshots lie', async () => {
    const info = await cli('repository', 'info', at('second'))
    expect(info.stdout).toMatch(/collection pets +1 snapshot; newest monday of /)
    expect(info.stdout).toMatch(/needed by none +0 B in 0 objects/)
    const status = await cli('repository', 'status', at('first'), at('second'), '--json')
    expect(status.exitCode).toBe(0)
    expect(status.objects()[0]).toMatchObject({
      snapshotId: 'monday',
      places: [{ copiedFrom: null }, { verified: { depth: 'copy', ok: true } }],
    })
    const gone = await cli('repository', 'status', at('first'), at('third'))
    expect(gone.exitCode).toBe(14)
    expect(gone.stdout).toMatch(/monday/)
  })
})
