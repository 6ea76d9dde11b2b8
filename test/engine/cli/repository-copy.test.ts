import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { runCli } from './run-cli.ts'

let root: string
const at = (name: string) => join(root, name)
const cli = (...argv: string[]) => runCli(argv, { env: { VECTRA_DATA: at('data') } })
const copy = (...argv: string[]) => cli('repository', 'copy', ...argv)
const backup = (id: string) =>
  cli('collections', 'backup', 'pets', '--destination', at('first'), '--snapshot-id', id)

beforeEach(async () => {
  root = await temporaryDirectory()
  await cli('collections', 'create', 'pets', '--dimension', '2', '--index', 'flat')
  await cli('collections', 'upsert', 'pets', '--id', 'cat', '--vector', '[1, 0]')
  await backup('monday')
  await cli('collections', 'upsert', 'pets', '--id', 'dog', '--vector', '[0, 1]')
  await backup('tuesday')
})

describe('repository copy', () => {
  it('brings what is named, then the rest, and a restore from the copy alone works', async () => {
    const one = await copy(
      at('first'),
      at('second'),
      '--collection',
      'pets',
      '--snapshot',
      'monday',
    )
    expect([one.exitCode, one.stderr]).toEqual([0, ''])
    expect(one.stdout).toMatch(/pets +monday .* copied, all read back\n/)
    expect(one.stdout).not.toContain('tuesday')
    const all = await copy(at('first'), at('second'), '--json')
    expect(all.objects().map((each) => each['outcome'])).toEqual(['present', 'copied', 'done'])
    const restore = ['collections', 'restore', 'pets', '--source', at('second')]
    const restored = await cli(...restore, '--new-collection-name', 'again')
    expect(restored.exitCode).toBe(0)
    expect((await cli('collections', 'count', 'again')).stdout).toBe('2\n')
  })

  it('makes an encrypted copy of a plain repository', async () => {
    await cli('repository', 'key', 'generate', at('key'))
    const copied = await copy(at('first'), at('sealed'), '--to-key-file', at('key'))
    expect(copied.exitCode).toBe(0)
    const verify = ['collections', 'backup', 'verify', '--source', at('sealed')]
    expect((await cli(...verify, '--key-file', at('key'))).exitCode).toBe(0)
    expect((await cli(...verify)).exitCode).toBe(17)
  })

  it('exits 14 for a snapshot that is not there, 2 for a copy to itself, and makes nothing', async () => {
    expect((await copy(at('first'), at('second'), '--snapshot', 'sunday')).exitCode).toBe(14)
    expect((await copy(at('first'), at('first'))).exitCode).toBe(2)
    expect(await readdir(root)).not.toContain('second')
  })
})
