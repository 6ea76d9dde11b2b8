import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { trialKey } from '../../../planner/tabletop/draw.ts'
import type { Model } from '../../../planner/tabletop/model.ts'
import { parts, Trial, waitPart, workPart } from '../../../planner/tabletop/trial.ts'
import { type StoryOptions, type StoryParts, storyModel } from '../../support/simulated-plan.ts'

const minute = 60_000
const count = 2_000

function played<T>(model: Model, read: (trial: Trial) => T, trials = count): T[] {
  const trial = new Trial(model)
  return Array.from({ length: trials }, (_, index) => {
    trial.play(trialKey(7, index))
    return read(trial)
  })
}

const rtosOf = (model: Model): number[] => played(model, ({ rtoMs }) => rtoMs)
const rtos = async (parts: StoryParts, options?: StoryOptions) =>
  rtosOf(await storyModel(parts, options))

const mean = (values: readonly number[]): number =>
  values.reduce((sum, each) => sum + each, 0) / values.length
const variance = (values: readonly number[]): number =>
  mean(values.map((each) => (each - mean(values)) ** 2))
const shareBack = (values: readonly number[]): number =>
  values.filter((each) => each < Number.POSITIVE_INFINITY).length / values.length

/** Steps of a program that take as long as they are said to. */
const exec = (id: string, takes: string, more = ''): string =>
  `      - exec: { command: [/bin/true] }\n        id: ${id}\n        takes: ${takes}\n${more}`

const crew = (deputy: string, ann = '24x7', bob = '24x7'): string => `people:
  roles:
    engineer: { primary: ann${deputy === '' ? '' : `, deputies: [${deputy}]`} }
  contacts:
    ann: { name: Ann, hours: "${ann}" }
    bob: { name: Bob, hours: "${bob}" }
`

const twoByHand = `      - parallel:
          - manual: { do: "the one", role: engineer }
            id: one
            takes: { min: 10m, likely: 10m, max: 10m }
          - manual: { do: "the other", role: engineer }
            id: other
            takes: { min: 10m, likely: 10m, max: 10m }
`

