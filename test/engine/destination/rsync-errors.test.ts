import { describe, expect, it } from 'vitest'
import {
  isRootMissing,
  RsyncInterrupted,
  rsyncError,
} from '../../../engine/destination/rsync-errors.ts'

const end = (exitCode: number, stderr: string) => ({ exitCode, stderr, lines: [] })

describe('rsyncError', () => {
  it.each([
    [255, 'Host key verification failed.', 'credential-refused', 17],
    [255, 'me@host: Permission denied (publickey,password).', 'credential-refused', 17],
    [255, 'ssh: connect to host h port 22: Connection refused', 'unreachable', 12],
    [255, 'ssh: connect to host h port 22: Connection timed out', 'unreachable', 12],
    [255, 'ssh: Could not resolve hostname h', 'unreachable', 12],
    [127, 'bash: line 1: rsync: command not found', 'unsupported-destination', 2],
    [127, '', 'unsupported-destination', 2],
    [14, 'rsync: [Receiver] Failed to exec ssh: No such file', 'unsupported-destination', 2],
    [1, 'rsync: on remote machine: --fsync: unknown option', 'unsupported-destination', 2],
    [2, 'protocol version mismatch -- is your shell clean?', 'unsupported-destination', 2],
    [11, 'rsync: write failed on "/b/x": No space left on device (28)', 'disk-full', 12],
    [23, 'rsync: mkstemp "/b/.x" failed: Permission denied (13)', 'disk-refused', 12],
    [23, 'rsync: mkstemp "/b/.x" failed: Read-only file system (30)', 'disk-refused', 12],
    [23, 'rsync: read errors mapping "/b/x": Input/output error (5)', 'disk-error', 12],
    [12, 'rsync: connection unexpectedly closed', 'unreachable', 12],
    [30, 'io timeout after 120 seconds', 'unreachable', 12],
  ])('exit code %i and %j are %s', (exitCode, stderr, code, ours) => {
    const error = rsyncError('rsync://h/b', end(exitCode, stderr))
    expect(error).toMatchObject({ code, exitCode: ours })
    expect(error.message).toContain('rsync://h/b')
  })

  it('repeats what was said first, not the summary or a banner of stars', () => {
    const said = '@@@@@@@@\n\nsending data failed: why\nrsync error: some files (code 23)'
    expect(rsyncError('u', end(23, said)).message).toMatch(/: sending data failed: why$/)
  })

  it('tells a line that broke, which may be tried again, from a host that is away', () => {
    const away = end(255, 'ssh: connect to host h port 22: Connection refused')
    expect(rsyncError('u', away)).not.toBeInstanceOf(RsyncInterrupted)
    expect(rsyncError('u', end(255, 'client_loop: send disconnect'))).toBeInstanceOf(
      RsyncInterrupted,
    )
  })
})

describe('isRootMissing', () => {
  it('says so of a directory that is not there, and of nothing else', () => {
    const missing = 'rsync: [sender] change_dir "/b" failed: No such file or directory (2)'
    expect(isRootMissing(end(3, missing))).toBe(true)
    expect(isRootMissing(end(12, missing))).toBe(true)
    expect(isRootMissing(end(0, missing))).toBe(false)
    for (const why of [
      'Permission denied (13)',
      'Not a directory (20)',
      'Input/output error (5)',
    ]) {
      expect(isRootMissing(end(3, missing.replace(/No such.*/, why)))).toBe(false)
    }
  })
})
