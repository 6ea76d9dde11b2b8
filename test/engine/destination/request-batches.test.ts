import { describe, expect, it } from 'vitest'
import { fail } from '../../../engine/base/errors.ts'
import { RequestBatches } from '../../../engine/destination/request-batches.ts'

const bounds = { lanes: 1, requests: 3, bytes: 100 }
const request = (key: string, weightBytes = 1) => ({ key, weightBytes })

/** Batches that end when they are told to, and what each held. */
function gated(more: Partial<typeof bounds> = {}) {
  const held: string[][] = []
  const gates: (() => void)[] = []
  const batches = new RequestBatches<ReturnType<typeof request>, string>(
    async (requests) => {
      held.push(requests.map(({ key }) => key))
      await new Promise<void>((resolve) => gates.push(resolve))
      return requests.map(({ key }) => `answer to ${key}`)
    },
    { ...bounds, ...more },
  )
  const next = async () => {
    while (gates.length === 0) await Promise.resolve()
    gates.shift()?.()
  }
  return { batches, held, next }
}

describe('RequestBatches', () => {
  it('sends together what arrives together, and then what has waited', async () => {
    const { batches, held, next } = gated()
    const first = ['a', 'b'].map((key) => batches.add(request(key)))
    await Promise.resolve()
    const second = ['c', 'd', 'e', 'f'].map((key) => batches.add(request(key)))
    await Promise.resolve()
    expect(held).toEqual([['a', 'b']])
    await next()
    expect(await Promise.all(first)).toEqual(['answer to a', 'answer to b'])
    await next()
    await Promise.all(second.slice(0, 3))
    await next()
    await Promise.all(second)
    expect(held).toEqual([['a', 'b'], ['c', 'd', 'e'], ['f']])
  })

  it('has as many under way as there are lanes', async () => {
    const { batches, held, next } = gated({ lanes: 2, requests: 1 })
    const all = ['a', 'b', 'c'].map((key) => batches.add(request(key)))
    await Promise.resolve()
    expect(held).toEqual([['a'], ['b']])
    for (const each of all) {
      await next()
      await each
    }
    expect(held).toHaveLength(3)
  })

  it('keeps two requests of one key apart, and heavy ones', async () => {
    const { batches, held, next } = gated()
    const all = [request('a'), request('a'), request('b', 99), request('c', 500)].map((each) =>
      batches.add(each),
    )
    await Promise.resolve()
    for (const each of [all[0], all[1], all[3]]) {
      await next()
      await each
    }
    await Promise.all(all)
    expect(held).toEqual([['a', 'b'], ['a'], ['c']])
  })

  it('finds the one to blame, and asks nobody twice when the store is away', async () => {
    let rounds = 0
    const failing = (code: 'disk-refused' | 'unreachable') =>
      new RequestBatches<ReturnType<typeof request>, string>(async (requests) => {
        rounds += 1
        if (requests.some(({ key }) => key === 'bad')) fail(code, 'it failed', 'Do something.')
        return requests.map(({ key }) => key)
      }, bounds)
    const settle = (batches: ReturnType<typeof failing>) =>
      Promise.allSettled(['a', 'bad', 'b'].map((key) => batches.add(request(key))))
    const one = await settle(failing('disk-refused'))
    expect(one.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(rounds).toBe(4)
    const all = await settle(failing('unreachable'))
    expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(rounds).toBe(5)
  })
})
