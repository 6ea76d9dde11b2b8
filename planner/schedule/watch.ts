/**
 * The daemon's loop over one plan: decide, run, look again.
 *
 * - One run at a time: what falls due meanwhile runs once afterwards, and that is told.
 * - It looks at clock and plan file every few seconds, so that a clock that jumps, a host that slept and
 *   a plan that changed are noticed within one nap; a plan that is invalid is told and the old one kept.
 * - What was due while nobody watched (before the start, while the host slept) was missed.
 * - After a signal to stop it begins nothing; the run under way is stopped by the runner itself.
 */
import type { Clock, Timer } from '../../engine/index.ts'
import type { Plan } from '../plan/plan.ts'
import { pause } from '../step/timer.ts'
import { type Decision, type Due, decide } from './decision.ts'
import { jumpMs, napMs, watchedSince } from './limits.ts'
import { type ServedTimes, withServed } from './served-times.ts'
import { keyOf, type Timed, timedOf } from './timed.ts'

/** `busy`: another process runs the plan. `served`: it has been run meanwhile. `refused`: it needs a yes. */
export type WatchedOutcome = 'passed' | 'failed' | 'busy' | 'served' | 'refused'

export type WatchEvent =
  | { readonly kind: 'looked'; readonly plan: Plan; readonly decisions: readonly Decision[] }
  | { readonly kind: 'run-started'; readonly plan: Plan; readonly sequence: Timed }
  | {
      readonly kind: 'run-ended'
      readonly plan: Plan
      readonly sequence: Timed
      readonly outcome: WatchedOutcome
      readonly durationMs: number
    }
  | {
      readonly kind: 'coalesced'
      readonly plan: Plan
      readonly sequence: Timed
      readonly meanwhile: Timed
    }
  | { readonly kind: 'clock-jumped'; readonly plan: Plan; readonly byMs: number }
  | { readonly kind: 'plan-reloaded'; readonly plan: Plan }
  /** The old one stays in force. */
  | { readonly kind: 'plan-refused'; readonly plan: Plan; readonly error: unknown }

export interface WatchTools {
  readonly clock: Clock
  readonly timer: Timer
  readonly stopSignal: AbortSignal
  /** SHA-256 of the plan file as it is now; undefined when it cannot be read. */
  fingerprint(): Promise<string | undefined>
  /** The plan as it is now. @throws when it is not valid */
  load(): Promise<Plan>
  served(plan: Plan): Promise<ServedTimes>
  /** Runs it to its end and tells how it went. @throws only what must end the daemon */
  run(plan: Plan, due: Due): Promise<WatchedOutcome>
  observe(event: WatchEvent): void
}

/** Watches until the stop signal. {@link PlanWatch.reload} may be called at any time. */
export class PlanWatch {
  readonly #tools: WatchTools
  #plan: Plan
  #served: ServedTimes = { dueAt: new Map() }
  #watchedSinceAt = 0
  #decisions: readonly Decision[] | undefined
  #looked: { readonly wallMs: number; readonly monotonicMs: number }
  /** The file that was refused, so that it is told once. */
  #refused: string | undefined
  #forced = false
  #wake = new AbortController()

  constructor(plan: Plan, tools: WatchTools) {
    this.#plan = plan
    this.#tools = tools
    this.#looked = this.#now()
  }

  /** Reads the plan again, also when the file has not changed. */
  reload(): void {
    this.#forced = true
    this.#wake.abort()
  }

  /** @throws what {@link WatchTools.run} throws, and what reading the ledger throws at the start */
  async watch(): Promise<void> {
    const { clock, stopSignal } = this.#tools
    this.#watchedSinceAt = watchedSince(clock.nowMs())
    this.#served = await this.#tools.served(this.#plan)
    while (!stopSignal.aborted) {
      await this.#reloadChanged()
      this.#noticeJump()
      const decisions = this.#standing()
      this.#tools.observe({ kind: 'looked', plan: this.#plan, decisions })
      const [due] = dueOf(decisions)
      if (due === undefined) await this.#nap(decisions)
      else await this.#run(due)
    }
  }

