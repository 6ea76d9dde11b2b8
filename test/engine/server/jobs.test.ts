import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../engine/base/clock.ts'
import { OperatingError } from '../../../engine/base/errors.ts'
import { limits } from '../../../engine/base/limits.ts'
import { systemTimer } from '../../../engine/base/timer.ts'
import { type JobStatus, Jobs, type JobWorld } from '../../../engine/server/jobs.ts'

const open = (bugs: unknown[] = []) =>
  new Jobs(systemClock, systemTimer, { onBug: (error) => bugs.push(error) })

/** Work that ends when the test says so, or when it is told to stop. */
function controlled() {
  let world: JobWorld | undefined
  let end: (result: object) => void = () => {}
  const work = (given: JobWorld) => {
    world = given
    return new Promise<object>((resolve, reject) => {
      end = resolve
      given.signal.addEventListener('abort', () => reject(given.signal.reason))
    })
  }
  return { work, world: () => world, end: (result: object) => end(result) }
}

async function last(jobs: Jobs, id: string): Promise<JobStatus> {
  let status: JobStatus | undefined
  for await (const each of jobs.follow(id, new AbortController().signal)) status = each
  if (status === undefined) throw new Error('a job has a status')
  return status
}

describe('a job', () => {
  it('is followed to its result, its progress on the way', async () => {
    const jobs = open()
    const { work, world, end } = controlled()
    const { id, state } = jobs.start('backup', 'c to /mnt', work)
    expect([state, id]).toEqual(['running', expect.stringMatching(/^backup-[0-9a-f]{12}$/)])
    const seen: JobStatus[] = []
    for await (const status of jobs.follow(id, new AbortController().signal)) {
      seen.push(status)
      if (seen.length === 1) world()?.progress({ phase: 'upload', unit: 'bytes', done: 5 })
      if (seen.length === 2) {
        world()?.warn('slow')
        end({ count: 7 })
      }
    }
    expect(seen.map((each) => [each.state, each.progress?.done])).toEqual([
      ['running', undefined],
      ['running', 5],
      ['done', 5],
    ])
    expect(seen.at(-1)).toMatchObject({ warnings: ['slow'], result: { count: 7 }, error: null })
    expect(jobs.list()).toEqual([seen.at(-1)])
  })

  it('fails with its operating error; a bug is told to the log alone', async () => {
    const bugs: unknown[] = []
    const jobs = open(bugs)
    const failing = jobs.start('verify', '', () =>
      Promise.reject(new OperatingError('damaged', 'm', 'h')),
    )
    expect(await last(jobs, failing.id)).toMatchObject({
      state: 'failed',
      error: { code: 'damaged', message: 'm', hint: 'h', exitCode: 13 },
    })
    const bug = new TypeError('of a secret')
    const broken = jobs.start('verify', '', () => Promise.reject(bug))
    expect(JSON.stringify(await last(jobs, broken.id))).not.toContain('secret')
    expect(bugs).toEqual([bug])
  })

  it('is cancelled, and all are when the server ends', async () => {
    const jobs = open()
    const first = jobs.start('backup', '', controlled().work)
    const second = jobs.start('restore', '', controlled().work)
    jobs.cancel(first.id)
    expect(await last(jobs, first.id)).toMatchObject({
      state: 'cancelled',
      error: { code: 'interrupted' },
    })
    await jobs.close(new OperatingError('terminated', 'it ends', ''))
    expect(jobs.status(second.id)).toMatchObject({
      state: 'cancelled',
      error: { message: 'it ends' },
    })
    expect(() => jobs.cancel('backup-0')).toThrow('there is no job "backup-0"')
  })

  it('is one of so many; those that ended are forgotten, the oldest of a kind first', async () => {
    const jobs = open()
    const begun = Array.from({ length: limits.jobsRunning }, () => controlled())
    for (const { work } of begun) jobs.start('backup', '', work)
    expect(() => jobs.start('backup', '', controlled().work)).toThrow('jobs are under way')
    await jobs.close(new OperatingError('terminated', 'it ends', ''))
    for (let i = 0; i < limits.jobsKept + 3; i++) {
      jobs.start('verify', `${i}`, async () => ({}))
      await new Promise((resolve) => setImmediate(resolve)) // it ends in a few steps
    }
    const verified = jobs.list().filter(({ kind }) => kind === 'verify')
    expect(verified).toHaveLength(limits.jobsKept)
    expect([verified[0]?.about, verified.at(-1)?.about]).toEqual([`${limits.jobsKept + 2}`, '3'])
    expect(jobs.list().filter(({ kind }) => kind === 'backup')).toHaveLength(limits.jobsRunning)
  })

  it('is no longer followed when the follower goes', async () => {
    const jobs = open()
    const { id } = jobs.start('backup', '', controlled().work)
    const gone = new AbortController()
    const seen: JobStatus[] = []
    for await (const status of jobs.follow(id, gone.signal)) {
      seen.push(status)
      gone.abort()
    }
    expect(seen).toHaveLength(1)
    await jobs.close(new OperatingError('terminated', 'it ends', ''))
  })
})
