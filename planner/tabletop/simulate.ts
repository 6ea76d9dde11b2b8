/** Many trials of a model, and their sums: distributions, chances, what dominates, dead ends. Plain JSON. */

import { deadEndText } from './dead-end.ts'
import { trialKey } from './draw.ts'
import type { Model } from './model.ts'
import type { Basis } from './step-model.ts'
import { deadEnds, parts, Trial, waitPart, workPart } from './trial.ts'

/** Milliseconds; null where the service, or the data, did not come back. */
export interface Quantiles {
  readonly p5Ms: number | null
  readonly p50Ms: number | null
  readonly p90Ms: number | null
  readonly p95Ms: number | null
  readonly p99Ms: number | null
  readonly worstMs: number | null
  /** The same of 0, 1, 2 … 100 % of the trials, for whoever draws it. */
  readonly curveMs: readonly (number | null)[]
}

export interface SimulatedLoss extends Quantiles {
  readonly collection: string
  /** In words what it rests on. */
  readonly basis: string
}

export interface Chance {
  readonly collection: string
  readonly objective: 'rto' | 'rpo'
  readonly wantedMs: number
  /** Share of all trials, 0 to 1; one without a recovery does not meet it. */
  readonly chance: number
}

/** One stretch of the way from the disaster to the service. */
export interface PathPart {
  readonly part: 'noticed' | 'answered' | 'questions' | 'waiting' | 'work'
  readonly step?: string
  /** Who is waited for. */
  readonly role?: string
  /** Of the trials that came back, those in which it lay on the critical path; 0 to 1. */
  readonly onPath: number
  readonly meanMs: number
  /** Of the mean time to recover, 0 to 1. */
  readonly share: number
  /** Of the variance of the time to recover: cov(part, RTO) / var(RTO). Null where nothing varies. */
  readonly ofSpread: number | null
}

export interface StepBasis {
  readonly step: string
  readonly kind: string
  readonly duration: Basis
  readonly odds: Basis & { readonly value: number }
}

export interface SimulatedDeadEnd {
  readonly message: string
  readonly trials: number
  /** Of all trials, 0 to 1. */
  readonly share: number
}

export interface Simulation {
  readonly scenario: string
  readonly procedure: string
  readonly trials: number
  readonly seed: number
  /** Share of the trials in which the service came back. */
  readonly recovered: number
  /** Over all trials. */
  readonly rto: Quantiles
  /** Over the trials in which the service came back. */
  readonly rpo: readonly SimulatedLoss[]
  readonly chances: readonly Chance[]
  readonly path: readonly PathPart[]
  readonly deadEnds: readonly SimulatedDeadEnd[]
  /** Collections that are gone and that the procedure does not bring back. */
  readonly leftBehind: readonly { readonly collection: string; readonly message: string }[]
  readonly steps: readonly StepBasis[]
  readonly assumed: readonly string[]
}

/** @param seed 0 to 2³² − 1; the same one gives the same result */
export function simulate(model: Model, trials: number, seed: number): Simulation {
  const trial = new Trial(model)
  const rtos = new Float64Array(trials)
  const losses = model.losses.map(() => new Float64Array(trials))
  const sums = new PathSums(trial)
  const ends = new Map<number, number>()
  let recovered = 0
  for (let index = 0; index < trials; index++) {
    trial.play(trialKey(seed, index))
    rtos[index] = trial.rtoMs
    for (let each = 0; each < losses.length; each++) {
      const of = losses[each]
      if (of !== undefined) of[index] = trial.lossMs[each] ?? 0
    }
    if (trial.rtoMs < Number.POSITIVE_INFINITY) {
      recovered++
      sums.add(trial)
    } else {
      const end = endKey(model, trial.deadStep, trial.deadEnd)
      ends.set(end, (ends.get(end) ?? 0) + 1)
    }
  }
  const back = (of: Float64Array): Float64Array =>
    of.filter((_, index) => (rtos[index] ?? 0) < Number.POSITIVE_INFINITY)
  return {
    ...{ scenario: model.scenario.name, procedure: model.procedure.name, trials, seed },
    recovered: recovered / trials,
    rto: quantiles(rtos),
    rpo: model.losses.map(({ collection, basis }, index) => ({
      ...{ collection, basis },
      ...quantiles(back(losses[index] ?? new Float64Array())),
    })),
    chances: chancesOf(model, rtos, losses),
    path: sums.path(model),
    deadEnds: [...ends]
      .map(([key, count]) => ({
        message: messageOf(model, key),
        trials: count,
        share: count / trials,
      }))
      .sort((a, b) => b.trials - a.trials || (a.message < b.message ? -1 : 1)),
    leftBehind: leftBehindOf(model),
    steps: model.steps.map(({ id, kind, durationBasis, odds, oddsBasis }) => ({
      ...{ step: id, kind, duration: durationBasis },
      odds: { ...oddsBasis, value: odds },
    })),
    assumed: model.assumed,
  }
}

const endKey = ({ places }: Model, step: number, end: number): number =>
  (step + 1) * (deadEnds.place + places.length) + end

function messageOf(model: Model, key: number): string {
  const width = deadEnds.place + model.places.length
  return deadEndText(model, Math.floor(key / width) - 1, key % width)
}