describe('closed forms', () => {
  test('the sum of two PERT times has the sum of their means and of their variances', async () => {
    const all = await rtos({
      steps:
        exec('a', '{ min: 5m, likely: 10m, max: 30m }') +
        exec('b', '{ min: 1m, likely: 2m, max: 3m }'),
    })
    const means = [(5 + 40 + 30) / 6, 2].map((each) => each * minute)
    const [a = 0, b = 0] = means
    const variances = [
      ((a - 5 * minute) * (30 * minute - a)) / 7,
      ((b - minute) * (3 * minute - b)) / 7,
    ]
    const expected = (variances[0] ?? 0) + (variances[1] ?? 0)
    expect(Math.abs(mean(all) - a - b)).toBeLessThan(4 * Math.sqrt(expected / count))
    expect(variance(all) / expected).toBeGreaterThan(0.9)
    expect(variance(all) / expected).toBeLessThan(1.1)
  })

  test('two that run side by side take as long as the longer one', async () => {
    const fixed = (ms: string) => `{ min: ${ms}, likely: ${ms}, max: ${ms} }`
    const side = `      - parallel:
          - exec: { command: [/bin/true] }
            id: short
            takes: ${fixed('3m')}
          - exec: { command: [/bin/true] }
            id: long
            takes: ${fixed('7m')}
`
    const model = await storyModel({ steps: side })
    const [first] = played(
      model,
      (trial) => ({ rto: trial.rtoMs, critical: [...trial.critical] }),
      1,
    )
    expect(first).toEqual({ rto: 7 * minute, critical: [0, 1] })
  })

  test('one person does two things one after the other, two people at once', async () => {
    const answered = (trial: Trial) => trial.rtoMs - (trial.parts[parts.answered] ?? 0)
    const alone = await storyModel({ steps: twoByHand, people: crew('') })
    expect(new Set(played(alone, (trial) => Math.round(answered(trial))))).toEqual(
      new Set([20 * minute]),
    )
    const both = await storyModel({ steps: twoByHand, people: crew('bob') })
    expect(Math.max(...played(both, answered))).toBeLessThanOrEqual(20 * minute + 1)
    // bob is called 5 min later and takes 10 min at most
    expect(mean(played(both, answered))).toBeLessThan(19 * minute)
  })

  test('a queue of four before one person: each waits for those before it, as sums of their times', async () => {
    const takes = '{ min: 2m, likely: 4m, max: 12m }'
    const names = ['a', 'b', 'c', 'd']
    const tasks = names.map(
      (id) =>
        `          - manual: { do: "${id}", role: engineer }\n            id: ${id}\n            takes: ${takes}\n`,
    )
    const steps = `      - parallel:\n${tasks.join('')}`
    const model = await storyModel({ steps, people: crew('') })
    const one = ((2 + 16 + 12) / 6) * minute
    const spread = ((one - 2 * minute) * (12 * minute - one)) / 7
    const near = (sum: readonly number[], times: number) => {
      expect(Math.abs(mean(sum) - times * one)).toBeLessThan(
        4 * Math.sqrt((times * spread) / count),
      )
      expect(variance(sum) / (times * spread)).toBeGreaterThan(0.9)
      expect(variance(sum) / (times * spread)).toBeLessThan(1.1)
    }
    // all of them, and what the last one waited for
    near(
      played(model, (trial) => trial.rtoMs - (trial.parts[parts.answered] ?? 0)),
      4,
    )
    const waited = (trial: Trial) =>
      names.reduce((sum, _, step) => sum + (trial.parts[waitPart(step)] ?? 0), 0)
    near(played(model, waited), 3)
  })

  test('what surely fails never comes back, however often it is tried', async () => {
    const model = await storyModel({
      procedure: '    retry: { attempts: 3, backoff: 1m }',
      steps: exec('a', '{ min: 1m, likely: 1m, max: 1m }', '        odds: 0\n'),
    })
    expect(shareBack(rtosOf(model))).toBe(0)
  })

  test('three tries of one half come back in seven of eight, pauses doubling', async () => {
    const all = await rtos({
      procedure: '    retry: { attempts: 3, backoff: 1m }',
      steps: exec('a', '{ min: 1m, likely: 1m, max: 1m }', '        odds: 0.5\n'),
    })
    expect(Math.abs(shareBack(all) - 7 / 8)).toBeLessThan(4 * Math.sqrt(7 / 64 / count))
    // 1; 1 + 1 + 1; 1 + 1 + 1 + 2 + 1
    const back = all.filter((each) => each < Number.POSITIVE_INFINITY)
    expect([...new Set(back.map((each) => Math.round(each / minute)))].sort()).toEqual([1, 3, 6])
  })

  test('a time-out cuts a step off: a uniform share of a known one passes', async () => {
    const all = await rtos({
      steps: exec('a', '{ min: 0s, likely: 5m, max: 10m }', '        timeout: 5m\n'),
    })
    // symmetrical: one half is shorter
    expect(Math.abs(shareBack(all) - 0.5)).toBeLessThan(4 * Math.sqrt(0.25 / count))
  })
})

