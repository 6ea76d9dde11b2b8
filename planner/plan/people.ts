/**
 * Who does what, how they are reached, and who is told. Names and numbers are for the runbook; records
 * hold roles and the keys of contacts only.
 */
import type { Place } from './place.ts'
import type { Template } from './template.ts'

export interface Role {
  readonly name: string
  /** A contact's key. */
  readonly primary: string
  /** Asked in this order when the first does not answer. */
  readonly deputies: readonly string[]
  readonly place: Place
}

export interface Contact {
  /** What roles and records call it. */
  readonly key: string
  readonly name: string
  readonly phone?: string
  readonly email?: string
  /** `24x7`, or `Mon-Fri 08:00-18:00` in the plan's time zone. */
  readonly hours?: string
  readonly place: Place
}

/** Who is called when nobody has answered `afterMs` after the alarm. */
export interface Escalation {
  readonly afterMs: number
  readonly role: string
  readonly place: Place
}

interface AnyChannel {
  readonly name: string
  /** A name or a variable may lead to a private address. */
  readonly allowPrivate: boolean
  readonly place: Place
}

/** Where messages go. Templates hold variables of the environment only. */
export type Channel = AnyChannel &
  (
    | { readonly kind: 'webhook'; readonly url: Template }
    | { readonly kind: 'exec'; readonly command: readonly [Template, ...Template[]] }
  )

/** A message to an audience, for the runbook. */
export interface Communication {
  readonly audience: string
  readonly channel: string
  /** Since the disaster was declared. */
  readonly withinMs?: number
  readonly by?: string
  readonly message: string
  readonly place: Place
}

export interface People {
  readonly roles: ReadonlyMap<string, Role>
  readonly contacts: ReadonlyMap<string, Contact>
  /** The earliest first. */
  readonly escalation: readonly Escalation[]
  readonly channels: ReadonlyMap<string, Channel>
  readonly communications: ReadonlyMap<string, Communication>
}
