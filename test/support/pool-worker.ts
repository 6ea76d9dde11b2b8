/** A worker module for the tests of the thread pool: tasks that succeed, fail and die in every way. */
import { threadId } from 'node:worker_threads'
import { fail } from '../../engine/base/errors.ts'
import { serveThread, Transfer } from '../../engine/base/thread-pool.ts'

serveThread({
  double: (value: number) => value * 2,
  /** Names the thread. */
  thread: () => threadId,
  count: (upTo: number, progress) => {
    for (let done = 1; done <= upTo; done++) progress(done)
    return upTo
  },
  refuse: async () =>
    fail('damaged', 'byte 7 is wrong', 'Restore it.', {
      place: { file: '/data/a', offset: 7 },
      details: [{ path: '/a' }],
    }),
  bug: () => {
    throw new RangeError('off by one')
  },
  text: () => {
    throw 'not even an error' as unknown as Error // what a careless library does
  },
  exit: () => process.exit(3),
  crash: () =>
    new Promise(() => {
      setImmediate(() => {
        throw new Error('outside any task')
      })
    }),
  fill: (bytes: number) => {
    const filled = new Uint8Array(bytes).fill(7)
    return new Transfer(filled, [filled.buffer])
  },
  closure: () => () => 1,
  sum: (bytes: Uint8Array) => bytes.reduce((sum, each) => sum + each, 0),
  /** Takes memory until there is no more. */
  hoard: () => {
    const all: number[][] = []
    for (;;) all.push(Array.from({ length: 10_000 }, (_, index) => index + all.length))
  },
  /** Waits until somebody stores 1 in the shared cell. */
  wait: (cell: Int32Array<SharedArrayBuffer>) => Atomics.wait(cell, 0, 0),
})
