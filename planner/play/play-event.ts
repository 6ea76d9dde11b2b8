/**
 * What happens in a played exercise, and what people do in it: plain JSON. Times are milliseconds since the
 * disaster of the story, on the clock of the exercise, which stands still while it is paused. People are
 * keys of contacts and roles, never names or numbers.
 */

/** What a run of the plan has to pass before a corrective action is closed. */
export interface ProvedBy {
  readonly kind: 'schedule' | 'drill' | 'procedure'
  readonly name: string
}

export interface CorrectiveAction {
  readonly text: string
  /** A role, the key of a contact, or the team that the plan names. */
  readonly owner: string
  /** `2026-12-31` */
  readonly dueOn: string
  readonly provedBy: ProvedBy
}

/** What somebody at the table does. */
export type PlayAct =
  | { readonly do: 'call'; readonly contact: string }
  | { readonly do: 'answer'; readonly contact: string }
  | { readonly do: 'decide'; readonly contact: string; readonly what: string }
  | { readonly do: 'note' | 'good' | 'improve'; readonly text: string }
  | { readonly do: 'reply'; readonly question: number; readonly text: string }
  | { readonly do: 'hint' }
  | ({ readonly do: 'action' } & CorrectiveAction)
  | { readonly do: 'end' }

/** `other`: in words of their own. */
export interface Decision {
  readonly kind: 'declare' | 'procedure' | 'step' | 'other'
  readonly text: string
}

export type PlayEvent = { readonly atMs: number } & (
  | { readonly kind: 'inject'; readonly index: number }
  | {
      readonly kind: 'returned'
      readonly what: 'contact' | 'destination' | 'target'
      readonly name: string
    }
  | {
      readonly kind: 'called'
      readonly contact: string
      readonly role: string | null
      readonly because: 'alarm' | 'deputy' | 'escalation' | 'asked'
    }
  | { readonly kind: 'unanswered'; readonly contact: string; readonly role: string | null }
  | {
      readonly kind: 'answered'
      readonly contact: string
      readonly role: string | null
      readonly waitedMs: number
      /** The next one had been called by then. */
      readonly isLate: boolean
    }
  | {
      readonly kind: 'escalated'
      readonly role: string
      /** Of the plan's escalation. */
      readonly index: number
    }
  | {
      readonly kind: 'decided'
      readonly contact: string
      readonly role: string | null
      readonly decision: Decision
      /** Whether the procedure that the story calls for wants it now. */
      readonly isCalledFor: boolean
      readonly consequence: string
      /** When the step that it begins is done. */
      readonly endsAtMs?: number
    }
  | { readonly kind: 'step-ended'; readonly step: string }
  | { readonly kind: 'served' }
  | { readonly kind: 'hinted'; readonly step: string | null }
  | { readonly kind: 'noted'; readonly about: 'note' | 'good' | 'improve'; readonly text: string }
  | { readonly kind: 'replied'; readonly question: number; readonly text: string }
  | { readonly kind: 'action'; readonly action: CorrectiveAction }
  | { readonly kind: 'ended' }
)