/** By nearest rank. */
export function quantiles(values: Float64Array): Quantiles {
  const sorted = Float64Array.from(values).sort()
  // whole percents times whole counts: a rank is not missed by a rounded fraction
  const at = (percent: number): number | null => {
    const value = sorted[Math.max(0, Math.ceil((percent * sorted.length) / 100) - 1)]
    return value === undefined || value === Number.POSITIVE_INFINITY ? null : Math.round(value)
  }
  return {
    ...{ p5Ms: at(5), p50Ms: at(50), p90Ms: at(90), p95Ms: at(95), p99Ms: at(99) },
    worstMs: at(100),
    curveMs: Array.from({ length: 101 }, (_, percent) => at(percent)),
  }
}

function chancesOf(model: Model, rtos: Float64Array, losses: readonly Float64Array[]): Chance[] {
  const { plan } = model
  const gone = new Set(leftBehindOf(model).map(({ collection }) => collection))
  return [...plan.collections.values()].flatMap(({ name: collection, objectives }): Chance[] => {
    const index = model.losses.findIndex((loss) => loss.collection === collection)
    if (index < 0 && !gone.has(collection)) return []
    if (plan.compliance.exclusions.has(collection)) return []
    const { rtoMs, rpoMs } = objectives
    const lost = losses[index]
    const met = (isMet: (trial: number) => boolean): number =>
      index < 0 ? 0 : rtos.reduce((sum, _, trial) => sum + (isMet(trial) ? 1 : 0), 0) / rtos.length
    return [
      ...(rtoMs === undefined
        ? []
        : [
            {
              ...{ collection, objective: 'rto' as const, wantedMs: rtoMs },
              chance: met((trial) => (rtos[trial] ?? 0) <= rtoMs),
            },
          ]),
      ...(rpoMs === undefined
        ? []
        : [
            {
              ...{ collection, objective: 'rpo' as const, wantedMs: rpoMs },
              // without a recovery it is infinite
              chance: met((trial) => (lost?.[trial] ?? 0) <= rpoMs),
            },
          ]),
    ]
  })
}

function leftBehindOf({ plan, losses, places, procedure }: Model): Simulation['leftBehind'] {
  return [...plan.collections.values()].flatMap(({ name, target }) => {
    if (plan.compliance.exclusions.has(name)) return []
    if (losses.some(({ collection }) => collection === name)) return []
    const home = places.find((place) => place.what === 'target' && place.name === target)
    if (home?.lostBecause === undefined) return []
    const message = `procedure ${procedure.name} does not bring back ${name}, and its target ${target} is ${home.lostBecause}`
    return [{ collection: name, message }]
  })
}

/** Sums over the trials that came back. */
class PathSums {
  readonly #sum: Float64Array
  readonly #sumWithRto: Float64Array
  readonly #critical: Float64Array
  #count = 0
  #rto = 0
  #rtoSquared = 0

  constructor(trial: Trial) {
    this.#sum = new Float64Array(trial.parts.length)
    this.#sumWithRto = new Float64Array(trial.parts.length)
    this.#critical = new Float64Array(trial.critical.length)
  }

  add(trial: Trial): void {
    const { rtoMs } = trial
    this.#count++
    this.#rto += rtoMs
    this.#rtoSquared += rtoMs * rtoMs
    for (let part = 0; part < this.#sum.length; part++) {
      const ms = trial.parts[part] ?? 0
      this.#sum[part] = (this.#sum[part] ?? 0) + ms
      this.#sumWithRto[part] = (this.#sumWithRto[part] ?? 0) + ms * rtoMs
    }
    for (let step = 0; step < this.#critical.length; step++) {
      this.#critical[step] = (this.#critical[step] ?? 0) + (trial.critical[step] ?? 0)
    }
  }

  /** In the order of time; what took none is left out. */
  path({ steps }: Model): PathPart[] {
    if (this.#count === 0) return []
    const part = (index: number, onPath: number): Omit<PathPart, 'part'> => {
      const mean = this.#rto / this.#count
      const variance = this.#rtoSquared / this.#count - mean * mean
      const own = (this.#sum[index] ?? 0) / this.#count
      const covariance = (this.#sumWithRto[index] ?? 0) / this.#count - own * mean
      // below a millisecond it is rounding
      const ofSpread = variance < 1 ? null : rounded(covariance / variance)
      return {
        onPath,
        meanMs: Math.round(own),
        share: rounded(mean === 0 ? 0 : own / mean),
        ofSpread,
      }
    }
    const first: PathPart[] = [
      { part: 'noticed', ...part(parts.noticed, 1) },
      { part: 'answered', ...part(parts.answered, 1) },
      { part: 'questions', ...part(parts.questions, 1) },
    ]
    const rest = steps.flatMap(({ id: step, role }, index): PathPart[] => {
      const onPath = rounded((this.#critical[index] ?? 0) / this.#count)
      return [
        { part: 'waiting', step, ...(role && { role }), ...part(waitPart(index), onPath) },
        { part: 'work', step, ...(role && { role }), ...part(workPart(index), onPath) },
      ]
    })
    return [...first, ...rest].filter(({ meanMs }) => meanMs > 0)
  }
}

const rounded = (share: number): number => Math.round(share * 1e6) / 1e6
