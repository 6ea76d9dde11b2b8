import { afterEach, describe, expect, test } from 'vitest'
import { OperatingError } from '../../../engine/base/errors.ts'
import { besideModule, ThreadPool } from '../../../engine/base/thread-pool.ts'

const workerModule = new URL('../../support/pool-worker.ts', import.meta.url)
const pools: ThreadPool[] = []

function startPool(size: number): ThreadPool {
  const pool = new ThreadPool(workerModule, size)
  pools.push(pool)
  return pool
}

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()))
})

describe('a thread pool', () => {
  test('answers every task, more of them than threads, in any order of ending', async () => {
    const pool = startPool(2)
    const values = Array.from({ length: 50 }, (_, index) => index)
    const answers = await Promise.all(values.map((value) => pool.run<number>('double', value)))
    expect(answers).toEqual(values.map((value) => value * 2))
  })

  test('runs as many tasks side by side as it has threads, and no more', async () => {
    const pool = startPool(2)
    const cell = new Int32Array(new SharedArrayBuffer(4))
    const blocked = [pool.run('wait', cell), pool.run('wait', cell)]
    const third = pool.run<number>('double', 4)
    const first = await Promise.race([third.then(() => 'third'), nextTurns(50).then(() => 'none')])
    expect(first).toBe('none')
    Atomics.store(cell, 0, 1)
    Atomics.notify(cell, 0)
    expect(await Promise.all(blocked)).toHaveLength(2)
    expect(await third).toBe(8)
  })

  test('takes waiting tasks by rank, of one rank in their order', async () => {
    const pool = startPool(1)
    const cell = new Int32Array(new SharedArrayBuffer(4))
    const blocked = pool.run('wait', cell)
    const ended: string[] = []
    const waiting = (['last', 'usual', 'soon', 'first', 'last', 'first'] as const).map(
      async (rank, index) => {
        await pool.run('double', index, { rank })
        ended.push(`${rank} ${index}`)
      },
    )
    Atomics.store(cell, 0, 1)
    Atomics.notify(cell, 0)
    await Promise.all([blocked, ...waiting])
    expect(ended).toEqual(['first 3', 'first 5', 'soon 2', 'usual 1', 'last 0', 'last 4'])
  })

  test('hands on progress in order, before the result', async () => {
    const seen: unknown[] = []
    const result = await startPool(1).run('count', 5, { onProgress: (value) => seen.push(value) })
    expect(seen).toEqual([1, 2, 3, 4, 5])
    expect(result).toBe(5)
  })

  test('moves buffers in and out instead of copying them', async () => {
    const pool = startPool(1)
    const bytes = new Uint8Array([1, 2, 3])
    const sum = await pool.run('sum', bytes, { transfer: [bytes.buffer] })
    expect(sum).toBe(6)
    expect(bytes.byteLength).toBe(0)
    expect(await pool.run<Uint8Array>('fill', 3)).toEqual(new Uint8Array([7, 7, 7]))
  })

  test('an operating error crosses whole', async () => {
    const error: unknown = await startPool(1)
      .run('refuse', undefined)
      .catch((each) => each)
    expect(error).toBeInstanceOf(OperatingError)
    expect(error).toMatchObject({
      code: 'damaged',
      message: 'byte 7 is wrong',
      hint: 'Restore it.',
      place: { file: '/data/a', offset: 7 },
      details: [{ path: '/a' }],
    })
  })

  test('a bug crosses with its message and the stack of the worker, and is no operating error', async () => {
    const error: unknown = await startPool(1)
      .run('bug', undefined)
      .catch((each) => each)
    expect(error).not.toBeInstanceOf(OperatingError)
    expect(error).toMatchObject({
      message: 'off by one',
      stack: expect.stringContaining('pool-worker'),
    })
    await expect(startPool(1).run('text', undefined)).rejects.toThrow('not even an error')
  })

  test('an unknown task is a bug that names it', async () => {
    await expect(startPool(1).run('absent', undefined)).rejects.toThrow('absent')
  })

  test.each([
    ['exits', 'exit', 'exited with 3'],
    ['throws outside its task', 'crash', 'outside any task'],
  ])('a worker that %s fails its own task and is replaced', async (_what, task, message) => {
    const pool = startPool(1)
    const before = await pool.run('thread', undefined)
    const [died, queued] = await Promise.allSettled([
      pool.run(task, undefined),
      pool.run<number>('double', 21),
    ])
    expect(died).toMatchObject({
      status: 'rejected',
      reason: { message: expect.stringContaining(message) },
    })
    expect(queued).toEqual({ status: 'fulfilled', value: 42 })
    expect(await pool.run('thread', undefined)).not.toBe(before)
  })

  test('a worker module that cannot be loaded fails its tasks', async () => {
    const pool = new ThreadPool(new URL('./no-such-worker.ts', import.meta.url), 1)
    await expect(pool.run('double', 1)).rejects.toThrow('no-such-worker')
  })

  test('an input that cannot be sent fails its task and leaves the thread usable', async () => {
    const pool = startPool(1)
    await expect(pool.run('double', () => 1)).rejects.toThrow(/could not be cloned/)
    expect(await pool.run('double', 4)).toBe(8)
  })

  test('a result that cannot be sent fails its task', async () => {
    const pool = startPool(1)
    await expect(pool.run('closure', undefined)).rejects.toThrow(/could not be cloned/)
    expect(await pool.run('double', 4)).toBe(8)
  })

  test('a task that works longer than it may is ended, and its thread replaced', async () => {
    const pool = startPool(1)
    const before = await pool.run('thread', undefined)
    const cell = new Int32Array(new SharedArrayBuffer(4))
    await expect(pool.run('wait', cell, { timeLimitMs: 20 })).rejects.toMatchObject({
      code: 'limit-exceeded',
      message: expect.stringContaining('20 ms'),
    })
    expect(await pool.run('thread', undefined, { timeLimitMs: 60_000 })).not.toBe(before)
  })

  test('a task that outgrows its memory is ended, and the process lives', async () => {
    const pool = new ThreadPool(workerModule, 1, { maxOldGenerationSizeMb: 32 })
    pools.push(pool)
    await expect(pool.run('hoard', undefined)).rejects.toMatchObject({ code: 'limit-exceeded' })
    expect(await pool.run('double', 4)).toBe(8)
  })

  test('resting ends the threads that have nothing to do, and the next task starts one', async () => {
    const pool = startPool(2)
    const cell = new Int32Array(new SharedArrayBuffer(4))
    const running = pool.run('wait', cell)
    const before = await pool.run<number>('thread', undefined)
    pool.rest()
    expect(await pool.run<number>('thread', undefined)).not.toBe(before)
    Atomics.store(cell, 0, 1)
    Atomics.notify(cell, 0)
    await running
    pool.rest()
    expect(pool.isRunning).toBe(false)
    expect(await pool.run('double', 2)).toBe(4)
  })

  test('closing rejects what runs and what waits', async () => {
    const pool = startPool(1)
    const cell = new Int32Array(new SharedArrayBuffer(4))
    const running = pool.run('wait', cell)
    const waiting = pool.run('double', 1)
    const settled = Promise.allSettled([running, waiting])
    await pool.close()
    for (const each of await settled) expect(each.status).toBe('rejected')
    await expect(pool.run('double', 1)).rejects.toThrow('closed')
  })

  test('closing waits for a task that ends itself, which answers as ever', async () => {
    const pool = startPool(2)
    const cell = new Int32Array(new SharedArrayBuffer(4))
    const running = pool.run('wait', cell, { endsItself: true })
    const ending = pool.run('exit', undefined, { endsItself: true }).catch(() => 'its thread ended')
    const waiting = pool.run('double', 1, { endsItself: true }).catch((error) => String(error))
    let closed = false
    const closing = pool.close().then(() => {
      closed = true
    })
    expect(await waiting).toContain('closed')
    expect(await ending).toBe('its thread ended')
    await nextTurns(50)
    expect(closed).toBe(false)
    Atomics.store(cell, 0, 1)
    Atomics.notify(cell, 0)
    expect(['ok', 'not-equal']).toContain(await running)
    await closing
  })

  test('a pool of no threads has one', () => {
    expect(startPool(0).size).toBe(1)
    expect(startPool(3).size).toBe(3)
  })
})

test('a worker is found beside its module, with the ending of the module', () => {
  expect(besideModule('file:///app/dist/engine/ann/pool.js', 'ann-worker').href).toBe(
    'file:///app/dist/engine/ann/ann-worker.js',
  )
  expect(besideModule('file:///app/engine/ann/pool.ts', 'ann-worker').href).toBe(
    'file:///app/engine/ann/ann-worker.ts',
  )
})

/** Lets the event loop turn so often that a message from an idle thread would have come. */
async function nextTurns(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
}
