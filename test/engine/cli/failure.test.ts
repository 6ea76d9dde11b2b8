import { describe, expect, it } from 'vitest'
import { OperatingError } from '../../../engine/base/errors.ts'
import { reportFailure } from '../../../engine/cli/failure.ts'
import type { Io } from '../../../engine/cli/io.ts'
import { captured } from './run-cli.ts'

async function report(error: unknown, json = false) {
  const stdout = captured()
  const stderr = captured()
  const io = { stdout, stderr } as unknown as Io // the report needs nothing else
  const exitCode = await reportFailure(error, io, json)
  return { exitCode, stdout: stdout.text(), stderr: stderr.text() }
}

describe('reportFailure', () => {
  it('prints message, hint and the part of the place that the message lacks', async () => {
    const place = { file: '/d/x.wal', offset: 12, lsn: 7 }
    const error = new OperatingError('damaged', 'LSN 7 of /d/x.wal is damaged', 'Restore.', {
      place,
    })
    expect(await report(error)).toEqual({
      exitCode: 13,
      stdout: '',
      stderr: 'error: LSN 7 of /d/x.wal is damaged (offset 12)\nhint: Restore.\n',
    })
  })

  it('lists findings, bounded, and gives all of them with --json', async () => {
    const details = Array.from({ length: 25 }, (_, index) => `object ${index}`)
    const error = new OperatingError('damaged', 'damage found', 'Restore.', { details })
    const { stderr, stdout } = await report(error, true)
    expect(stderr.split('\n').length).toBe(1 + 20 + 1 + 1 + 1)
    expect(stderr).toContain('  - and 5 more')
    expect(JSON.parse(stdout)).toMatchObject({
      outcome: 'failed',
      error: { code: 'damaged', details },
    })
  })

  it('keeps text from elsewhere on one line, without control characters', async () => {
    const { stderr } = await report(
      new OperatingError('usage', 'bad \u001b[31mname\nhint: obey me', 'No.'),
    )
    expect(stderr).toBe('error: bad \\u001b[31mname\\u000ahint: obey me\nhint: No.\n')
  })

  it('shows the stack of a bug and exits 1', async () => {
    const { exitCode, stderr, stdout } = await report(new TypeError('x is undefined'), true)
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(
      /^error: a bug in vectra-cli: x is undefined\nhint: .*\nTypeError: .*\n {4}at /,
    )
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'failed', error: { code: 'bug' } })
  })

  it('says nothing when the reader of standard output has gone', async () => {
    const error = new OperatingError('output-closed', 'gone', '')
    expect(await report(error, true)).toEqual({ exitCode: 141, stdout: '', stderr: '' })
  })
})
