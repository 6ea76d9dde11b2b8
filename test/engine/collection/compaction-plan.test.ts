import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { limits } from '../../../engine/base/limits.ts'
import { type Mergeable, planFull, planMerge } from '../../../engine/collection/compaction-plan.ts'
import { firstMergedSegment } from '../../../engine/format/manifest.ts'

const liveOf = ({ count, deleted }: Mergeable): number => count - deleted
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)

const segment = (number: number, count: number, deleted = 0, pointBytes = 40): Mergeable => ({
  number,
  count,
  deleted,
  sizeBytes: count * (pointBytes + 32),
  pointsBytes: count * pointBytes,
})

const dimensions = fc.constantFrom(2, 8, 384, 1_536, 65_536)
const segments = fc
  .array(
    fc.record({
      // sizes of every tier, and far above what a merge may make
      count: fc.oneof(
        fc
          .double({ min: 0, max: Math.log(4_000_000), noNaN: true })
          .map((power) => Math.ceil(Math.exp(power))),
        // around a quarter of what a merge may make
        fc.integer({ min: 64_000, max: 255_999 }),
      ),
      deleted: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1, noNaN: true })),
      pointBytes: fc.constantFrom(20, 200, 20_000),
      merged: fc.boolean(),
    }),
    { maxLength: 40, size: 'max' },
  )
  .map((all) =>
    all
      .map(({ count, deleted, pointBytes, merged }, index) => {
        const number = 1 + index + (merged ? firstMergedSegment : 0)
        return segment(number, count, Math.floor(deleted * count), pointBytes)
      })
      .sort((a, b) => a.number - b.number),
  )

const chosen = (all: readonly Mergeable[], numbers: readonly number[]): Mergeable[] =>
  all.filter(({ number }) => numbers.includes(number))

function expectFits(
  group: readonly Mergeable[],
  dimension: number,
  points: number,
  vectorBytes: number,
): void {
  const live = sum(group.map(liveOf))
  expect(live).toBeLessThanOrEqual(points)
  expect(4 * dimension * live).toBeLessThanOrEqual(vectorBytes)
  expect(sum(group.map((each) => each.pointsBytes))).toBeLessThanOrEqual(limits.mergedPointsBytes)
}

/** What a merge of `numbers` leaves. */
function afterMerge(all: readonly Mergeable[], numbers: readonly number[]): Mergeable[] {
  const group = chosen(all, numbers)
  const live = sum(group.map(liveOf))
  const rest = all.filter(({ number }) => !numbers.includes(number))
  if (live === 0) return rest
  const number = Math.max(firstMergedSegment - 1, ...all.map((each) => each.number)) + 1
  const points = sum(group.map((each) => each.pointsBytes))
  return [...rest, { ...segment(number, live), pointsBytes: points }]
}

/** Merges until there is nothing to do. */
function settle(all: readonly Mergeable[], dimension: number) {
  let now = [...all]
  let rewritten = 0
  for (let merges = 0; ; merges++) {
    const numbers = planMerge(now, dimension)
    if (numbers.length === 0) return { now, merges, rewritten }
    rewritten += sum(chosen(now, numbers).map(liveOf))
    now = afterMerge(now, numbers)
    if (merges > 2 * all.length) throw new Error('it does not settle')
  }
}

