import { once } from 'node:events'
import { hostname } from 'node:os'
import { execa } from 'execa'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { limits } from '../../../engine/base/limits.ts'
import { hostBoot, processStart } from '../../../engine/base/process-start.ts'
import type { Destination } from '../../../engine/destination/destination.ts'
import { DirectoryDestination } from '../../../engine/destination/directory.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import {
  conflicts,
  encodeLock,
  type LockFile,
  type LockKind,
  type LockOwner,
  lockKey,
  lockKinds,
} from '../../../engine/repository/lock-file.ts'
import {
  holdExclusive,
  holdRetention,
  holdShared,
  type LockRequest,
  listLocks,
  type RepositoryLock,
} from '../../../engine/repository/locks.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { manualTimer, settle } from '../../support/manual-timer.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'

const here: LockOwner = { host: 'here', pid: 1, startedAt: null, boot: null }
const there: LockOwner = { host: 'there', pid: 1, startedAt: null, boot: null }

function world(destination: Destination = new MemoryDestination()) {
  const clock = manualClock()
  const timer = manualTimer(clock)
  const request = (purpose: string, changes: Partial<LockRequest> = {}): LockRequest => ({
    purpose,
    clock,
    timer,
    owner: here,
    waitMs: 0,
    ...changes,
  })
  return { destination, clock, timer, request, repository: { destination } }
}

const holds: Record<
  LockKind,
  (repository: { destination: Destination }, request: LockRequest) => Promise<RepositoryLock>
> = { shared: holdShared, retention: holdRetention, exclusive: holdExclusive }

/** A lock that somebody else wrote. */
function plant(destination: Destination, changes: Partial<LockFile> = {}) {
  const lock: LockFile = {
    kind: 'shared',
    holder: 'a'.repeat(32),
    renewal: 0,
    purpose: 'a backup of products',
    owner: there,
    since: '2026-01-01T00:00:00.000Z',
    renewedAt: '2026-01-01T00:00:00.000Z',
    released: false,
    ...changes,
  }
  return destination.put(lockKey(lock), encodeLock(lock))
}

/** What came of a promise so far. */
function watch<T>(promise: Promise<T>) {
  const seen: { state: 'pending' | 'done' | 'failed'; value?: T; error?: unknown } = {
    state: 'pending',
  }
  promise.then(
    (value) => Object.assign(seen, { state: 'done', value }),
    (error: unknown) => Object.assign(seen, { state: 'failed', error }),
  )
  return seen
}

describe('two locks of one repository', () => {
  for (const first of lockKinds) {
    for (const second of lockKinds) {
      const together = !conflicts(first, second)
      it(`${first} and ${second} ${together ? 'go together' : 'keep each other out'}`, async () => {
        const { repository, request } = world()
        const held = await holds[first](repository, request('the first'))
        const asked = holds[second](repository, request('the second'))
        if (together) await (await asked).release()
        else {
          await expect(asked).rejects.toMatchObject({
            code: 'locked',
            exitCode: 11,
            message: expect.stringMatching(
              /by the first in process 1 on host here since 2026-01-01/,
            ),
          })
        }
        await held.release()
        await (await holds[second](repository, request('the second'))).release()
        expect(await listLocks(repository)).toEqual([])
      })
    }
  }

  it('the second gets its turn when the first is done within its patience', async () => {
    const { repository, request, timer } = world()
    const backup = await holdShared(repository, request('a backup'))
    const told: string[] = []
    const onWait = (sentence: string) => told.push(sentence)
    const prune = watch(holdExclusive(repository, request('prune', { waitMs: 60_000, onWait })))
    await timer.pass(20_000)
    expect(prune.state).toBe('pending')
    expect(told).toEqual([expect.stringMatching(/^waiting: .* in use by a backup in process 1 /)])
    const late = watch(holdShared(repository, request('a late backup', { waitMs: 60_000 })))
    await timer.pass(5_000)
    expect(late.state).toBe('pending') // prune was first, although it waits itself
    await backup.release()
    await timer.pass(2_000)
    expect([prune.state, late.state]).toEqual(['done', 'pending'])
    await prune.value?.release()
    await timer.pass(2_000)
    expect(late.state).toBe('done')
    await late.value?.release()
    expect(timer.pending).toBe(0)
  })

  it('one that is told to stop while it waits leaves nothing behind', async () => {
    const { repository, request, timer } = world()
    const backup = await holdShared(repository, request('a backup'))
    const stop = new AbortController()
    const asked = watch(
      holdExclusive(repository, request('prune', { waitMs: 60_000, signal: stop.signal })),
    )
    await timer.pass(3_000)
    stop.abort(new Error('enough'))
    await timer.pass(0)
    expect(asked).toMatchObject({ state: 'failed', error: { message: 'enough' } })
    await backup.release()
    expect(await listLocks(repository)).toEqual([])
    expect(timer.pending).toBe(0)
  })
})