  /** What was decided holds until something starts, the clock jumps, or the plan changes. */
  #standing(): readonly Decision[] {
    const now = this.#tools.clock.nowMs()
    const holds = this.#decisions?.every(
      (each) => each.kind === 'later' && (each.next === undefined || each.next.startAt > now),
    )
    if (!holds || this.#decisions === undefined) this.#decisions = this.#decide()
    return this.#decisions
  }

  #decide(): Decision[] {
    const moment = { now: this.#tools.clock.nowMs(), watchedSinceAt: this.#watchedSinceAt }
    return timedOf(this.#plan).map((each) => decide(this.#plan.name, each, this.#served, moment))
  }

  async #run(due: Due): Promise<void> {
    const { clock, observe } = this.#tools
    const plan = this.#plan
    const { sequence, dueAt } = due
    this.#decisions = undefined
    const waiting = new Set(dueOf(this.#decide()).map((each) => keyOf(each.sequence)))
    observe({ kind: 'run-started', plan, sequence })
    const startedMs = clock.monotonicMs()
    const outcome = await this.#tools.run(plan, due)
    const durationMs = clock.monotonicMs() - startedMs
    observe({ kind: 'run-ended', plan, sequence, outcome, durationMs })
    this.#noticeJump()
    if (outcome === 'busy') {
      await this.#sleep(napMs)
      return
    }
    // a run that did not get into the ledger is not tried again and again either
    if (outcome === 'served') this.#served = await this.#tools.served(plan)
    this.#served = withServed(this.#served, keyOf(sequence), dueAt)
    for (const each of dueOf(this.#decide())) {
      if (waiting.has(keyOf(each.sequence)) && keyOf(each.sequence) !== keyOf(sequence)) continue
      observe({ kind: 'coalesced', plan, sequence: each.sequence, meanwhile: sequence })
    }
  }

  async #reloadChanged(): Promise<void> {
    const { fingerprint, load, observe } = this.#tools
    const found = await fingerprint()
    const forced = this.#forced
    this.#forced = false
    if (!forced && (found === this.#plan.sha256 || found === this.#refused)) return
    try {
      const plan = await load()
      this.#served = await this.#tools.served(plan)
      this.#plan = plan
      this.#decisions = undefined
      this.#refused = undefined
      observe({ kind: 'plan-reloaded', plan })
    } catch (error) {
      this.#refused = found
      observe({ kind: 'plan-refused', plan: this.#plan, error })
    }
  }

  /** The monotonic clock stands still while a host sleeps, so that looks like a jump, and is one. */
  #noticeJump(): void {
    const now = this.#now()
    const byMs = now.wallMs - this.#looked.wallMs - (now.monotonicMs - this.#looked.monotonicMs)
    this.#looked = now
    if (Math.abs(byMs) < jumpMs) return
    const since = watchedSince(now.wallMs)
    this.#decisions = undefined
    this.#watchedSinceAt = byMs > 0 ? since : Math.min(since, this.#watchedSinceAt)
    this.#tools.observe({ kind: 'clock-jumped', plan: this.#plan, byMs })
  }

  #now() {
    const { clock } = this.#tools
    return { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() }
  }

  #nap(decisions: readonly Decision[]): Promise<void> {
    const now = this.#tools.clock.nowMs()
    const starts = decisions.flatMap((each) =>
      each.kind === 'later' && each.next !== undefined ? [each.next.startAt - now] : [],
    )
    return this.#sleep(Math.max(1, Math.min(napMs, ...starts)))
  }

  async #sleep(milliseconds: number): Promise<void> {
    const { timer, stopSignal } = this.#tools
    if (this.#wake.signal.aborted) this.#wake = new AbortController()
    if (this.#forced) return
    // woken early is as good
    await pause(timer, milliseconds, AbortSignal.any([stopSignal, this.#wake.signal])).catch(
      () => {},
    )
  }
}

/** The one that was due first comes first; the order of the plan decides between equals. */
const dueOf = (decisions: readonly Decision[]): Due[] =>
  decisions.filter((each): each is Due => each.kind === 'due').sort((a, b) => a.dueAt - b.dueAt)
