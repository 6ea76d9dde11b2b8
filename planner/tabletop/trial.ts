/**
 * One trial: a disaster on virtual time, from its instant until the service is back or nothing goes on.
 *
 * A discrete-event simulation: the next event is the earliest try that begins or ends (ties: the step that is
 * written first). Invariants: time never runs backwards; a person does one thing at a time; who waits longer is
 * served first; a place that is away fails whoever needs it. Numbers are keyed (`draw.ts`), and buffers are made
 * once, so that ten thousand trials allocate no more than one.
 */
import { assumptions, unreachableMs } from './assumptions.ts'
import { draw, slotOf } from './draw.ts'
import { Duty } from './duty.ts'
import type { Model } from './model.ts'
import type { StepModel } from './step-model.ts'

/** What time went to: these three, then for each step its waiting for people and its work. */
export const parts = { noticed: 0, answered: 1, questions: 2, first: 3 } as const

export const waitPart = (step: number): number => parts.first + 2 * step
export const workPart = (step: number): number => parts.first + 2 * step + 1

/** Why nothing went on. A place adds its index to {@link deadEnds.place}. */
export const deadEnds = {
  none: 0,
  nobodyCalled: 1,
  nobodyAnswers: 2,
  timeout: 3,
  tries: 4,
  noSource: 5,
  runTimeout: 6,
  place: 7,
} as const

/** A longer pause than any between two tries. */
const longestPauseMs = 3_600_000
const never = Number.POSITIVE_INFINITY

const slots = {
  disaster: slotOf('instant of the disaster'),
  noticed: slotOf('disaster noticed'),
  questions: slotOf('questions'),
}

/** Of a step. */
const states = { waiting: 0, running: 1, passed: 2, failed: 3 } as const

export class Trial {
  /** Since the disaster; infinite when the service did not come back. */
  rtoMs = never
  /** One of {@link deadEnds}. */
  deadEnd: number = deadEnds.none
  /** The step at which it was, by index; −1 before the first. */
  deadStep = -1
  /** Milliseconds that lay on the way to the end, by part. */
  readonly parts: Float64Array
  /** Steps that lay on that way. */
  readonly critical: Uint8Array
  /** State that was lost, in the order of the model's losses; infinite when none is left. */
  readonly lossMs: Float64Array

  readonly #model: Model
  #key = 0
  #disasterAt = 0
  #startedMs = 0
  #hasFailed = false
  #lacks = false
  readonly #duty: Duty
  readonly #state: Uint8Array
  readonly #eventMs: Float64Array
  readonly #tries: Int32Array
  readonly #passes: Uint8Array
  readonly #reason: Int32Array
  readonly #waitMs: Float64Array
  readonly #beganMs: Float64Array
  readonly #endMs: Float64Array
  readonly #tryMs: Float64Array

  constructor(model: Model) {
    const { steps, losses } = model
    this.#model = model
    this.parts = new Float64Array(parts.first + 2 * steps.length)
    this.critical = new Uint8Array(steps.length)
    this.lossMs = new Float64Array(losses.length)
    this.#duty = new Duty(model)
    this.#state = new Uint8Array(steps.length)
    this.#eventMs = new Float64Array(steps.length)
    this.#tries = new Int32Array(steps.length)
    this.#passes = new Uint8Array(steps.length)
    this.#reason = new Int32Array(steps.length)
    this.#waitMs = new Float64Array(steps.length)
    this.#beganMs = new Float64Array(steps.length)
    this.#endMs = new Float64Array(steps.length)
    this.#tryMs = new Float64Array(steps.length)
  }

  /** Plays the trial of this key; what came of it stands in the fields until the next one. */
  play(key: number): void {
    const { window } = this.#model
    this.#key = key
    this.#disasterAt = window.from + draw(key, slots.disaster) * (window.to - window.from)
    this.#duty.begin(key, this.#disasterAt)
    this.rtoMs = never
    this.deadEnd = deadEnds.none
    this.deadStep = -1
    this.#hasFailed = false
    this.#lacks = false
    this.parts.fill(0)
    this.critical.fill(0)
    this.lossMs.fill(never)
    this.#state.fill(states.waiting)
    const startMs = this.#untilStart()
    if (startMs === never) {
      this.#die(deadEnds.nobodyCalled, -1)
      return
    }
    const endMs = this.#runAll(startMs)
    if (endMs === never || this.#lacks) return
    this.#countLosses()
    this.rtoMs = endMs
  }

  #die(deadEnd: number, step: number): void {
    if (this.deadEnd !== deadEnds.none) return
    this.deadEnd = deadEnd
    this.deadStep = step
  }

