import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LiveState } from '../../../engine/collection/live-state.ts'
import { scanPoints } from '../../../engine/collection/scan-points.ts'
import { acceptPoint, type PointId } from '../../../engine/format/point.ts'
import { modelDigest, randomPoint, smallConfig, type TestPoint } from '../../support/collections.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const operation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('upsert' as const), id: fc.nat(40) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), id: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('freeze' as const) }) },
)

/** Every id is where the state says, with its content; nothing else lives. */
async function expectState(state: LiveState, model: Map<PointId, TestPoint>): Promise<void> {
  expect(state.count).toBe(model.size)
  expect(state.digest).toBe(modelDigest(model.values()))
  const ids: PointId[] = []
  for await (const { id } of scanPoints(state.segments)) ids.push(id)
  expect(ids).toHaveLength(model.size)
  expect(new Set(ids)).toEqual(new Set(model.keys()))
  expect(state.segments.reduce((sum, each) => sum + each.live, 0)).toBe(model.size)
  for (const [id, point] of model) {
    const location = state.locate(id)
    if (location === undefined) throw new Error(`${id} is not there`)
    const { segment, ordinal } = location
    expect(segment.id(ordinal)).toBe(id)
    expect(segment.metadata(ordinal)).toEqual(point.metadata)
    expect([...(await segment.vector(ordinal))]).toEqual(point.vector)
  }
}

describe('the live state', () => {
  test('equals a plain map after any writes and freezes', { timeout: 60_000 }, async () => {
    let freezes = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(operation, { maxLength: 120, size: 'max' }),
        fc.nat(),
        async (operations, seed) => {
          const random = seededRandom(seed)
          const state = new LiveState(8, [], 1)
          const model = new Map<PointId, TestPoint>()
          let next = 1
          for (const [lsn, each] of operations.entries()) {
            if (each.kind === 'upsert') {
              const point = randomPoint(random, each.id)
              state.apply({ kind: 'upsert', points: [acceptPoint(point, smallConfig)] }, lsn)
              model.set(point.id, point)
            } else if (each.kind === 'delete') {
              state.apply({ kind: 'delete', ids: [each.id] }, lsn)
              model.delete(each.id)
            } else if (state.activeMemory.count > 0) {
              const { count } = state.activeMemory
              const frozen = state.freeze()
              expect([frozen.number, frozen.table.count]).toEqual([next, count])
              expect(state.active.number).toBe(++next)
              freezes++
            }
          }
          await expectState(state, model)
        },
      ),
      { numRuns: 100 },
    )
    expect(freezes).toBeGreaterThan(10)
  })
})