/** A destination whose every call waits for its turn. */
class Turns extends MemoryDestination {
  readonly waiting: (() => void)[] = []
  readonly #turn = () => new Promise<void>((resolve) => void this.waiting.push(resolve))

  override async put(...args: Parameters<MemoryDestination['put']>) {
    await this.#turn()
    return super.put(...args)
  }
  override async get(...args: Parameters<MemoryDestination['get']>) {
    await this.#turn()
    return super.get(...args)
  }
  override async delete(key: string) {
    await this.#turn()
    return super.delete(key)
  }
  override async *list(prefix: string) {
    await this.#turn()
    const keys = []
    for await (const each of super.list(prefix)) keys.push(each)
    await this.#turn()
    yield* keys
  }
}

describe('any order in which calls of several processes reach the store', () => {
  it('case 37, case 38: never lets two that conflict hold it at once, and lets one of two have it in the end', async () => {
    const kinds = fc.array(fc.constantFrom(...lockKinds), { minLength: 2, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(kinds, fc.infiniteStream(fc.nat()), async (asked, order) => {
        const destination = new Turns()
        const { repository, request, timer } = world(destination)
        const holding = new Set<LockKind>()
        const inside: LockKind[][] = []
        let done = 0
        const runs = asked.map(async (kind, index) => {
          const lock = await holds[kind](repository, request(`${index}`, { waitMs: 86_400_000 }))
          const others = [...holding]
          for (const other of others) expect(conflicts(kind, other)).toBe(false)
          inside.push([kind, ...others])
          holding.add(kind)
          await lock.confirm()
          await destination.head('anything')
          holding.delete(kind)
          await lock.release()
          done++
        })
        const all = watch(Promise.all(runs))
        for (let step = 0; step < 20_000 && all.state === 'pending'; step++) {
          await settle()
          const { waiting } = destination
          if (waiting.length === 0) await timer.pass(1_000)
          else waiting.splice(Number(order.next().value) % waiting.length, 1)[0]?.()
        }
        expect(all).toMatchObject({ state: 'done' })
        expect(done).toBe(asked.length)
      }),
      { numRuns: 60 },
    )
  })
})

describe('a lock that is held', () => {
  it('is renewed under another name each time, and gone when it is released', async () => {
    const { repository, request, timer } = world()
    const lock = await holdShared(repository, request('a backup'))
    const names = new Set<string>()
    for (let hour = 0; hour < 2; hour++) {
      await timer.pass(3_600_000)
      const standing = await listLocks(repository)
      expect(standing).toHaveLength(1)
      for (const each of standing) names.add(lockKey(each))
      await lock.confirm()
    }
    expect(names.size).toBe(2)
    await lock.release()
    expect(await listLocks(repository)).toEqual([])
    expect(timer.pending).toBe(0)
  })

  it('is lost for good when somebody removed it, and says so at once and at the next renewal', async () => {
    for (const how of ['confirm', 'renew']) {
      const { repository, destination, request, timer } = world()
      const lock = await holdShared(repository, request('a backup'))
      for (const name of await listLocks(repository)) await destination.delete(lockKey(name))
      if (how === 'confirm') await expect(lock.confirm()).rejects.toMatchObject({ code: 'locked' })
      else await timer.pass(limits.repositoryLockRenewMs)
      expect(lock.lost.reason).toMatchObject({ code: 'locked', exitCode: 11 })
      await expect(lock.confirm()).rejects.toMatchObject({ code: 'locked' })
      await timer.pass(limits.repositoryLockRenewMs)
      expect(await listLocks(repository)).toEqual([])
    }
  })

  it('survives a store that is away for a while, and leaves nothing of the renewals that failed', async () => {
    const disk = new FaultyDisk(new MemoryDisk())
    const { repository, request, timer } = world(new DirectoryDestination(disk, '/repo'))
    const lock = await holdShared(repository, request('a backup'))
    for (let at = 1; at < 8; at++) {
      disk.arm({ at, times: Number.POSITIVE_INFINITY, errno: 'EIO' })
      await timer.pass(limits.repositoryLockRenewMs)
      disk.disarm()
      await lock.confirm()
    }
    await timer.pass(limits.repositoryLockRenewMs)
    await lock.confirm()
    await lock.release()
    expect(await listLocks(repository)).toEqual([])
  })

  it('case 53: is overwritten as released where its account may not delete', async () => {
    const disk = new FaultyDisk(new MemoryDisk())
    const { repository, request, timer } = world(new DirectoryDestination(disk, '/repo'))
    disk.arm({
      calls: ['unlink'],
      path: /\/locks\//,
      times: Number.POSITIVE_INFINITY,
      errno: 'EACCES',
    })
    const lock = await holdShared(repository, request('a backup'))
    await timer.pass(2 * limits.repositoryLockRenewMs)
    await lock.confirm()
    await expect(holdExclusive(repository, request('prune'))).rejects.toMatchObject({
      code: 'locked',
    })
    await lock.release()
    expect(await listLocks(repository)).toHaveLength(4) // two renewals, and the one that was refused
    await (await holdExclusive(repository, request('prune'))).release()
    disk.disarm()
    await (await holdExclusive(repository, request('prune'))).release()
    expect(await listLocks(repository)).toEqual([]) // who may delete takes them away
  })
})

describe('a lock whose holder may be gone', () => {
  it('case 36: on this host the process decides: dead and reused pids are passed over, a living one never', async () => {
    const child = execa(process.execPath, ['-e', ''], { reject: false })
    await once(child, 'spawn')
    const deadPid = child.pid ?? 0
    await child
    const boot = (await hostBoot()) ?? null
    const self = { host: hostname(), pid: process.pid, boot }
    const startedAt = (await processStart(process.pid)) ?? null
    const cases: [what: string, owner: LockOwner, free: boolean][] = [
      ['dead', { ...self, pid: deadPid, startedAt: '1' }, true],
      ['reused', { ...self, startedAt: 'other' }, true],
      ['alive', { ...self, startedAt }, false],
      ['alive, start unknown', { ...self, startedAt: null }, false],
      ['on another host', { ...self, pid: deadPid, host: 'elsewhere', startedAt: '1' }, false],
      ['before a reboot', { ...self, pid: deadPid, boot: 'other', startedAt: '1' }, false],
      ['boot unknown', { ...self, pid: deadPid, boot: null, startedAt: '1' }, false],
    ]
    for (const [what, owner, free] of cases) {
      const { repository, destination, request } = world()
      await plant(destination, { owner })
      const asked = holdExclusive(repository, request('prune', { owner: { ...self, startedAt } }))
      if (free) await (await asked).release()
      else await expect(asked, what).rejects.toMatchObject({ code: 'locked' })
      expect((await listLocks(repository)).length, what).toBe(free ? 0 : 1)
    }
  })

  it('case 36, case 40: elsewhere it must look expired and then stay unrenewed while it is watched', async () => {
    const { repository, destination, request, timer, clock } = world()
    await plant(destination)
    clock.advance(limits.repositoryLockStaleMs + 1)
    const asked = watch(holdExclusive(repository, request('prune')))
    await timer.pass(limits.repositoryLockWatchMs - 2_000)
    expect(asked.state).toBe('pending')
    await timer.pass(4_000)
    expect(asked.state).toBe('done')
    await asked.value?.release()
    expect(await listLocks(repository)).toEqual([])
  })

  it('case 40: a clock ten years ahead takes nothing from a holder that renews', async () => {
    const { repository, destination, clock, timer, request } = world()
    const backup = await holdShared(repository, request('a backup', { owner: there }))
    const ahead = { ...clock, nowMs: () => clock.nowMs() + 10 * 365 * 86_400_000 }
    const asked = watch(holdExclusive({ destination }, request('prune', { clock: ahead })))
    for (let minute = 0; minute < 20; minute++) {
      await timer.pass(60_000)
      await backup.confirm()
    }
    expect(asked.state).toBe('pending')
    await backup.release()
    await timer.pass(2_000)
    expect(asked.state).toBe('done')
    await asked.value?.release()
  })

  it('case 40: a lock from the future is never removed, whatever time passes', async () => {
    const { repository, destination, request, timer } = world()
    await plant(destination, { renewedAt: '2036-01-01T00:00:00.000Z' })
    const asked = watch(holdExclusive(repository, request('prune', { waitMs: 86_400_000 })))
    await timer.pass(3_600_000)
    expect(asked.state).toBe('pending')
    expect(await listLocks(repository)).toHaveLength(2)
  })

  it('case 36: one that cannot be read is named, and stays', async () => {
    const { repository, destination, request } = world()
    const key = lockKey({ kind: 'shared', holder: 'b'.repeat(32), renewal: 4 })
    await destination.put(key, Buffer.from('{}'))
    await expect(holdExclusive(repository, request('prune'))).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringContaining('cannot be read'),
      hint: expect.stringContaining(key),
    })
    expect(await listLocks(repository)).toHaveLength(1)
    await (await holdShared(repository, request('a backup'))).release()
  })

  it('a holder that slept too long finds its lock gone', async () => {
    const { repository, destination, clock, timer, request } = world()
    const asleep = { after: () => () => {} } // its timer never fires
    const backup = await holdShared(repository, request('b', { owner: there, timer: asleep }))
    clock.advance(limits.repositoryLockStaleMs + 1)
    const prune = watch(holdExclusive({ destination }, request('prune')))
    await timer.pass(limits.repositoryLockWatchMs + 2_000)
    expect(prune.state).toBe('done')
    await expect(backup.confirm()).rejects.toMatchObject({ code: 'locked' })
    await prune.value?.release()
  })
})

