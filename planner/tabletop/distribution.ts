/**
 * How long something takes, as a table: one uniform number gives one duration, without allocating. Of
 * quantiles a larger number never gives a shorter duration; what was measured stands run by run, each with
 * what may lie around it.
 */
import assert from 'node:assert'

/** Pieces of the table; within a piece durations are uniform. */
const pieces = 2_048

/** Points at which a density is summed. */
const steps = 8_192

export class Distribution {
  readonly #quantiles: Float64Array
  readonly #widening: number | undefined

  /**
   * @param quantiles milliseconds, ascending, from that of 0 to that of 1 at even distances
   * @param widening given where they are durations in any order, each as likely as the other: e to the power of
   * this is how far around each of them a duration may lie, both ways, its mean being the one that is given
   */
  constructor(quantiles: Float64Array, widening?: number) {
    this.#quantiles = quantiles
    this.#widening = widening
  }

  /** The duration that `u` of all are not above, or one around that at `u` of a list; milliseconds. */
  at(u: number): number {
    const quantiles = this.#quantiles
    if (this.#widening !== undefined) return around(quantiles, this.#widening, u)
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
          this.#widening,
        )
  }
}

/** What is left of `u` once it has chosen one of the list is as uniform as `u` itself. */
function around(list: Float64Array, widening: number, u: number): number {
  const position = u * list.length
  const index = Math.floor(position)
  const duration = list[index] ?? 0
  if (widening === 0) return duration
  const mean = Math.sinh(widening) / widening
  return (duration * Math.exp(widening * (2 * (position - index) - 1))) / mean
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
 * One of those that were measured, or near it. In their order: the same number takes the same run of every step, so
 * that a run that was slow throughout is one (smoothed bootstrap; Efron and Tibshirani, 1993, 8 and 16.4).
 *
 * Ten runs have no tails: the eleventh is shorter or longer than all of them in 2 of 11 cases, and a plain bootstrap
 * never is. Each is widened, evenly on the scale of logarithms, so that all together spread like the next one of a
 * log-normal sample (a predictive t distribution of n − 1 degrees; Geisser, Predictive Inference, 1993). The next run
 * then lies between p5 and p95 about nine times of ten, from three runs on and not of log-normal ones alone.
 * @param durationsMs two or more: one tells nothing of the spread
 */
export const measured = (durationsMs: readonly number[]): Distribution =>
  new Distribution(Float64Array.from(durationsMs), wideningOf(durationsMs))

/** Clocks do not tell less, milliseconds. */
const leastMs = 1

/** Of t distributions with 1 or 2 degrees of freedom the variance is infinite: that of 3 is taken. */
const leastDegrees = 3

function wideningOf(durationsMs: readonly number[]): number {
  const count = durationsMs.length
  assert(count > 1, 'one run tells nothing of the spread')
  const logs = durationsMs.map((each) => Math.log(Math.max(leastMs, each)))
  const mean = logs.reduce((sum, each) => sum + each, 0) / count
  const variance = logs.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (count - 1)
  const degrees = Math.max(leastDegrees, count - 1)
  const ofNext = variance * (1 + 1 / count) * (degrees / (degrees - 2))
  const ofRuns = (variance * (count - 1)) / count
  // a uniform one from −w to w has the variance w²/3
  return Math.sqrt(3 * (ofNext - ofRuns))
}