  /** Noticed, answered, questions answered. */
  #untilStart(): number {
    const { noticed, rungs, questions } = this.#model
    const noticedMs = noticed.at(draw(this.#key, slots.noticed))
    const answeredMs = rungs.length === 0 ? noticedMs : this.#duty.answeredAt(noticedMs)
    if (answeredMs === never) return never
    let startMs = answeredMs
    for (let question = 0; question < questions; question++) {
      startMs += assumptions.question.distribution.at(draw(this.#key, slots.questions, question))
    }
    this.parts[parts.noticed] = noticedMs
    this.parts[parts.answered] = answeredMs - noticedMs
    this.parts[parts.questions] = startMs - answeredMs
    return startMs
  }

  /** One group after the other. @returns when the last one ended; infinite when something stopped it */
  #runAll(startMs: number): number {
    this.#startedMs = startMs
    let atMs = startMs
    for (const group of this.#model.groups) {
      atMs = this.#runGroup(group, atMs)
      if (atMs === never) return never
    }
    return atMs
  }

  #runGroup(group: readonly number[], atMs: number): number {
    const { steps, timeoutMs } = this.#model
    const deadlineMs = this.#startedMs + timeoutMs
    let open = 0
    for (const index of group) {
      const step = steps[index]
      const isWanted = step?.when === 'always' || (step?.when === 'failure') === this.#hasFailed
      this.#state[index] = isWanted ? states.waiting : states.passed
      this.#eventMs[index] = atMs
      this.#endMs[index] = atMs
      this.#beganMs[index] = atMs
      this.#waitMs[index] = 0
      this.#tries[index] = 0
      if (isWanted) open++
    }
    while (open > 0) {
      const index = this.#next(group)
      const step = steps[index]
      const nowMs = this.#eventMs[index] ?? never
      if (step === undefined) return never
      if (nowMs > deadlineMs || nowMs === never) {
        const why = nowMs === never ? (this.#reason[index] ?? 0) : deadEnds.runTimeout
        this.#die(why, index)
        return never
      }
      if (this.#state[index] === states.waiting) {
        this.#begin(step, index, nowMs)
        continue
      }
      if (!this.#finish(step, index, nowMs)) continue
      open--
      if (this.#state[index] === states.failed && !this.#mayGoOn(step, index)) return never
    }
    return this.#closeGroup(group, atMs)
  }

  /** The step of the group whose event comes first. */
  #next(group: readonly number[]): number {
    let first = -1
    let firstMs = never
    for (const index of group) {
      const state = this.#state[index] ?? 0
      if (state !== states.waiting && state !== states.running) continue
      const eventMs = this.#eventMs[index] ?? never
      if (first < 0 || eventMs < firstMs) {
        first = index
        firstMs = eventMs
      }
    }
    return first
  }

  /** After all tries failed. */
  #mayGoOn(step: StepModel, index: number): boolean {
    this.#hasFailed = true
    if (step.goesOn && !step.bringsBack) return true
    this.#die(this.#reason[index] ?? 0, index)
    this.#lacks = true
    return step.goesOn
  }

  /** Time on the critical path is that of the step that ended last. */
  #closeGroup(group: readonly number[], atMs: number): number {
    let last = -1
    let endMs = atMs
    for (const index of group) {
      if (this.#tries[index] === 0) continue
      const end = this.#endMs[index] ?? atMs
      if (last < 0 || end > endMs) {
        last = index
        endMs = end
      }
    }
    if (last < 0) return endMs
    const waitMs = this.#waitMs[last] ?? 0
    this.critical[last] = 1
    this.parts[waitPart(last)] = waitMs
    this.parts[workPart(last)] = endMs - atMs - waitMs
    return endMs
  }

  /** A try begins: when it will end, and how, is settled here. */
  #begin(step: StepModel, index: number, nowMs: number): void {
    const attempt = this.#tries[index] ?? 0
    this.#tries[index] = attempt + 1
    this.#state[index] = states.running
    this.#passes[index] = 1
    this.#tryMs[index] = nowMs
    const workMs = step.duration.at(draw(this.#key, step.durationSlot, 2 * attempt))
    const isLucky = step.odds === 1 || draw(this.#key, step.slot, 2 * attempt + 1) <= step.odds
    const limitMs = nowMs + step.timeoutMs
    const beginsMs = step.holders === undefined ? nowMs : this.#duty.take(step, nowMs, workMs)
    let endMs = this.#throughPlaces(step, index, beginsMs, workMs)
    if (this.#passes[index] === 1 && !isLucky) this.#fail(index, deadEnds.tries)
    if (endMs > limitMs) {
      endMs = limitMs
      this.#fail(index, beginsMs === never ? deadEnds.nobodyAnswers : deadEnds.timeout)
    } else if (endMs === never) {
      this.#fail(index, deadEnds.nobodyAnswers)
    }
    this.#waitMs[index] = (this.#waitMs[index] ?? 0) + Math.min(beginsMs, endMs) - nowMs
    this.#eventMs[index] = endMs
  }

  #fail(index: number, reason: number): void {
    this.#passes[index] = 0
    this.#reason[index] = reason
  }

  /** When work that begins at `atMs` ends, with the places that it needs. */
  #throughPlaces(step: StepModel, index: number, atMs: number, workMs: number): number {
    if (atMs === never) return never
    const { places } = this.#model
    let endMs = atMs + workMs
    for (const need of step.needs) {
      const absence = places[need]?.absence
      if (absence === undefined) continue
      const backMs = absence.overAt(atMs)
      if (backMs > atMs) {
        if (step.passesWithout) return atMs + unreachableMs
        if (backMs <= atMs + step.patienceMs) {
          endMs = Math.max(endMs, backMs + workMs)
          continue
        }
        this.#fail(index, deadEnds.place + need)
        return atMs + Math.max(step.patienceMs, unreachableMs)
      }
      const awayMs = absence.nextAfter(atMs)
      if (awayMs < endMs && !step.passesWithout) {
        this.#fail(index, deadEnds.place + need)
        endMs = Math.min(endMs, awayMs)
      }
    }
    if (step.sources === undefined || this.#passes[index] === 0) return endMs
    return this.#throughSources(step, index, atMs, endMs)
  }

  /** Object by object, from whichever source is there: one of them has to be at every moment. */
  #throughSources(step: StepModel, index: number, atMs: number, endMs: number): number {
    const { places } = this.#model
    const { sources = [] } = step
    let nowMs = atMs
    while (nowMs < endMs) {
      let untilMs = -1
      for (let each = 0; each < sources.length; each++) {
        const absence = places[sources[each] ?? -1]?.absence
        if (absence === undefined || absence.overAt(nowMs) > nowMs) continue
        if (!this.#hasCopy(index, each)) continue
        untilMs = Math.max(untilMs, absence.nextAfter(nowMs))
      }
      if (untilMs < 0) {
        this.#fail(index, deadEnds.noSource)
        return Math.min(endMs, nowMs + unreachableMs)
      }
      nowMs = untilMs
    }
    return endMs
  }

  /** Whether a source holds anything to restore. */
  #hasCopy(index: number, source: number): boolean {
    for (const { step, points } of this.#model.losses) {
      if (step !== index) continue
      const asOfAt = points[source]?.(this.#disasterAt, this.#key) ?? Number.NEGATIVE_INFINITY
      return asOfAt > Number.NEGATIVE_INFINITY
    }
    return true
  }

  /** A try ends. @returns whether the step is over */
  #finish({ attempts, backoffMs, isApproval }: StepModel, index: number, nowMs: number): boolean {
    this.#endMs[index] = nowMs
    if (this.#passes[index] === 1) {
      this.#state[index] = states.passed
      return true
    }
    const made = this.#tries[index] ?? 0
    const isDeclined = isApproval && this.#reason[index] === deadEnds.tries
    if (made >= attempts || isDeclined) {
      this.#state[index] = states.failed
      return true
    }
    this.#state[index] = states.waiting
    this.#eventMs[index] = nowMs + Math.min(backoffMs * 2 ** (made - 1), longestPauseMs)
    return false
  }

  #countLosses(): void {
    const { losses, steps, places } = this.#model
    for (let index = 0; index < losses.length; index++) {
      const loss = losses[index]
      if (loss === undefined) continue
      if (loss.kind === 'lag') {
        this.lossMs[index] = loss.lag?.at(draw(this.#key, loss.slot)) ?? never
        continue
      }
      const sources = steps[loss.step]?.sources ?? []
      const atMs = this.#tryMs[loss.step] ?? 0
      let newest = Number.NEGATIVE_INFINITY
      for (let each = 0; each < sources.length; each++) {
        const absence = places[sources[each] ?? -1]?.absence
        if (absence === undefined || absence.overAt(atMs) > atMs) continue
        const points = loss.points[each]
        if (points !== undefined) newest = Math.max(newest, points(this.#disasterAt, this.#key))
      }
      this.lossMs[index] = this.#disasterAt - newest
    }
  }
}
