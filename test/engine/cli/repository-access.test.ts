import { chmod, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { runCli } from './run-cli.ts'

const key = 'b6f0c9a1d5e84273'.repeat(4)
let root: string
let repository: string
let keyFile: string
let variable: string | undefined

const cli = (...argv: string[]) =>
  runCli(argv, {
    env: {
      VECTRA_DATA: join(root, 'data'),
      ...(variable !== undefined && { VECTRA_BACKUP_KEY: variable }),
    },
  })
const backUp = (id: string, ...flags: string[]) =>
  cli(
    ...['collections', 'backup', 'pets', '--destination', repository],
    ...['--snapshot-id', id, ...flags],
  )
const list = (...flags: string[]) =>
  cli('collections', 'backup', 'list', '--source', repository, '--json', ...flags)

beforeEach(async () => {
  root = await temporaryDirectory()
  repository = join(root, 'repository')
  keyFile = join(root, 'backup.key')
  variable = undefined
  await writeFile(keyFile, `${key}\n`)
  await cli('collections', 'create', 'pets', '--dimension', '2', '--index', 'flat')
  await cli('collections', 'upsert', 'pets', '--id', 'cat', '--vector', '[1,0]')
})

describe('the key of a repository', () => {
  it('comes from a file, a command or the environment, and opens the same repository', async () => {
    expect((await backUp('monday', '--key-file', keyFile)).exitCode).toBe(0)
    expect((await list('--key-file', keyFile)).exitCode).toBe(0)
    const print = join(root, 'print-key')
    await writeFile(print, `#!/bin/sh\n[ "$1" = "the backup" ] && echo ${key}\n`)
    await chmod(print, 0o700)
    const listed = await list('--key-command', JSON.stringify([print, 'the backup']))
    expect(listed.objects().at(-1)).toMatchObject({ outcome: 'done' })
    variable = key
    for (const command of [
      ['backup', 'verify', '--source', repository],
      ['backup', 'show', '--source', repository, '--snapshot-id', 'monday'],
      ['restore', 'pets', '--source', repository, '--replace'],
      ['archive', 'pets', '--destination', repository, '--once'],
      ['backup', 'pets', '--destination', repository, '--snapshot-id', 'tuesday'],
      ['backup', 'diff', '--source', repository, '--snapshot-id', 'tuesday'],
    ]) {
      const { exitCode, stderr } = await cli('collections', ...command)
      expect([command[1], exitCode, stderr.match(/error.*/)?.[0]]).toEqual([
        command[1],
        0,
        undefined,
      ])
    }
  })

  it('exits 17 with a hint when it is missing, wrong, empty or unreadable, and writes nothing', async () => {
    await backUp('monday', '--key-file', keyFile)
    const other = join(root, 'other.key')
    await writeFile(other, `${'0'.repeat(63)}1\n`)
    const empty = join(root, 'empty.key')
    await writeFile(empty, '\n')
    const before = await readdir(repository, { recursive: true })
    for (const flags of [
      [],
      ['--key-file', other],
      ['--key-file', empty],
      ['--key-file', join(root, 'absent.key')],
      ['--key-file', root],
      ['--key-command', '["false"]'],
      ['--key-command', '["true"]'],
      ['--key-command', '["/absent/program"]'],
    ]) {
      for (const run of [() => backUp('tuesday', ...flags), () => list(...flags)]) {
        const { exitCode, stderr } = await run()
        expect([...flags, exitCode]).toEqual([...flags, 17])
        expect(stderr).toMatch(/^hint: ./m)
      }
    }
    const target = join(root, 'elsewhere')
    const restored = await cli(
      '--data',
      target,
      'collections',
      'restore',
      'pets',
      '--source',
      repository,
    )
    expect(restored.exitCode).toBe(17)
    expect(await readdir(root)).not.toContain('elsewhere')
    expect(await readdir(repository, { recursive: true })).toEqual(before)
  })

  it('set to nothing in the environment is a mistake, not a wish for a plain repository', async () => {
    variable = ''
    const { exitCode, stderr } = await backUp('monday')
    expect(exitCode).toBe(17)
    expect(stderr).toContain('VECTRA_BACKUP_KEY')
    expect(await readdir(root)).not.toContain('repository')
  })

  it('must be a list of words where a command is given', async () => {
    for (const words of ['pass show', '"pass"', '[]', '[1]', '{}']) {
      expect((await backUp('monday', '--key-command', words)).exitCode).toBe(2)
    }
    expect((await backUp('monday', '--key-command', '["-rf"]')).exitCode).toBe(2)
  })

  it('case 94: stands in no output, error or file that is written', async () => {
    const print = join(root, 'print-key')
    await writeFile(print, `#!/bin/sh\ncat ${keyFile}\n`)
    await chmod(print, 0o700)
    // the command looks at all processes while the one that asked for the key waits
    const processes = join(root, 'processes')
    const look = join(root, 'look')
    await writeFile(
      look,
      `#!/bin/sh\nfor p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; echo; done > ${processes} 2>/dev/null\ncat ${keyFile}\n`,
    )
    await chmod(look, 0o700)
    const runs = [
      await backUp('monday', '--key-file', keyFile),
      await list('--key-command', JSON.stringify([look])),
      await backUp('monday', '--key-command', JSON.stringify([print]), '--json'),
      await list('--key-file', keyFile),
      await list(),
      await backUp('tuesday', '--key-file', print),
    ]
    const forms = [
      key,
      key.toUpperCase(),
      Buffer.from(key).toString('base64'),
      Buffer.from(key, 'hex').toString('base64'),
    ].flatMap((form) => [form, encodeURIComponent(form)])
    const written = await readdir(root, { recursive: true, withFileTypes: true })
    const texts = runs.map((run) => run.stdout + run.stderr)
    for (const entry of written) {
      const path = join(entry.parentPath, entry.name)
      if (entry.isFile() && path !== keyFile) texts.push((await readFile(path)).toString('latin1'))
    }
    expect(texts.length).toBeGreaterThan(15)
    expect(await readFile(processes, 'utf8')).toContain(look)
    for (const text of texts) {
      for (const form of forms) expect(text.includes(form)).toBe(false)
    }
  })
})

describe('signatures', () => {
  const signing = async (name: string) => {
    const { stdout } = await cli('repository', 'key', 'generate', join(root, name), '--signing')
    return /MCow[A-Za-z0-9+/=]+/.exec(stdout)?.[0] ?? ''
  }

  it('case 87: are made with --sign-key, and asked for with --trust', async () => {
    const ours = await signing('ours.pem')
    const theirs = await signing('theirs.pem')
    expect((await backUp('monday', '--sign-key', join(root, 'ours.pem'))).exitCode).toBe(0)
    const restore = (...flags: string[]) =>
      cli('collections', 'restore', 'pets', '--source', repository, '--replace', ...flags)
    expect((await restore('--trust', ours)).exitCode).toBe(0)
    expect((await restore('--trust', theirs, '--trust', ours)).exitCode).toBe(0)
    const refused = await restore('--trust', theirs)
    expect([refused.exitCode, refused.stderr]).toEqual([
      17,
      expect.stringContaining('not a trusted'),
    ])
    const told = await restore()
    expect([told.exitCode, told.stderr]).toEqual([
      0,
      expect.stringContaining('nobody named as trusted'),
    ])
    expect((await restore('--require-signature')).exitCode).toBe(2)
    expect((await restore('--trust', 'absent.pem')).exitCode).toBe(17)
    expect((await restore('--trust', join(root, 'ours.pem'))).exitCode).toBe(2)
    expect((await backUp('tuesday', '--sign-key', keyFile)).exitCode).toBe(17)
    await backUp('unsigned')
    expect((await restore('--trust', ours, '--snapshot-id', 'unsigned')).exitCode).toBe(17)
  })
})
