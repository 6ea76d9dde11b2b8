/**
 * A played exercise: what was said and done so far, and its clock. Pure: whoever plays says how late it is,
 * and gets the exercise as it is then.
 *
 * Invariants: time never runs backwards; what the clock brings comes in the order of its times, and before
 * what people do at the same moment; the same acts at the same times give the same events, whether or not
 * there was a pause between them.
 */
import assert from 'node:assert'
import type { Plan } from '../plan/plan.ts'
import { nextCallMs } from '../tabletop/assumptions.ts'
import { failingSpans } from '../tabletop/places.ts'
import { judgeDecision, nextSteps } from './judge-decision.ts'
import type { PlayAct, PlayEvent } from './play-event.ts'
import { type PlaySetup, rolesOf } from './play-setup.ts'
import { type PlayState, stateOf } from './play-state.ts'

export interface Play {
  readonly setup: PlaySetup
  readonly events: readonly PlayEvent[]
  readonly nowMs: number
}

/** More than people do in a day. */
export const mostEvents = 5_000

/** An exercise lasts no longer. */
export const mostMs = 7 * 86_400_000

/** At the instant of the disaster; what the story tells then is told. */
export const beginPlay = (setup: PlaySetup): Play => advance({ setup, events: [], nowMs: 0 }, 0)

/** When the clock brings something next; undefined when nothing is left. */
export const nextAtMs = (play: Play): number | undefined =>
  firstDue(play, stateOf(play.events))?.atMs

/** The exercise at a later moment, with all that the clock brought until then. */
export function advance(play: Play, toMs: number): Play {
  assert(toMs >= play.nowMs, `the clock of an exercise went back from ${play.nowMs} to ${toMs}`)
  let { events } = play
  for (;;) {
    const state = stateOf(events)
    const due = state.isOver ? undefined : firstDue({ ...play, events }, state)
    if (due === undefined || due.atMs > toMs) return { ...play, events, nowMs: toMs }
    events = [...events, ...withWhatFollows(due, play.setup, state)]
  }
}

/** The exercise after an act at this moment; or why that cannot be, which changes nothing. */
export function act(play: Play, what: PlayAct): Play | string {
  const state = stateOf(play.events)
  if (state.isOver) return 'the exercise is over'
  if (play.events.length >= mostEvents) return `an exercise has at most ${mostEvents} events`
  const event = eventOf(play, state, what)
  if (typeof event === 'string') return event
  // a step that takes no time is done at once
  return advance({ ...play, events: [...play.events, event] }, play.nowMs)
}

function firstDue(play: Play, state: PlayState): PlayEvent | undefined {
  const due = dueEvents(play.setup, state)
  const [first, ...rest] = due
  return first && rest.reduce((best, each) => (each.atMs < best.atMs ? each : best), first)
}

/** What the clock may bring next; of several at one moment the first here. */
function dueEvents(setup: PlaySetup, state: PlayState): PlayEvent[] {
  const { scenario, plan } = setup
  const inject = scenario.injects[state.injects]
  const calls = [...state.calls.values()]
  const hasAnswer = calls.some(({ answeredAtMs }) => answeredAtMs !== undefined)
  const escalation = plan.people.escalation[state.escalations]
  const returned = returnsIn(setup)[state.returns]
  return [
    ...(inject === undefined
      ? []
      : [{ atMs: inject.atMs, kind: 'inject', index: state.injects } as const]),
    ...(returned === undefined ? [] : [returned]),
    ...[...state.begun]
      .filter(([step]) => !state.ended.has(step))
      .map(([step, atMs]) => ({ atMs, kind: 'step-ended', step }) as const),
    ...calls
      .filter((call) => call.answeredAtMs === undefined && call.unansweredAtMs === undefined)
      .map(
        ({ contact, role, atMs }) =>
          ({ atMs: atMs + nextCallMs, kind: 'unanswered', contact, role }) as const,
      ),
    ...(escalation === undefined || state.alarmAtMs === undefined || hasAnswer
      ? []
      : [
          {
            atMs: state.alarmAtMs + escalation.afterMs,
            kind: 'escalated',
            ...{ role: escalation.role, index: state.escalations },
          } as const,
        ]),
  ]
}

/** What the story takes away for a while and gives back, in the order of time. */
function returnsIn({ scenario, places }: PlaySetup): PlayEvent[] {
  return scenario.injects
    .flatMap(({ atMs, fail }): PlayEvent[] => {
      if (fail?.forMs === undefined) return []
      const { what, name, forMs } = fail
      const endMs = atMs + forMs
      const isLost = places.some((place) => {
        return place.what === what && place.name === name && place.lostBecause !== undefined
      })
      const isAwayStill = failingSpans(scenario, what, name).some(
        ({ fromMs, toMs }) => fromMs <= endMs && endMs < toMs,
      )
      return isLost || isAwayStill ? [] : [{ atMs: endMs, kind: 'returned', what, name }]
    })
    .sort((a, b) => a.atMs - b.atMs)
}

