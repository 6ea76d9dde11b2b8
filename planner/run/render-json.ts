/**
 * JSON lines, for programs: one object an event, `event` says which. Progress at most once a second
 * for each step. Whoever runs the command writes the last line, which says the outcome.
 */
import type { Clock } from '../../engine/index.ts'
import { toIso } from '../step/observation.ts'
import type { Renderer, Screen } from './renderer.ts'
import type { RunEvent } from './run-event.ts'

const progressEveryMs = 1_000

export function renderJson(screen: Screen, clock: Clock): Renderer {
  const progressAtMs = new Map<string, number>()
  const observe = (event: RunEvent): void => {
    if (event.kind === 'progress') {
      const key = `${event.stage}/${event.step}`
      const nowMs = clock.monotonicMs()
      if (nowMs - (progressAtMs.get(key) ?? -Infinity) < progressEveryMs) return
      progressAtMs.set(key, nowMs)
    }
    screen.write(`${JSON.stringify(toObject(event))}\n`)
  }
  return { observe, aside: (act) => act(), close: async () => {} }
}

function toObject(event: RunEvent): object {
  switch (event.kind) {
    case 'run-started': {
      const { plan, sequence } = event.tree
      const { run, at, startedAt } = event
      return {
        ...{ event: event.kind, run, at: toIso(at), plan: plan.name, sequence },
        ...(startedAt !== undefined && { resumed: true, startedAt: toIso(startedAt) }),
      }
    }
    case 'step-started': {
      const { kind, stage, step, attempt, task } = event
      return { event: kind, stage, step, attempt, what: task.description.sentence }
    }
    case 'step-ended':
      return { event: event.kind, ...(event.earlier && { earlier: true }), ...event.record }
    case 'progress':
      return { event: event.kind, stage: event.stage, step: event.step, ...event.event }
    default: {
      const { kind, ...rest } = event
      return { event: kind, ...rest }
    }
  }
}
