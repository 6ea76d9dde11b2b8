/** Measured against wanted, pure: every point that a check looks at, passed or not. */
import type { CheckInput } from '../plan/step-inputs.ts'
import type { Expectation } from '../target/expectation.ts'
import { shapeDifferences } from '../target/shape.ts'
import type { Measurement } from '../target/target.ts'

export interface CheckedPoint {
  readonly what: string
  readonly passed: boolean
  readonly wanted: string
  readonly found: string
}

/** In the order of the plan language: count, digest, parity, recall, latency. */
export function compareWithWanted(
  input: CheckInput,
  measurement: Measurement,
  expectation: Expectation | undefined,
): CheckedPoint[] {
  return [
    ...countPoints(input, measurement, expectation),
    ...digestPoints(input, measurement, expectation),
    ...parityPoints(input, measurement, expectation),
    ...recallPoints(input, measurement),
    ...latencyPoints(input, measurement),
  ]
}

/** A point that has nothing to be compared with is not passed. */
const nothingToCompare = 'a snapshot to compare with'

function countPoints(
  { count }: CheckInput,
  { position }: Measurement,
  expectation: Expectation | undefined,
): CheckedPoint[] {
  if (count === undefined) return []
  const found = String(position.count)
  if (count === 'equal') {
    const wanted = expectation === undefined ? nothingToCompare : `${expectation.count} points`
    return [{ what: 'count', passed: position.count === expectation?.count, wanted, found }]
  }
  const { min = 0, max } = count
  const passed = position.count >= min && position.count <= (max ?? Number.POSITIVE_INFINITY)
  const wanted = max === undefined ? `at least ${min}` : `${min} to ${max}`
  return [{ what: 'count', passed, wanted, found }]
}

function digestPoints(
  input: CheckInput,
  { digest }: Measurement,
  expectation: Expectation | undefined,
): CheckedPoint[] {
  if (input.digest === undefined) return []
  const passed = digest !== undefined && digest === expectation?.digest
  return [
    {
      what: 'content digest',
      passed,
      wanted: expectation === undefined ? nothingToCompare : shortDigest(expectation.digest),
      found: digest === undefined ? 'unknown' : shortDigest(digest),
    },
  ]
}

/** Enough digits for a person; the outputs have all of them. */
const shortDigest = (digest: string): string => `${digest.slice(0, 16)}…`

function parityPoints(
  { parity }: CheckInput,
  { shape }: Measurement,
  expectation: Expectation | undefined,
): CheckedPoint[] {
  if (!parity) return []
  if (expectation === undefined) {
    return [{ what: 'parity', passed: false, wanted: nothingToCompare, found: 'unknown' }]
  }
  const { aliases = [] } = expectation.shape
  const differences = shapeDifferences(shape, expectation.shape)
  return [
    {
      what: 'parity',
      passed: differences.length === 0,
      wanted: `same dimension, metric${aliases.length > 0 ? ', aliases' : ''} and index settings`,
      found: differences.length === 0 ? 'the same' : differences.join(', '),
    },
  ]
}

function recallPoints({ recall }: CheckInput, { search }: Measurement): CheckedPoint[] {
  if (recall === undefined) return []
  return [
    {
      what: search === undefined ? 'recall' : `recall@${search.k}`,
      passed: search !== undefined && search.queries > 0 && search.recall >= recall.min,
      wanted: `at least ${recall.min}`,
      found:
        search === undefined
          ? 'not measured'
          : `${search.recall.toFixed(4)} over ${search.queries} queries, truth from ${search.truth}`,
    },
  ]
}

function latencyPoints({ latency }: CheckInput, { search }: Measurement): CheckedPoint[] {
  if (latency === undefined) return []
  const bounds = [
    ['p50', latency.p50Ms],
    ['p95', latency.p95Ms],
    ['p99', latency.p99Ms],
  ] as const
  return bounds.flatMap(([name, boundMs]) => {
    if (boundMs === undefined) return []
    const foundMs = search?.latencyMs[name]
    return [
      {
        what: `search latency ${name}`,
        passed: foundMs !== undefined && foundMs <= boundMs,
        wanted: `at most ${boundMs} ms`,
        found: foundMs === undefined ? 'not measured' : `${foundMs.toFixed(2)} ms`,
      },
    ]
  })
}
