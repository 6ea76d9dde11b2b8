/**
 * How the points of a large graph are divided so that two threads can build it.
 *
 * Of each two neighbours in the order of the points, one goes to either half, and a hash of their place
 * tells which: halves are alike however the points were sorted, also where two kinds alternate. An
 * *ordinal* counts the points of the whole, an *index* those of a half; both rise together. It depends on
 * nothing but the ordinal, so that the same points give the same graph everywhere.
 */

export type Half = 0 | 1

export const otherHalf = (half: Half): Half => (half === 0 ? 1 : 0)

/** The half that the first point of a pair is in (C. Wellons' hash `lowbias32`, its lowest bit). */
function firstHalf(pair: number): number {
  let x = pair
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d)
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b)
  return (x ^ (x >>> 16)) & 1
}

/** The half that a point is in. */
export const halfOf = (ordinal: number): Half => ((ordinal & 1) ^ firstHalf(ordinal >>> 1)) as Half // one bit

/** The place of a point in its half. */
export const indexOf = (ordinal: number): number => ordinal >>> 1

/** The point at a place of a half. */
export const ordinalOf = (half: Half, index: number): number =>
  2 * index + (half ^ firstHalf(index))

/** How many of `count` points are in a half: all but one of them make pairs. */
export const countOfHalf = (half: Half, count: number): number =>
  (count >>> 1) + (count % 2 === 1 && halfOf(count - 1) === half ? 1 : 0)
