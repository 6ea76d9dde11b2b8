import { expect, test } from 'vitest'
import { defaults, limits, MiB } from '../../../engine/base/limits.ts'

test('every bound is a positive safe integer', () => {
  for (const [name, bound] of Object.entries(limits)) {
    expect(Number.isSafeInteger(bound) && bound > 0, name).toBe(true)
  }
})

test('defaults lie within the bounds', () => {
  expect(defaults.m).toBeLessThanOrEqual(limits.hnswM)
  expect(defaults.efConstruction).toBeLessThanOrEqual(limits.hnswEfConstruction)
  expect(defaults.ef).toBeLessThanOrEqual(limits.searchEf)
  expect(defaults.k).toBeLessThanOrEqual(limits.searchK)
  expect(defaults.goldenSample).toBeLessThanOrEqual(limits.goldenQueries)
  expect(defaults.importBatch).toBeLessThanOrEqual(limits.batchPoints)
})

test('a reader accepts what a writer may produce', () => {
  expect(limits.segmentPointsRead).toBeGreaterThanOrEqual(limits.segmentPoints)
  expect(limits.pieceBytes).toBe(16 * MiB)
  // one vector of the greatest dimension fits a record with its id and metadata
  const pointBytes = limits.dimension * 4 + limits.idBytes + limits.metadataBytes
  expect(limits.walPayloadBytes).toBeGreaterThan(pointBytes)
  expect(limits.segmentVectorBytes).toBeGreaterThanOrEqual(limits.dimension * 4)
})