describe('the plan of a merge in the background', () => {
  test('names segments that are there, each once, rising, and within the bounds', () => {
    fc.assert(
      fc.property(segments, dimensions, (all, dimension) => {
        const numbers = planMerge(all, dimension)
        expect([...new Set(numbers)].sort((a, b) => a - b)).toEqual(numbers)
        const group = chosen(all, numbers)
        expect(group).toHaveLength(numbers.length)
        expectFits(group, dimension, limits.mergedPoints, limits.mergedVectorBytes)
        // several of about one size, or one of which enough is dead
        if (group.length === 1) {
          const [only] = group
          expect((only?.deleted ?? 0) / (only?.count ?? 1)).toBeGreaterThanOrEqual(
            limits.decayedPercent / 100,
          )
        } else if (group.length > 0) {
          expect(group.length).toBeGreaterThanOrEqual(limits.mergedAtOnce)
          const sizes = group.map(liveOf)
          const [least, most] = [Math.min(...sizes), Math.max(...sizes)]
          if (most >= limits.graphPoints)
            expect(most / least).toBeLessThanOrEqual(limits.mergedAtOnce * (1 + 1e-9))
        }
      }),
      { verbose: 1 },
    )
  })

  test('comes to an end, and leaves nothing decayed and nothing of one size that fits together', () => {
    fc.assert(
      fc.property(segments, dimensions, (all, dimension) => {
        const { now } = settle(all, dimension)
        const tiers = new Map<number, Mergeable[]>()
        for (const each of now) {
          const size = Math.max(1, liveOf(each) / limits.graphPoints)
          const isSmall = liveOf(each) < limits.graphPoints
          const tier = isSmall ? -1 : Math.floor(Math.log(size) / Math.log(limits.mergedAtOnce))
          tiers.set(tier, [...(tiers.get(tier) ?? []), each])
        }
        for (const members of tiers.values()) {
          const smallest = members
            .sort((a, b) => liveOf(a) - liveOf(b))
            .slice(0, limits.mergedAtOnce)
          if (smallest.length < limits.mergedAtOnce) continue
          const live = sum(smallest.map(liveOf))
          const points = sum(smallest.map((each) => each.pointsBytes))
          expect(
            live > limits.mergedPoints ||
              4 * dimension * live > limits.mergedVectorBytes ||
              points > limits.mergedPointsBytes,
          ).toBe(true)
        }
        for (const each of now) {
          if (each.deleted * 100 < limits.decayedPercent * each.count) continue
          const live = liveOf(each)
          expect(
            live > limits.mergedPoints ||
              4 * dimension * live > limits.mergedVectorBytes ||
              each.pointsBytes > limits.mergedPointsBytes,
          ).toBe(true)
        }
        expect(sum(now.map(liveOf))).toBe(sum(all.map(liveOf)))
      }),
      { verbose: 1 },
    )
  })

  test('keeps the segments of a growing collection few, and writes each point once a tier', () => {
    for (const sealed of [100, 1_500]) {
      let now: Mergeable[] = []
      let points = 0
      let rewritten = 0
      for (let number = 1; points < limits.mergedPoints; number++) {
        now = [segment(number, sealed), ...now].sort((a, b) => a.number - b.number)
        points += sealed
        const settled = settle(now, 8)
        now = settled.now
        rewritten += settled.rewritten
        // below a graph all are one tier: three at most; and three in each tier above it
        const above = Math.max(0, Math.log(points / limits.graphPoints))
        const tiers = 2 + Math.floor(above / Math.log(limits.mergedAtOnce))
        expect(now.length).toBeLessThanOrEqual(tiers * (limits.mergedAtOnce - 1))
      }
      const tiers = 1 + Math.ceil(Math.log(points) / Math.log(limits.mergedAtOnce))
      console.log(
        `${points} points in steps of ${sealed}: ${now.length} segments, ${(rewritten / points).toFixed(1)} times written again`,
      )
      expect(rewritten / points).toBeLessThanOrEqual(tiers)
    }
  })

  test('is not held up by large segments of a tier in which small ones still fit together', () => {
    const large = [1, 2, 3].map((index) => segment(firstMergedSegment + index, 250_000))
    const small = [4, 5, 6, 7].map((index) => segment(firstMergedSegment + index, 70_000))
    const numbers = planMerge([...large, ...small], 8)
    expect(numbers).toEqual(expect.arrayContaining(small.map(({ number }) => number)))
  })
})

describe('the plan of a merge on request', () => {
  test('takes each segment at most once, in groups within the bounds, and leaves nothing dead', () => {
    fc.assert(
      fc.property(segments, dimensions, (all, dimension) => {
        const groups = planFull(all, dimension)
        const numbers = groups.flat()
        expect(new Set(numbers).size).toBe(numbers.length)
        for (const group of groups) {
          const members = chosen(all, group)
          expect(members).toHaveLength(group.length)
          // one that is too large already is made smaller by itself
          if (members.length > 1) {
            const { segmentPointsRead, segmentVectorBytesMerged } = limits
            expectFits(members, dimension, segmentPointsRead, segmentVectorBytesMerged)
          } else expect(members[0]?.deleted).toBeGreaterThan(0)
        }
        for (const each of all) {
          if (each.deleted > 0) expect(numbers).toContain(each.number)
        }
      }),
      { verbose: 1 },
    )
  })

  test('is one group where all fit into one segment, and none where one is left', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 2 }), (counts) => {
        const all = counts.map((count, index) => segment(index + 1, count))
        const numbers = all.map(({ number }) => number)
        expect(planFull(all, 8)).toEqual([numbers])
        expect(planFull(afterMerge(all, numbers), 8)).toEqual([])
      }),
      { verbose: 1 },
    )
    expect(planFull([], 8)).toEqual([])
  })
})
