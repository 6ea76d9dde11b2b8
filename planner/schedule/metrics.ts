/**
 * What the daemon says of itself, in the text format of Prometheus (exposition format 0.0.4).
 * Names of plans and sequences are labels; nothing of what the steps touch is told.
 */
import type { Clock } from '../../engine/index.ts'
import { stuckMs } from './limits.ts'
import { keyOf, type Timed } from './timed.ts'
import type { WatchEvent, WatchedOutcome } from './watch.ts'

interface SequenceState {
  readonly sequence: Timed
  readonly runs: Map<WatchedOutcome, number>
  coalesced: number
  lastEndedAt?: number
  lastPassedAt?: number
  lastDurationMs?: number
  nextAt?: number | undefined
}

interface PlanState {
  readonly sequences: Map<string, SequenceState>
  running: boolean
  refused: boolean
  jumps: number
  /** By the monotonic clock. */
  lookedMs: number
}

export interface Health {
  readonly healthy: boolean
  readonly plans: readonly { readonly plan: string; readonly state: string }[]
}

export class Metrics {
  readonly #clock: Clock
  readonly #stopSignal: AbortSignal
  readonly #plans = new Map<string, PlanState>()

  constructor(clock: Clock, stopSignal: AbortSignal) {
    this.#clock = clock
    this.#stopSignal = stopSignal
  }

  /** Takes in what a {@link PlanWatch} tells. */
  observe(event: WatchEvent): void {
    const plan = this.#planOf(event.plan.name)
    switch (event.kind) {
      case 'looked':
        plan.lookedMs = this.#clock.monotonicMs()
        for (const decision of event.decisions) {
          const { sequence } = decision
          const state = this.#sequenceOf(plan, sequence)
          state.nextAt = decision.kind === 'due' ? decision.dueAt : decision.next?.startAt
        }
        break
      case 'run-started':
        plan.running = true
        break
      case 'run-ended':
        plan.running = false
        plan.lookedMs = this.#clock.monotonicMs()
        this.#count(this.#sequenceOf(plan, event.sequence), event.outcome, event.durationMs)
        break
      case 'coalesced':
        this.#sequenceOf(plan, event.sequence).coalesced += 1
        break
      case 'clock-jumped':
        plan.jumps += 1
        break
      case 'plan-reloaded':
        plan.refused = false
        break
      case 'plan-refused':
        plan.refused = true
        break
      default:
        event satisfies never
    }
  }

  /** Healthy: nobody wants to stop, and every loop has looked of late or runs something. */
  health(): Health {
    const now = this.#clock.monotonicMs()
    const plans = [...this.#plans].map(([plan, { running, refused, lookedMs }]) => {
      if (running) return { plan, state: 'running' }
      if (now - lookedMs > stuckMs) return { plan, state: 'stuck' }
      return { plan, state: refused ? 'waiting, with an older plan than the file' : 'waiting' }
    })
    const isStuck = plans.some(({ state }) => state === 'stuck')
    return { healthy: !isStuck && !this.#stopSignal.aborted, plans }
  }

  /** The whole exposition, ended by a line feed. */
  text(): string {
    const plans = [...this.#plans]
    const sequences = plans.flatMap(([plan, { sequences: all }]) =>
      [...all.values()].map((state) => ({ labels: labelsOf(plan, state.sequence), state })),
    )
    const ofPlans = (
      name: string,
      help: string,
      kind: string,
      read: (state: PlanState) => number,
    ) =>
      family(
        ...[name, help, kind],
        plans.map(([plan, state]) => [{ plan }, read(state)]),
      )
    const ofSequences = (
      name: string,
      help: string,
      kind: string,
      read: (state: SequenceState) => number | undefined,
    ) =>
      family(
        ...[name, help, kind],
        sequences.map(({ labels, state }) => [labels, read(state)]),
      )
    return [
      family(
        'vectra_dr_runs_total',
        'Runs that the daemon began or found to be done, by how they ended.',
        'counter',
        sequences.flatMap(({ labels, state }) =>
          [...state.runs].map(([outcome, count]) => [{ ...labels, outcome }, count]),
        ),
      ),
      ofSequences(
        'vectra_dr_runs_coalesced_total',
        'Due times that waited for another run.',
        'counter',
        (state) => state.coalesced,
      ),
      ofSequences(
        'vectra_dr_last_run_timestamp_seconds',
        'When the last run ended.',
        'gauge',
        (state) => inSeconds(state.lastEndedAt),
      ),
      ofSequences(
        'vectra_dr_last_success_timestamp_seconds',
        'When the last run that passed ended.',
        'gauge',
        (state) => inSeconds(state.lastPassedAt),
      ),
      ofSequences(
        'vectra_dr_last_run_duration_seconds',
        'How long the last run took.',
        'gauge',
        (state) => inSeconds(state.lastDurationMs),
      ),
      ofSequences(
        'vectra_dr_next_run_timestamp_seconds',
        'When the next run starts.',
        'gauge',
        (state) => inSeconds(state.nextAt),
      ),
      ofPlans(
        'vectra_dr_running',
        'Whether a run of the plan is under way.',
        'gauge',
        ({ running }) => Number(running),
      ),
      ofPlans(
        'vectra_dr_plan_refused',
        'Whether the plan file is invalid and an older plan is in force.',
        'gauge',
        ({ refused }) => Number(refused),
      ),
      ofPlans(
        'vectra_dr_clock_jumps_total',
        'Jumps of the wall clock, and times the host slept.',
        'counter',
        ({ jumps }) => jumps,
      ),
    ].join('')
  }

  #count(state: SequenceState, outcome: WatchedOutcome, durationMs: number): void {
    state.runs.set(outcome, (state.runs.get(outcome) ?? 0) + 1)
    if (outcome !== 'passed' && outcome !== 'failed') return
    state.lastEndedAt = this.#clock.nowMs()
    state.lastDurationMs = durationMs
    if (outcome === 'passed') state.lastPassedAt = state.lastEndedAt
  }

  #planOf(name: string): PlanState {
    const known = this.#plans.get(name)
    if (known !== undefined) return known
    const lookedMs = this.#clock.monotonicMs()
    const made = { sequences: new Map(), running: false, refused: false, jumps: 0, lookedMs }
    this.#plans.set(name, made)
    return made
  }

  #sequenceOf({ sequences }: PlanState, sequence: Timed): SequenceState {
    const key = keyOf(sequence)
    const known = sequences.get(key)
    if (known !== undefined) return known
    const made = { sequence, runs: new Map(), coalesced: 0 }
    sequences.set(key, made)
    return made
  }
}

type Labels = Readonly<Record<string, string>>

const labelsOf = (plan: string, { kind, name }: Timed): Labels => ({ plan, kind, name })

const inSeconds = (ms: number | undefined): number | undefined =>
  ms === undefined ? undefined : ms / 1_000

/** What was never measured is not there. */
function family(
  name: string,
  help: string,
  kind: string,
  samples: readonly (readonly [Labels, number | undefined])[],
): string {
  const lines = samples.flatMap(([labels, value]) =>
    value === undefined ? [] : [`${name}{${labelText(labels)}} ${value}\n`],
  )
  return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${lines.join('')}`
}

const labelText = (labels: Labels): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}="${escaped(value)}"`)
    .join(',')

const escaped = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
