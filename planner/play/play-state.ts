/** Where an exercise stands: folded from its events, and from nothing else. Pure. */
import type { PlayEvent } from './play-event.ts'

export interface Call {
  readonly contact: string
  readonly role: string | null
  readonly atMs: number
  readonly unansweredAtMs?: number
  readonly answeredAtMs?: number
}

export interface PlayState {
  /** How many were told. */
  readonly injects: number
  /** How many places and people answer again. */
  readonly returns: number
  readonly alarmAtMs: number | undefined
  /** How many steps of the plan's escalation were taken. */
  readonly escalations: number
  /** By contact, the last one. */
  readonly calls: ReadonlyMap<string, Call>
  readonly declaredAtMs: number | undefined
  /** The one chosen last. */
  readonly procedure: string | undefined
  /** When it is done, by step. */
  readonly begun: ReadonlyMap<string, number>
  readonly ended: ReadonlySet<string>
  readonly servedAtMs: number | undefined
  readonly replies: ReadonlySet<number>
  readonly isOver: boolean
}

export function stateOf(events: readonly PlayEvent[]): PlayState {
  const calls = new Map<string, Call>()
  const begun = new Map<string, number>()
  const ended = new Set<string>()
  const replies = new Set<number>()
  const state = {
    ...{ injects: 0, returns: 0, escalations: 0, isOver: false },
    alarmAtMs: undefined as number | undefined,
    declaredAtMs: undefined as number | undefined,
    procedure: undefined as string | undefined,
    servedAtMs: undefined as number | undefined,
  }
  for (const event of events) {
    const { atMs } = event
    switch (event.kind) {
      case 'inject':
        state.injects = event.index + 1
        state.alarmAtMs ??= atMs
        break
      case 'returned':
        state.returns++
        break
      case 'called':
        calls.set(event.contact, { contact: event.contact, role: event.role, atMs })
        break
      case 'unanswered':
      case 'answered': {
        const call = calls.get(event.contact)
        const change = event.kind === 'answered' ? { answeredAtMs: atMs } : { unansweredAtMs: atMs }
        if (call !== undefined) calls.set(event.contact, { ...call, ...change })
        break
      }
      case 'escalated':
        state.escalations = event.index + 1
        break
      case 'decided': {
        const { kind, text } = event.decision
        if (kind === 'declare') state.declaredAtMs ??= atMs
        if (kind === 'procedure') state.procedure = text
        if (event.endsAtMs !== undefined) begun.set(text, event.endsAtMs)
        break
      }
      case 'step-ended':
        ended.add(event.step)
        break
      case 'served':
        state.servedAtMs = atMs
        break
      case 'replied':
        replies.add(event.question)
        break
      case 'ended':
        state.isOver = true
        break
      case 'hinted':
      case 'noted':
      case 'action':
        break
      default:
        event satisfies never
    }
  }
  return { ...state, calls, begun, ended, replies }
}
