import * as path from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { ThreadPool } from '../../../engine/index.ts'
import { parsePlan } from '../../../planner/plan/parse-plan.ts'

const worker = pathToFileURL(path.resolve(import.meta.dirname, '../../support/stubborn-worker.ts'))

describe('the parser thread', () => {
  let pool: ThreadPool

  const withPool = (): ThreadPool => {
    pool = new ThreadPool(worker, 1, { maxOldGenerationSizeMb: 48 })
    return pool
  }

  afterEach(() => pool.close())

  it('case 90: a parser that hangs is stopped at its time limit', async () => {
    const threads = withPool()
    const parsed = await parsePlan('hang', { threads, timeLimitMs: 100 })
    expect(parsed).toMatchObject({ tooLarge: true, value: undefined })
    expect(parsed.problems[0]?.message).toBe(
      'the YAML parser gave up on this file: the work took longer than 100 ms',
    )
    await expect(parsePlan('next', { threads })).resolves.toMatchObject({ value: 'next' })
  })

  it('case 90: a parser that eats its memory is told as too large, and replaced', async () => {
    const threads = withPool()
    const parsed = await parsePlan('eat', { threads })
    expect(parsed).toMatchObject({ tooLarge: true, value: undefined })
    expect(parsed.problems[0]?.message).toContain('more memory than it may have')
    await expect(parsePlan('next', { threads })).resolves.toMatchObject({ value: 'next' })
  })

  it.each(['die', 'throw'])('case 90: a parser that has to %s fails one plan only', async (how) => {
    const threads = withPool()
    const parsed = await parsePlan(how, { threads })
    expect(parsed).toMatchObject({ tooLarge: false, value: undefined })
    expect(parsed.problems[0]?.message).toContain('the YAML parser gave up on this file')
    await expect(parsePlan('next', { threads })).resolves.toMatchObject({ value: 'next' })
  })

  it('leaves the others waiting for the thread unharmed', async () => {
    const threads = withPool()
    const hanging = parsePlan('hang', { threads, timeLimitMs: 50 })
    const waiting = parsePlan('waiting', { threads })
    expect((await hanging).tooLarge).toBe(true)
    expect(await waiting).toMatchObject({ value: 'waiting' })
  })
})
