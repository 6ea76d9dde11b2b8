import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { runRsync } from '../../../engine/destination/rsync-process.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

/** A program that tells what it was given. */
async function telling(script: string): Promise<string> {
  const program = join(await temporaryDirectory(), 'program')
  await writeFile(program, `#!/bin/sh\n${script}\n`)
  await chmod(program, 0o755)
  return program
}

const run = {
  options: ['--list-only'],
  from: '/from it/',
  to: 'host:/to/',
  names: ['-a b', '$(c)'],
}

afterEach(() => {
  delete process.env['VECTRA_TEST_SECRET']
})

describe('runRsync', () => {
  it('gives words and names as they are, options first, and no shell reads them', async () => {
    const program = await telling(`printf '%s|' "$@"; tr '\\0' '|'`)
    const end = await runRsync({ ...run, program, shell: 'ssh -T' })
    const [line = ''] = end.lines
    expect(line).toMatch(/\|--secluded-args\|--timeout=\d+\|-e\|ssh -T\|--list-only\|--\|/)
    expect(line.endsWith('|--|/from it/|host:/to/|-a b|$(c)|')).toBe(true)
  })

  it('passes on what rsync and ssh need of the environment, and nothing else', async () => {
    process.env['VECTRA_TEST_SECRET'] = 'secret'
    const { lines } = await runRsync({ ...run, program: await telling('env; cat > /dev/null') })
    expect(lines).toContain('LC_ALL=C')
    expect(lines.some((line) => line.startsWith('PATH='))).toBe(true)
    expect(lines.join()).not.toContain('secret')
  })

  it('says how it ended, whatever that is', async () => {
    const program = await telling('cat > /dev/null; echo ü; echo failed >&2; exit 23')
    const end = await runRsync({ ...run, program })
    expect(end).toMatchObject({ exitCode: 23, stderr: 'failed' })
    expect(Buffer.from(end.lines[0] ?? '', 'latin1').toString()).toBe('ü')
  })

  it('says that the program is not there, or was ended', async () => {
    await expect(runRsync({ ...run, program: '/nowhere/rsync' })).rejects.toMatchObject({
      code: 'unsupported-destination',
      message: expect.stringContaining('/nowhere/rsync is not installed on this machine'),
    })
    const program = await telling('kill -9 $$')
    await expect(runRsync({ ...run, program })).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('SIGKILL'),
    })
  })
})