describe('places', () => {
  const promote = '      - promote: { target: spare, collections: [words] }\n'
  const restore = (from: string): string =>
    `      - restore: { from: [${from}], collection: words, into: spare }\n        takes: { min: 4m, likely: 4m, max: 4m }\n`
  const schedules =
    'schedules: { often: { every: 1h, steps: [{ backup: { collections: [words], to: near } }, { copy: { from: near, to: far, collection: words } }] } }'

  test('a lost target, and a target that is away when it is needed, stop what needs them', async () => {
    expect(shareBack(await rtos({ steps: promote, loses: '{ node: n2 }' }))).toBe(0)
    const injects = '      - { at: 0m, fail: { target: spare, for: 2m } }'
    expect(shareBack(await rtos({ steps: promote, injects }))).toBe(0)
    const procedure = '    retry: { attempts: 3, backoff: 90s }'
    // tries at 0 s and 100 s fail after 10 s each, the one after another 180 s passes
    expect(shareBack(await rtos({ steps: promote, injects, procedure }))).toBe(1)
  })

  test('a restore goes on from another source when one goes away, and fails without any', async () => {
    const injects = '      - { at: 2m, fail: { destination: far, for: 10m } }'
    const lost = '{ node: n7 }'
    expect(
      shareBack(await rtos({ steps: restore('far, near'), injects, loses: lost, schedules })),
    ).toBe(1)
    expect(shareBack(await rtos({ steps: restore('far'), injects, loses: lost, schedules }))).toBe(
      0,
    )
  })

  test('what is lost is no source of copies, and what holds none is not either', async () => {
    expect(shareBack(await rtos({ steps: restore('near'), schedules }))).toBe(0)
    expect(shareBack(await rtos({ steps: restore('far'), schedules }))).toBe(1)
    expect(shareBack(await rtos({ steps: restore('far') }))).toBe(0)
  })

  test('fewer copies never lower the loss', async () => {
    const losses = async (from: string) =>
      played(
        await storyModel({ steps: restore(from), schedules, loses: '{ node: n7 }' }),
        (trial) => trial.lossMs[0] ?? 0,
      )
    const [both, far, near] = [await losses('near, far'), await losses('far'), await losses('near')]
    both.forEach((loss, index) => {
      expect(loss).toBe(Math.min(far[index] ?? 0, near[index] ?? 0))
    })
    expect(mean(far)).toBeGreaterThan(mean(near))
  })

  test('ten times the data takes ten times as long to bring back', async () => {
    const [once] = await rtos({ steps: restore('far'), schedules })
    const [tenfold] = await rtos({ steps: restore('far'), schedules }, { dataSize: 10 })
    expect([once, tenfold]).toEqual([4 * minute, 40 * minute])
  })
})

describe('people', () => {
  const byHand =
    '      - manual: { do: "it", role: engineer }\n        takes: { min: 1m, likely: 2m, max: 9m }\n'

  test('nobody is there for who is missing, and their deputy steps in', async () => {
    const without = [{ what: 'contact', name: 'ann' }] as const
    expect(shareBack(await rtos({ steps: byHand, people: crew('') }, { without }))).toBe(0)
    expect(shareBack(await rtos({ steps: byHand, people: crew('bob') }, { without }))).toBe(1)
  })

  test('more people never make it slower', async () => {
    const hours = fc.constantFrom(
      '24x7',
      'Mon-Fri 08:00-18:00',
      'Sat 09:00-12:00',
      'Sun-Thu 22:00-06:00',
    )
    const takes = fc.integer({ min: 1, max: 60 })
    await fc.assert(
      fc.asyncProperty(
        hours,
        hours,
        fc.array(takes, { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        async (ann, bob, times, side) => {
          const inner = times
            .map(
              (each, index) =>
                `          - manual: { do: it, role: engineer }\n            id: s${index}\n            takes: { min: ${each}m, likely: ${each}m, max: ${2 * each}m }\n`,
            )
            .join('')
          const steps = side ? `      - parallel:\n${inner}` : inner.replaceAll(/^ {4}/gm, '')
          const few = await storyModel({ steps, people: crew('', ann, bob) })
          const more = await storyModel({ steps, people: crew('bob', ann, bob) })
          const [slow, quick] = [few, more].map((model) => played(model, ({ rtoMs }) => rtoMs, 100))
          slow?.forEach((each, index) => {
            expect(quick?.[index]).toBeLessThanOrEqual(each + 1e-3)
          })
        },
      ),
      { numRuns: 15 },
    )
  })

  test('time never runs backwards, and its parts make up the whole', async () => {
    const model = await storyModel({
      procedure: '    ask: { when: { question: "Since when?", type: instant } }',
      steps: `${byHand}${exec('a', '{ min: 1m, likely: 2m, max: 3m }', '        odds: 0.6\n        retry: { attempts: 4, backoff: 30s }\n')}${twoByHand}`,
      people: crew('bob'),
    })
    let back = 0
    played(model, (trial) => {
      expect(Math.min(...trial.parts)).toBeGreaterThanOrEqual(0)
      if (trial.rtoMs === Number.POSITIVE_INFINITY) return
      back++
      expect(trial.parts.reduce((sum, each) => sum + each, 0)).toBeCloseTo(trial.rtoMs, 3)
      expect(trial.parts[waitPart(1)]).toBe(0)
      expect(trial.parts[workPart(1)]).toBeGreaterThan(minute - 1)
    })
    expect(back).toBeGreaterThan(count * 0.9)
  })
})
