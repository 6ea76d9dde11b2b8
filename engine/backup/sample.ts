/**
 * A random part of something, chosen again alike from the same seed: everything is ordered by a hash of the
 * seed and its name, and the first ones are taken. Names that come or go do not change the order of others.
 */
import { randomInt } from 'node:crypto'
import { sha256Hex } from '../base/checksum.ts'
import { fail } from '../base/errors.ts'

export interface SampleRequest {
  /** Above 0, up to 1. */
  readonly share: number
  /** Default: a random one. */
  readonly seed?: number
}

export interface Sample {
  readonly share: number
  readonly seed: number
  /** At least one, unless there is none; in the order in which they were given. */
  of<T>(items: readonly T[], nameOf: (item: T) => string): readonly T[]
  /** Whether something is in a part of about that share, told by its name alone. */
  takes(name: string): boolean
}

/** Seeds that a person can type. */
const mostSeeds = 2 ** 32

/** @throws `usage` for a share that is none */
export function openSample({ share, seed = randomInt(mostSeeds) }: SampleRequest): Sample {
  if (!(share > 0 && share <= 1)) {
    fail(
      'usage',
      `a sample of ${share * 100} percent is none`,
      'Give more than 0% and at most 100%.',
    )
  }
  return {
    share,
    seed,
    takes: (name) =>
      Number.parseInt(sha256Hex(`${seed} ${name}`).slice(0, 8), 16) < share * 2 ** 32,
    of(items, nameOf) {
      const scored = items.map((item) => ({ item, score: sha256Hex(`${seed} ${nameOf(item)}`) }))
      const order = [...scored].sort((a, b) => (a.score < b.score ? -1 : 1))
      const chosen = new Set(order.slice(0, Math.ceil(items.length * share)))
      return scored.filter((each) => chosen.has(each)).map(({ item }) => item)
    },
  }
}