describe('somebody who only reads', () => {
  const readOnly = () => {
    const disk = new FaultyDisk(new MemoryDisk())
    disk.arm({ times: Number.POSITIVE_INFINITY, errno: 'EROFS' })
    return world(new DirectoryDestination(disk, '/repo'))
  }

  it('goes on where nothing may be written, and says that it is not protected', async () => {
    for (const protection of ['where-writable', 'preferred'] as const) {
      const { repository, request } = readOnly()
      const lock = await holdShared(repository, request('a restore'), protection)
      expect(lock.unprotected).toMatch(/not protected from a prune .* EROFS/)
      await lock.confirm()
      await lock.release()
    }
    const { repository, request } = readOnly()
    await expect(holdShared(repository, request('a backup'))).rejects.toMatchObject({
      code: 'disk-refused',
    })
  })

  it('case 38: waits for a prune; then a restore goes on with a remark, a verification does not', async () => {
    const { repository, request, timer } = world()
    const prune = await holdExclusive(repository, request('prune'))
    const restore = watch(holdShared(repository, request('r', { waitMs: undefined }), 'preferred'))
    const verification = watch(
      holdShared(repository, request('v', { waitMs: undefined }), 'where-writable'),
    )
    await timer.pass(limits.restoreLockWaitMs - 2_000)
    expect([restore.state, verification.state]).toEqual(['pending', 'pending'])
    await timer.pass(4_000)
    expect(restore).toMatchObject({ state: 'done' })
    expect(restore.value?.unprotected).toMatch(/not protected .* in use by prune/)
    await timer.pass(limits.repositoryLockWaitMs)
    expect(verification).toMatchObject({ state: 'failed', error: { code: 'locked' } })
    await prune.release()
  })
})

it('nothing is removed from a store whose listing does not show what was just written', async () => {
  class Lagging extends MemoryDestination {
    override async *list() {}
  }
  const { repository, request } = world(new Lagging())
  await expect(holdExclusive(repository, request('prune'))).rejects.toMatchObject({
    code: 'unsupported-destination',
  })
  await expect(holdRetention(repository, request('forget'))).rejects.toMatchObject({
    code: 'unsupported-destination',
  })
  await (await holdShared(repository, request('a backup'))).release()
})
