/** What a destination with object locks must do, and what one without must refuse. */
import { expect, it } from 'vitest'
import type { Clock } from '../../engine/base/clock.ts'
import type { Destination, ObjectLocking } from '../../engine/destination/destination.ts'

const bytes = Buffer.from('value')
const hourMs = 3_600_000

/**
 * @param open an empty store that keeps locks
 * @param guarded whether it honours conditional puts too
 */
export function lockConformance(
  open: () => Promise<Destination>,
  clock: Clock,
  guarded = true,
): void {
  /** Whole seconds, as object stores keep them; one instant for all, whenever it is asked for. */
  const startMs = Math.floor(clock.nowMs() / 1000) * 1000
  const inHours = (hours: number) => startMs + hours * hourMs
  const locking = async (): Promise<{ destination: Destination; locks: ObjectLocking }> => {
    const destination = await open()
    const { objectLock: locks } = destination
    if (locks === undefined) throw new Error('the store has no locks')
    return { destination, locks }
  }

  it('says that it honours locks', async () => {
    const { locks } = await locking()
    expect(await locks.isHonoured()).toBe(true)
  })

  it.each(['governance', 'compliance'] as const)(
    'case 54: keeps a value that is locked by %s against its own delete',
    async (mode) => {
      const { destination, locks } = await locking()
      const untilMs = inHours(24)
      expect(await destination.put('a/locked', bytes, { lock: { mode, untilMs } })).toBe(true)
      await destination.put('a/free', bytes)
      expect(await locks.lockOf('a/locked')).toEqual({
        retention: { mode, untilMs },
        legalHold: false,
      })
      expect(await locks.lockOf('a/free')).toBeUndefined()
      expect(await locks.lockOf('a/none')).toBeUndefined()
      await expect(destination.delete('a/locked')).rejects.toMatchObject({
        code: 'object-locked',
        exitCode: 11,
        message: expect.stringContaining(new Date(untilMs).toISOString()),
      })
      await destination.delete('a/free')
      expect(await destination.head('a/locked')).toEqual({ sizeBytes: 5 })
      expect(await destination.head('a/free')).toBeUndefined()
    },
  )

  it('case 54: prolongs a lock and never shortens it', async () => {
    const { destination, locks } = await locking()
    await destination.put('key', bytes)
    for (const [hours, expected] of [
      [2, 2],
      [1, 2],
      [3, 3],
    ] as const) {
      await locks.extend('key', { mode: 'governance', untilMs: inHours(hours) })
      const retention = { mode: 'governance', untilMs: inHours(expected) }
      expect((await locks.lockOf('key'))?.retention).toEqual(retention)
    }
  })

  it('case 54: tightens governance or says that it cannot, and never weakens compliance', async () => {
    const { destination, locks } = await locking()
    const weak = { mode: 'governance', untilMs: inHours(1) } as const
    await destination.put('weak', bytes, { lock: weak })
    const outcome = await locks
      .extend('weak', { mode: 'compliance', untilMs: inHours(2) })
      .catch((error: unknown) => error)
    const mode = (await locks.lockOf('weak'))?.retention?.mode
    if (outcome === undefined) expect(mode).toBe('compliance')
    else expect(outcome).toMatchObject({ code: 'object-locked' })
    await destination.put('key', bytes)
    await locks.extend('key', { mode: 'compliance', untilMs: inHours(2) })
    const strict = { mode: 'compliance', untilMs: inHours(2) }
    expect((await locks.lockOf('key'))?.retention).toEqual(strict)
    await locks.extend('key', { mode: 'governance', untilMs: inHours(1) })
    expect((await locks.lockOf('key'))?.retention).toEqual(strict)
    await locks.extend('key', { mode: 'governance', untilMs: inHours(3) })
    expect((await locks.lockOf('key'))?.retention).toEqual({ ...strict, untilMs: inHours(3) })
  })

  it('does not lock what is not there', async () => {
    const { locks } = await locking()
    const lock = { mode: 'governance', untilMs: inHours(1) } as const
    await expect(locks.extend('none', lock)).rejects.toMatchObject({ code: 'file-not-found' })
  })

  it('holds a value without an end', async () => {
    const { destination, locks } = await locking()
    await destination.put('held', bytes, { legalHold: true })
    expect(await locks.lockOf('held')).toEqual({ legalHold: true })
    await expect(destination.delete('held')).rejects.toMatchObject({ code: 'object-locked' })
  })

  if (!guarded) {
    it('case 51: refuses what must be absent, and so holds no repository', async () => {
      const { destination } = await locking()
      const put = destination.put('key', bytes, { ifAbsent: true })
      await expect(put).rejects.toMatchObject({ code: 'unsupported-destination', exitCode: 2 })
      expect(await destination.head('key')).toBeUndefined()
    })
    return
  }

  it('locks the winner of a put that must find nothing, and keeps the loser from it', async () => {
    const { destination, locks } = await locking()
    const lock = { mode: 'governance', untilMs: inHours(1) } as const
    expect(await destination.put('key', bytes, { ifAbsent: true, lock })).toBe(true)
    const longer = { mode: 'governance', untilMs: inHours(9) } as const
    expect(await destination.put('key', bytes, { ifAbsent: true, lock: longer })).toBe(false)
    expect((await locks.lockOf('key'))?.retention).toEqual(lock)
  })
}

/** @param open an empty store without locks */
export function lockRefusals(open: () => Promise<Destination>): void {
  it('refuses to lock, with nothing stored', async () => {
    const destination = await open()
    const lock = { mode: 'governance', untilMs: 1e15 } as const
    for (const options of [{ lock }, { legalHold: true }]) {
      const putting = destination.put('key', bytes, options)
      await expect(putting).rejects.toMatchObject({ code: 'unsupported-destination' })
    }
    expect(await destination.head('key')).toBeUndefined()
    expect((await destination.objectLock?.isHonoured()) ?? false).toBe(false)
  })
}
