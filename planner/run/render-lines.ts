/**
 * Plain lines, for logs and pipes: one when a step starts, its remarks, one when it ends. Progress
 * shows now and then only, and not for steps that are done within seconds.
 */
import type { Clock } from '../../engine/index.ts'
import type { StepRecord } from '../step/record.ts'
import { showDuration } from '../step/quantity.ts'
import {
  oneLine,
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
  const line = (text: string) => screen.write(`${oneLine(text)}\n`)
  let progressAtMs = clock.monotonicMs()

  const observe = (event: RunEvent): void => {
    switch (event.kind) {
      case 'run-started': {
        const { sequence, plan } = event.tree
        return line(`${sequence.kind} ${sequence.name} of plan ${plan.name}, run ${event.run}`)
      }
      case 'stage-started':
        return event.stage === 'steps' ? undefined : line(`${stageTitles[event.stage]}`)
      case 'step-started':
        progressAtMs = clock.monotonicMs()
        return event.attempt > 1
          ? line(`  start   ${stepTitle(event.task)} (try ${event.attempt})`)
          : line(`  start   ${stepTitle(event.task)}`)
      case 'progress': {
        const nowMs = clock.monotonicMs()
        if (nowMs - progressAtMs < progressEveryMs) return undefined
        progressAtMs = nowMs
        return line(`          ${progressText(event.event)}`)
      }
      case 'remark':
        return line(`          ${event.text}`)
      case 'step-retried':
        return line(
          `  retry   ${event.step} in ${showDuration(event.pauseMs)}: ${event.error.message}`,
        )
      case 'step-ended':
        return line(`  ${endText(event.record)}`)
      case 'run-remark':
        return line(`warning: ${event.text}`)
      case 'run-ended':
        return line(`run ${event.run} ${event.outcome} in ${showDuration(event.durationMs)}`)
      default:
        return event satisfies never
    }
  }
  return { observe, close: async () => {} }
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
