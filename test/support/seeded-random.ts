/**
 * Random numbers that a test can repeat: the same seed gives the same sequence on every machine.
 * Print the seed when a property fails; a seed that failed once joins the regressions.
 */
export interface SeededRandom {
  readonly seed: number
  /** Uniform in [0, 1), 32 bits of it. */
  next(): number
  /** Uniform integer in [0, bound). */
  integer(bound: number): number
  /** True with this probability. */
  chance(probability: number): boolean
  /** Normal with mean 0 and deviation 1 (Box and Muller, 1958). */
  normal(): number
  pick<T>(items: readonly T[]): T
  /** A shuffled copy (Fisher and Yates). */
  shuffle<T>(items: readonly T[]): T[]
  bytes(count: number): Buffer
}

/** Mulberry32 (Tommy Ettinger, public domain): small, fast, good enough to place test data. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0
  let spare: number | undefined
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const integer = (bound: number): number => Math.floor(next() * bound)
  const normal = (): number => {
    if (spare !== undefined) {
      const value = spare
      spare = undefined
      return value
    }
    const radius = Math.sqrt(-2 * Math.log(1 - next()))
    const angle = 2 * Math.PI * next()
    spare = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }
  return {
    seed,
    next,
    integer,
    normal,
    chance: (probability) => next() < probability,
    pick: <T>(items: readonly T[]): T => {
      if (items.length === 0) throw new RangeError('nothing to pick from')
      return items[integer(items.length)] as T // the index is below the length
    },
    shuffle: <T>(items: readonly T[]): T[] => {
      const copy = [...items]
      for (let last = copy.length - 1; last > 0; last--) {
        const other = integer(last + 1)
        // both indices are below the length
        ;[copy[last], copy[other]] = [copy[other] as T, copy[last] as T]
      }
      return copy
    },
    bytes: (count) => {
      const bytes = Buffer.allocUnsafe(count)
      for (let index = 0; index < count; index++) bytes[index] = integer(256)
      return bytes
    },
  }
}
