import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openSample } from '../../../engine/backup/sample.ts'

const items = Array.from({ length: 1_000 }, (_, index) => `item ${index}`)
const name = (each: string) => each

describe('a sample', () => {
  it('is of the share that was asked for, and the same for the same seed', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.nat(1_000),
        fc.nat(),
        (percent, count, seed) => {
          const all = items.slice(0, count)
          const sample = openSample({ share: percent / 100, seed })
          const chosen = sample.of(all, name)
          expect(chosen).toHaveLength(Math.ceil((count * percent) / 100))
          expect(openSample({ share: percent / 100, seed }).of(all, name)).toEqual(chosen)
          expect(all.filter((each) => chosen.includes(each))).toEqual(chosen)
        },
      ),
      { numRuns: 30 },
    )
  })

  it('reaches everything under some seed, and another part under another', () => {
    const seen = new Set<string>()
    for (let seed = 0; seed < 200; seed++) {
      for (const each of openSample({ share: 0.05, seed }).of(items, name)) seen.add(each)
    }
    expect(seen.size).toBeGreaterThan(990)
    const [a, b] = [1, 2].map((seed) => openSample({ share: 0.05, seed }).of(items, name))
    expect(a).not.toEqual(b)
    const taken = items.filter((each) => openSample({ share: 0.2, seed: 3 }).takes(each)).length
    expect(taken).toBeGreaterThan(150)
    expect(taken).toBeLessThan(250)
  })

  it('has a seed of its own when none is given, and refuses no share', () => {
    expect(openSample({ share: 1 }).seed).toBeGreaterThanOrEqual(0)
    for (const share of [0, -1, 1.01, Number.NaN]) {
      expect(() => openSample({ share })).toThrow(expect.objectContaining({ code: 'usage' }))
    }
  })
})
