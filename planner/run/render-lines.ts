/**
 * Plain lines, for logs and pipes: one when a step starts, its remarks, one when it ends. Progress
 * shows now and then only, and not for steps that are done within seconds.
 */
import { type Clock, ProgressRate, type Rate } from '../../engine/index.ts'
import { toIso } from '../step/observation.ts'
import { oneLine } from '../step/plain-text.ts'
import { showDuration } from '../step/quantity.ts'
import type { StepRecord } from '../step/record.ts'
import {
  progressText,
  type Renderer,
  type Screen,
  stageTitles,
  stepTitle,
  timeText,
} from './renderer.ts'
import type { RunEvent } from './run-event.ts'

const progressEveryMs = 5_000

export function renderLines(screen: Screen, clock: Clock): Renderer {
  let progressAtMs = clock.monotonicMs()

  const rates = new Map<string, ProgressRate>()

  /** Of a step's own progress: several may be under way. */
  const rateOf = (event: RunEvent): Rate | undefined => {
    if (event.kind !== 'progress') return undefined
    const key = `${event.stage}/${event.step}`
    const rate = rates.get(key) ?? new ProgressRate(clock)
    rates.set(key, rate)
    return rate.note(event.event)
  }

  /** Whether it is time for a line of progress again. */
  const isDue = (): boolean => {
    const nowMs = clock.monotonicMs()
    if (nowMs - progressAtMs < progressEveryMs) return false
    progressAtMs = nowMs
    return true
  }
  return {
    observe(event) {
      if (event.kind === 'step-started') progressAtMs = clock.monotonicMs()
      const rate = rateOf(event)
      if (event.kind === 'progress' && !isDue()) return
      const text = textOf(event, rate)
      if (text !== undefined) screen.write(`${oneLine(text)}\n`)
    },
    aside: (act) => act(),
    close: async () => {},
  }
}

function textOf(event: RunEvent, rate: Rate | undefined): string | undefined {
  switch (event.kind) {
    case 'run-started': {
      const { sequence, plan } = event.tree
      const resumed =
        event.startedAt === undefined
          ? ''
          : `, resumed; it was started at ${toIso(event.startedAt)}`
      return `${sequence.kind} ${sequence.name} of plan ${plan.name}, run ${event.run}${resumed}`
    }
    case 'stage-started':
      return event.stage === 'steps' ? undefined : stageTitles[event.stage]
    case 'step-started': {
      const again = event.attempt > 1 ? ` (try ${event.attempt})` : ''
      return `  start   ${stepTitle(event.task)}${again}`
    }
    case 'progress':
      return `          ${progressText(event.event, rate)}`
    case 'remark':
      return `          ${event.text}`
    case 'step-retried':
      return `  retry   ${event.step} in ${showDuration(event.pauseMs)}: ${event.error.message}`
    case 'step-ended':
      return `  ${event.earlier ? 'before: ' : ''}${endText(event.record)}`
    case 'run-remark':
      return `warning: ${event.text}`
    case 'run-ended':
      return `run ${event.run} ${event.outcome} in ${showDuration(event.durationMs)}`
    default:
      return event satisfies never
  }
}

function endText(record: StepRecord): string {
  const { step, outcome, error } = record
  switch (outcome) {
    case 'passed':
      return `ok      ${step} (${timeText(record)})`
    case 'skipped':
      return `skip    ${step}`
    case 'cancelled':
      return `stopped ${step} (${timeText(record)})`
    case 'failed':
      return `FAILED  ${step} (${timeText(record)}): ${error?.message ?? 'no reason given'}`
    default:
      return outcome satisfies never
  }
}
