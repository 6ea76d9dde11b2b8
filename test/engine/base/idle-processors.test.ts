import { availableParallelism } from 'node:os'
import { expect, test } from 'vitest'
import { systemClock } from '../../../engine/base/clock.ts'
import { processorsIdle } from '../../../engine/base/idle-processors.ts'

test('processors that wait are seen, and those that work are not', async () => {
  const stop = new AbortController()
  const startedMs = systemClock.monotonicMs()
  const whole = () => availableParallelism() * (systemClock.monotonicMs() - startedMs)
  let looks = 0
  const busyTwice = () => (looks++ < 4 ? whole() : 0)
  await processorsIdle(stop.signal, busyTwice)
  expect(looks).toBe(6) // at the beginning and at the end of each window
})

test('who does not need to know any more is told so at once', async () => {
  const stop = new AbortController()
  const waiting = processorsIdle(stop.signal, () => 1e9 * systemClock.monotonicMs())
  stop.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
})
