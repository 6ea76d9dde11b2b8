import { expect, it } from 'vitest'
import { isOperatingError, OperatingError } from '../../../engine/base/errors.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { Throttle } from '../../../engine/destination/throttle.ts'
import { ThrottledDestination } from '../../../engine/destination/throttled.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { manualTimer } from '../../support/manual-timer.ts'

function bench(bytesPerSecond: number, signal?: AbortSignal) {
  const clock = manualClock()
  const timer = manualTimer(clock)
  return { clock, timer, throttle: new Throttle(bytesPerSecond, { clock, timer, signal }) }
}

it('lets the bytes of many puts and gets pass at the rate, however many ask at once', async () => {
  const { clock, timer, throttle } = bench(1_000)
  const destination = new ThrottledDestination(new MemoryDestination(), throttle)
  const doneAt: number[] = []
  const work = Array.from({ length: 10 }, async (_, index) => {
    await destination.put(`k${index}`, Buffer.alloc(500))
    doneAt.push(clock.monotonicMs())
  })
  for (let step = 0; step < 100; step++) await timer.pass(100)
  await Promise.all(work)
  expect(doneAt).toEqual([0, 500, 1_000, 1_500, 2_000, 2_500, 3_000, 3_500, 4_000, 4_500])
  const read = destination.get('k0', Buffer.alloc(500))
  await timer.pass(0)
  expect((await read)?.readBytes).toBe(500) // the line was idle for long: no waiting
})

it('two destinations may share one bound', async () => {
  const { clock, timer, throttle } = bench(100)
  const [a, b] = ['a', 'b'].map(
    (name) => new ThrottledDestination(new MemoryDestination(name), throttle),
  )
  await a?.put('k', Buffer.alloc(100))
  const second = b?.put('k', Buffer.alloc(100)).then(() => clock.monotonicMs())
  await timer.pass(2_000)
  expect(await second).toBe(1_000)
})

it('hands nothing out as a file, and lets a store copy by itself', async () => {
  const { throttle } = bench(1)
  const [from, to] = [new MemoryDestination('from'), new MemoryDestination('to')]
  await from.put('k', Buffer.alloc(1_000_000))
  const [a, b] = [from, to].map((each) => new ThrottledDestination(each, throttle))
  expect(await b?.threadFile('k')).toBeUndefined()
  expect(a && (await b?.copyFrom(a, 'k'))).toBe(true)
  expect((await to.head('k'))?.sizeBytes).toBe(1_000_000)
})

it('stops waiting when it is told to stop, with the reason', async () => {
  const stop = new AbortController()
  const { throttle, timer } = bench(1, stop.signal)
  await throttle.pass(1_000)
  const waiting = throttle.pass(1)
  stop.abort(new OperatingError('interrupted', 'stopped', ''))
  await expect(waiting).rejects.toSatisfy((error) => isOperatingError(error, 'interrupted'))
  expect(timer.pending).toBe(0)
})
