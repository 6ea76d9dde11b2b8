/**
 * How long something takes, as a table: one uniform number gives one duration, without allocating. Of
 * quantiles a larger number never gives a shorter duration; what was measured stands run by run.
 */

/** Pieces of the table; within a piece durations are uniform. */
const pieces = 2_048

/** Points at which a density is summed. */
const steps = 8_192

export class Distribution {
  readonly #quantiles: Float64Array
  readonly #isList: boolean

  /**
   * @param quantiles milliseconds, ascending, from that of 0 to that of 1 at even distances
   * @param isList durations in any order, each as likely as the other, and nothing between them
   */
  constructor(quantiles: Float64Array, isList = false) {
    this.#quantiles = quantiles
    this.#isList = isList
  }

  /** The duration that `u` of all are not above, or the one at `u` of a list; milliseconds. */
  at(u: number): number {
    const quantiles = this.#quantiles
    if (this.#isList) return quantiles[Math.floor(u * quantiles.length)] ?? 0
    const position = u * (quantiles.length - 1)
    const index = Math.floor(position)
    const low = quantiles[index] ?? 0
    const high = quantiles[index + 1] ?? low
    return low + (high - low) * (position - index)
  }

  /** All durations times `factor`. */
  scaled(factor: number): Distribution {
    return factor === 1
      ? this
      : new Distribution(
          this.#quantiles.map((each) => each * factor),
          this.#isList,
        )
  }
}

/** Always the same. */
export const constant = (durationMs: number): Distribution =>
  new Distribution(Float64Array.of(durationMs, durationMs))

/** Anything between the two, each as likely as the other. */
export const uniform = (fromMs: number, toMs: number): Distribution =>
  new Distribution(Float64Array.of(fromMs, toMs))

/**
 * A beta distribution between two ends whose mean is (min + 4 likely + max) / 6: what three guesses stand for
 * (PERT; Malcolm, Roseboom, Clark and Fazar, Operations Research 7, 1959).
 */
export function pert(minMs: number, likelyMs: number, maxMs: number): Distribution {
  const width = maxMs - minMs
  if (width <= 0) return constant(likelyMs)
  const left = (4 * (likelyMs - minMs)) / width
  const right = (4 * (maxMs - likelyMs)) / width
  const sums = new Float64Array(steps + 1)
  for (let step = 0; step < steps; step++) {
    const x = (step + 0.5) / steps
    sums[step + 1] = (sums[step] ?? 0) + x ** left * (1 - x) ** right
  }
  return new Distribution(quantilesOf(sums).map((x) => minMs + width * x))
}

/** From sums of a density over even steps of 0 to 1. */
function quantilesOf(sums: Float64Array): Float64Array {
  const total = sums.at(-1) ?? 0
  const quantiles = new Float64Array(pieces + 1)
  let step = 0
  for (let piece = 1; piece < pieces; piece++) {
    const wanted = (total * piece) / pieces
    while ((sums[step + 1] ?? total) < wanted) step++
    const low = sums[step] ?? 0
    const high = sums[step + 1] ?? total
    quantiles[piece] = (step + (wanted - low) / (high - low)) / steps
  }
  quantiles[pieces] = 1
  return quantiles
}

/**
 * One of those that were measured; nothing is made up. In their order: the same number takes the same run of
 * every step, so that a run that was slow throughout is one (bootstrap; Efron and Tibshirani, 1993, 8).
 * @param durationsMs one or more
 */
export const measured = (durationsMs: readonly number[]): Distribution =>
  new Distribution(Float64Array.from(durationsMs), true)
