import { describe, expect, it, onTestFinished } from 'vitest'
import { OperatingError } from '../../../engine/base/errors.ts'
import { VectraClient } from '../../../engine/server/client.ts'
import type { JobWorld } from '../../../engine/server/jobs.ts'
import { beginJob, runJob } from '../../../engine/server/remote-jobs.ts'
import { serving } from '../../support/serving.ts'
import { TcpProxy } from '../../support/tcp-proxy.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const path = '/vectra/v1/prove'
const request = { collection: 'c' }

/** A server whose jobs do `work` instead of their own, and a client that `signal` stops. */
async function world(work: (world: JobWorld) => Promise<object>, signal?: AbortSignal) {
  const { served, url, close } = await serving(await temporaryDirectory())
  const { jobs } = served
  const start = jobs.start.bind(jobs)
  jobs.start = (kind, about) => start(kind, about, work)
  return { jobs, url, close, client: new VectraClient({ endpoint: url, signal }) }
}

describe('a job of a server', () => {
  it('is watched to its result; progress is told, and each warning once', async () => {
    const { client } = await world(async ({ progress, warn }) => {
      warn('slow')
      progress({ phase: 'upload', unit: 'bytes', done: 5 })
      await new Promise((resolve) => setImmediate(resolve))
      warn('slower')
      return { count: 7 }
    })
    const told: unknown[] = []
    const watcher = {
      progress: ({ done }: { done: number }) => told.push(done),
      warn: (sentence: string) => told.push(sentence),
    }
    expect(await runJob(client, path, request, watcher)).toEqual({ count: 7 })
    expect(told.filter((each) => typeof each === 'string')).toEqual(['slow', 'slower'])
    expect(told).toContain(5)
  })

  it('fails here with what it failed with there', async () => {
    const { client } = await world(() =>
      Promise.reject(new OperatingError('damaged', 'a piece is broken', 'Restore it.')),
    )
    await expect(runJob(client, path, request)).rejects.toMatchObject({
      ...{ code: 'damaged', message: 'a piece is broken', hint: 'Restore it.' },
    })
  })

  it('is cancelled when whoever waits stops, who goes when it has undone what it began', async () => {
    const stop = new AbortController()
    const done: string[] = []
    const { client, jobs } = await world(async ({ signal }) => {
      stop.abort(new OperatingError('interrupted', 'a person stopped it', ''))
      if (!signal.aborted) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
      }
      await new Promise((resolve) => setImmediate(resolve))
      done.push('undone')
      throw signal.reason
    }, stop.signal)
    const running = runJob(client, path, request).finally(() => done.push('gone'))
    await expect(running).rejects.toThrow('a person stopped it')
    expect(done).toEqual(['undone', 'gone'])
    expect(jobs.list()).toEqual([expect.objectContaining({ state: 'cancelled' })])
  })

  it('is followed on when a connection was cut, and not when its server is gone', async () => {
    const proxy = await TcpProxy.open()
    onTestFinished(() => proxy.close())
    const { url, close } = await world(async ({ progress, signal }) => {
      progress({ phase: 'upload', unit: 'bytes', done: ++begun })
      return new Promise((resolve, reject) => {
        finish = () => resolve({ count: 7 })
        signal.addEventListener('abort', () => reject(signal.reason))
      })
    })
    let begun = 0
    let finish = () => {}
    proxy.target = Number(new URL(url).port)
    const client = new VectraClient({ endpoint: proxy.url })
    let heard = 0
    const progress = () => {
      heard++
      if (heard === 1) proxy.mode = 'cut'
      proxy.mode = 'pass'
      if (heard === 2) finish()
    }
    expect(await runJob(client, path, request, { progress })).toEqual({ count: 7 })
    expect(begun).toBe(1)
    const gone = runJob(client, path, request, {
      progress: () => {
        proxy.mode = 'cut'
      },
    })
    await expect(gone).rejects.toThrow(/stopped while the job prove-[0-9a-f]+ was under way/)
    await close()
  })

  it('is not begun by somebody who was stopped before', async () => {
    const { client, jobs } = await world(
      async () => ({}),
      AbortSignal.abort(new OperatingError('interrupted', 'a person stopped it', '')),
    )
    await expect(beginJob(client, path, request)).rejects.toThrow('a person stopped it')
    expect(jobs.list()).toEqual([])
  })
})