/** A call that nobody answers leads to the next one; the last step leads to the service. */
function withWhatFollows(due: PlayEvent, setup: PlaySetup, state: PlayState): PlayEvent[] {
  const { atMs } = due
  const call = (role: string, because: 'alarm' | 'deputy' | 'escalation'): PlayEvent[] => {
    const holders = holdersOf(setup, role)
    const isReached = holders.some((each) => state.calls.get(each)?.answeredAtMs !== undefined)
    const contact = holders.find((each) => !state.calls.has(each))
    return isReached || contact === undefined
      ? []
      : [{ atMs, kind: 'called', contact, role, because }]
  }
  if (due.kind === 'unanswered')
    return [due, ...(due.role === null ? [] : call(due.role, 'deputy'))]
  if (due.kind === 'escalated') {
    return [due, ...call(due.role, due.index === 0 ? 'alarm' : 'escalation')]
  }
  if (due.kind !== 'step-ended' || state.servedAtMs !== undefined) return [due]
  const ended = new Set([...state.ended, due.step])
  const steps = setup.steps.get(setup.procedure.name) ?? []
  const awaited = steps.filter((step) => !step.comesAfterwards)
  return (awaited.length === 0 ? steps : awaited).every(({ id }) => ended.has(id))
    ? [due, { atMs, kind: 'served' }]
    : [due]
}

const holdersOf = ({ plan }: PlaySetup, name: string): string[] => {
  const role = plan.people.roles.get(name)
  return role === undefined ? [] : [role.primary, ...role.deputies]
}

function eventOf(
  { setup, nowMs: atMs }: Play,
  state: PlayState,
  what: PlayAct,
): PlayEvent | string {
  const { plan, scenario, mask } = setup
  switch (what.do) {
    case 'call': {
      const { contact } = what
      if (!plan.people.contacts.has(contact)) return unknownContact(setup, contact)
      const before = state.calls.get(contact)
      if (before?.answeredAtMs !== undefined) return `${contact} has answered already`
      if (before !== undefined && before.unansweredAtMs === undefined) {
        return `${contact} is being called already`
      }
      const role = rolesOf(plan, contact)[0] ?? null
      return { atMs, kind: 'called', contact, role, because: 'asked' }
    }
    case 'answer': {
      const { contact } = what
      const call = state.calls.get(contact)
      if (!plan.people.contacts.has(contact)) return unknownContact(setup, contact)
      if (call === undefined) return `nobody has called ${contact}`
      if (call.answeredAtMs !== undefined) return `${contact} has answered already`
      if (isAway(setup, contact, atMs)) return `the story has taken ${contact} away`
      return {
        ...{ atMs, kind: 'answered', contact, role: call.role, waitedMs: atMs - call.atMs },
        isLate: call.unansweredAtMs !== undefined,
      }
    }
    case 'decide': {
      const { contact } = what
      if (!plan.people.contacts.has(contact)) return unknownContact(setup, contact)
      if (state.calls.get(contact)?.answeredAtMs === undefined) {
        return `${contact} has not answered a call yet, and cannot decide`
      }
      if (isAway(setup, contact, atMs)) return `the story has taken ${contact} away`
      const judged = judgeDecision(setup, state, atMs, contact, mask(what.what))
      return typeof judged === 'string' ? judged : { atMs, kind: 'decided', contact, ...judged }
    }
    case 'note':
    case 'good':
    case 'improve':
      return { atMs, kind: 'noted', about: what.do, text: mask(what.text) }
    case 'reply': {
      const { question } = what
      const count = scenario.questions.length
      if (!(question >= 1 && question <= count)) {
        return count === 0
          ? 'the story asks no questions'
          : `there is no question ${question}; the story asks ${count}`
      }
      return { atMs, kind: 'replied', question, text: mask(what.text) }
    }
    case 'hint': {
      const [step] = state.procedure === setup.procedure.name ? nextSteps(setup, state) : []
      return { atMs, kind: 'hinted', step: step?.id ?? null }
    }
    case 'action': {
      const { text, owner, dueOn, provedBy } = what
      const wrong = actionProblem(setup, owner, provedBy)
      if (wrong !== undefined) return wrong
      return { atMs, kind: 'action', action: { text: mask(text), owner, dueOn, provedBy } }
    }
    case 'end':
      return { atMs, kind: 'ended' }
    default:
      return what satisfies never
  }
}

/** Whether the story has taken a contact away at this moment. */
export const isAway = ({ scenario }: PlaySetup, contact: string, atMs: number): boolean =>
  failingSpans(scenario, 'contact', contact).some(
    ({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs,
  )

const unknownContact = ({ plan }: PlaySetup, contact: string): string =>
  `the plan has no contact ${contact}; there are: ${[...plan.people.contacts.keys()].join(', ')}`

function actionProblem(
  { plan }: PlaySetup,
  owner: string,
  { kind, name }: { readonly kind: 'schedule' | 'drill' | 'procedure'; readonly name: string },
): string | undefined {
  const owners = ownersOf(plan)
  if (!owners.includes(owner))
    return `${owner} is nobody of the plan; there are: ${owners.join(', ')}`
  const known = runsOf(plan)[kind]
  if (known.has(name)) return undefined
  return `the plan has no ${kind} ${name}; ${known.size === 0 ? 'it has none' : `there are: ${[...known.keys()].join(', ')}`}`
}

/** Who may answer for a corrective action. */
export const ownersOf = ({ people, owner, compliance }: Plan): readonly string[] => [
  ...people.roles.keys(),
  ...people.contacts.keys(),
  ...new Set([owner, compliance.findings.owner]),
]

/** What may prove one. */
export const runsOf = ({ schedules, drills, procedures }: Plan) => ({
  schedule: schedules,
  drill: drills,
  procedure: procedures,
})
