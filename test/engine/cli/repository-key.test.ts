import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { runCli } from './run-cli.ts'

let root: string
let repository: string
const file = (name: string) => join(root, name)
const cli = (...argv: string[]) => runCli(argv, { env: { VECTRA_DATA: file('data') } })
const key = (...argv: string[]) => cli('repository', 'key', ...argv)
const verifies = async (name: string) =>
  (await cli('collections', 'backup', 'verify', '--source', repository, '--key-file', file(name)))
    .exitCode

beforeEach(async () => {
  root = await temporaryDirectory()
  repository = file('repository')
  await key('generate', file('first.key'))
  await key('generate', file('vault.key'))
  await cli('collections', 'create', 'pets', '--dimension', '2', '--index', 'flat')
  await cli(
    ...['collections', 'backup', 'pets', '--destination', repository, '--snapshot-id', 'monday'],
    ...['--key-file', file('first.key')],
  )
})

describe('repository key', () => {
  it('generates keys that only their owner may read, and never overwrites one', async () => {
    expect((await stat(file('first.key'))).mode & 0o777).toBe(0o600)
    const text = await readFile(file('first.key'), 'utf8')
    expect(Buffer.from(text, 'base64')).toHaveLength(32)
    expect(await readFile(file('vault.key'), 'utf8')).not.toBe(text)
    const again = await key('generate', file('first.key'))
    expect(again.exitCode).toBe(2)
    expect(await readFile(file('first.key'), 'utf8')).toBe(text)
    expect(again.stdout + again.stderr).not.toContain(text.trim())
  })

  it('generates a pair for signing, and prints the half that is no secret', async () => {
    const { stdout } = await key('generate', file('sign.pem'), '--signing')
    const pem = await readFile(file('sign.pem'), 'utf8')
    expect(pem).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
    expect((await stat(file('sign.pem'))).mode & 0o777).toBe(0o600)
    expect(stdout).toMatch(/: MCowBQYDK2VwAyEA[A-Za-z0-9+/]{43}=\n$/)
    expect(stdout).not.toContain(pem.split('\n')[1])
  })

  it('adds, lists and removes what opens a repository', async () => {
    const first = ['--key-file', file('first.key')]
    const vault = ['--key-file', file('vault.key')]
    expect(await verifies('vault.key')).toBe(17)
    const flags = ['--new-key-file', file('vault.key'), '--label', 'vault']
    const added = await key('add', repository, ...flags, ...first)
    expect(added.stdout).toContain('it has 2 keys')
    expect([await verifies('first.key'), await verifies('vault.key')]).toEqual([0, 0])
    const { stdout } = await key('list', repository, ...vault)
    expect(stdout).toMatch(/^label +id +kind +created +given\nfirst .*Z\nvault .* yes\n$/)
    expect((await key('remove', repository, 'first', ...first)).exitCode).toBe(2)
    expect((await key('remove', repository, 'first', ...vault)).exitCode).toBe(0)
    expect([await verifies('first.key'), await verifies('vault.key')]).toEqual([17, 0])
    const last = await key('remove', repository, 'vault', ...vault)
    expect([last.exitCode, await verifies('vault.key')]).toEqual([2, 0])
  })

  it('refuses to add with a wrong key, and says where none is needed', async () => {
    const flags = ['--new-key-file', file('vault.key'), '--label', 'vault']
    expect((await key('add', repository, ...flags)).exitCode).toBe(17)
    const wrong = await key('add', repository, ...flags, '--key-file', file('vault.key'))
    expect(wrong.exitCode).toBe(17)
    const { objects } = await key('list', repository, '--json')
    expect(objects()).toMatchObject([
      { label: 'first', kind: 'random' },
      { outcome: 'done', keys: 1 },
    ])
    expect((await key('list', file('nowhere'))).exitCode).toBe(14)
  })
})
