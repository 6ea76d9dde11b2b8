import { describe, expect, it } from 'vitest'
import { inFlight } from '../../../engine/base/in-flight.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('inFlight', () => {
  it('works on every item once, never on more than the bound at a time', async () => {
    let running = 0
    let most = 0
    const done: number[] = []
    await inFlight(
      Array.from({ length: 50 }, (_, index) => index),
      4,
      undefined,
      async (item) => {
        most = Math.max(most, ++running)
        await turn()
        running--
        done.push(item)
      },
    )
    expect(most).toBe(4)
    expect(done.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, index) => index))
  })

  it('starts nothing after a failure, waits for what runs, and throws the first failure', async () => {
    const started: number[] = []
    const finished: number[] = []
    const work = async (item: number) => {
      started.push(item)
      if (item === 2) throw new Error('two')
      await turn()
      if (item === 3) throw new Error('three')
      finished.push(item)
    }
    await expect(inFlight([0, 1, 2, 3, 4, 5, 6, 7], 4, undefined, work)).rejects.toThrow('two')
    expect(started).toEqual([0, 1, 2, 3])
    expect(finished).toEqual([0, 1])
  })

  it('stops at the signal with its reason', async () => {
    const controller = new AbortController()
    const seen: number[] = []
    const work = async (item: number) => {
      seen.push(item)
      if (item === 1) controller.abort(new Error('enough'))
    }
    await expect(inFlight([0, 1, 2, 3], 1, controller.signal, work)).rejects.toThrow('enough')
    expect(seen).toEqual([0, 1])
  })

  it('does nothing with nothing', async () => {
    await inFlight([], 4, undefined, () => Promise.reject(new Error('called')))
  })
})
