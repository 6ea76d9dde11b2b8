/** Events of an exercise as sentences: for the screen, the timeline, the players. Pure. */
import { formatDuration } from '../plan/units.ts'
import { showDuration } from '../step/quantity.ts'
import { nextCallMs } from '../tabletop/assumptions.ts'
import { isAway, type Play } from './play.ts'
import type { CorrectiveAction, PlayEvent, ProvedBy } from './play-event.ts'
import type { PlaySetup } from './play-setup.ts'
import { stateOf } from './play-state.ts'

/** When, on the clock of the exercise. */
export const clockText = (atMs: number): string => `+${formatDuration(atMs)}`

export function eventText(setup: PlaySetup, event: PlayEvent): string {
  switch (event.kind) {
    case 'inject':
      return injectText(setup, event.index)
    case 'returned':
      return `${event.what} ${event.name} ${event.what === 'contact' ? 'can be reached' : 'answers'} again`
    case 'called':
      return `${personText(event)} is called${callReasons[event.because]}`
    case 'unanswered':
      return `${personText(event)} does not answer`
    case 'answered':
      return `${personText(event)} answers after ${showDuration(event.waitedMs)}${event.isLate ? `, late: after ${formatDuration(nextCallMs)} a call counts as unanswered` : ''}`
    case 'escalated':
      return event.index === 0
        ? `the alarm goes to ${event.role}`
        : `nobody has answered: escalated to ${event.role}`
    case 'decided': {
      const verdict = event.isCalledFor ? '' : ' (the procedure does not call for it now)'
      return `${personText(event)} decides: ${decisionText(event.decision)}${verdict}; ${event.consequence}`
    }
    case 'step-ended':
      return `step ${event.step} is done`
    case 'served':
      return `the last step of ${setup.procedure.name} that the service waits for is done: the service is back`
    case 'hinted':
      return `hint: ${hintText(setup, event.step).join(' ')}`
    case 'noted':
      return `${{ note: 'note', good: 'went well', improve: 'to improve' }[event.about]}: ${event.text}`
    case 'replied':
      return `question ${event.question}: ${setup.scenario.questions[event.question - 1] ?? ''} ${event.text}`
    case 'action':
      return `corrective action: ${actionText(event.action)}`
    case 'ended':
      return 'the exercise ends'
    default:
      return event satisfies never
  }
}

const callReasons = {
  alarm: '',
  deputy: ', as the deputy',
  escalation: ', by escalation',
  asked: ', because somebody asked for it',
} as const

/** `engineer-1 (engineer)` */
export const personText = ({
  contact,
  role,
}: {
  readonly contact: string
  readonly role: string | null
}): string => (role === null ? contact : `${contact} (${role})`)

/** A decision as the end of "they decide". */
export const decisionText = ({
  kind,
  text,
}: {
  readonly kind: string
  readonly text: string
}): string =>
  kind === 'declare' ? 'declares the disaster' : kind === 'other' ? text : `${kind} ${text}`

/** What is to be done, by whom, until when, and what proves it. */
export const actionText = ({ text, owner, dueOn, provedBy }: CorrectiveAction): string =>
  `${text} (${owner}, by ${dueOn}; to be proven by ${provedByText(provedBy)})`

/** `drill restore-test` */
export const provedByText = ({ kind, name }: ProvedBy): string => `${kind} ${name}`

/** What the story says and takes away at this point. */
export function injectText({ scenario }: PlaySetup, index: number): string {
  const inject = scenario.injects[index]
  const { say, fail } = inject ?? {}
  const failing =
    fail === undefined
      ? []
      : [
          `${fail.what} ${fail.name} does not answer${fail.forMs === undefined ? '' : ` for ${formatDuration(fail.forMs)}`}`,
        ]
  return [...(say === undefined ? [] : [say]), ...failing].join(' ') || 'Time passes.'
}

/** What the runbook says about a step: the sentence, its commands, what to expect. */
export function hintText({ steps, procedure }: PlaySetup, id: string | null): string[] {
  const step = steps.get(procedure.name)?.find((each) => each.id === id)
  if (step === undefined) {
    return id === null
      ? ['See "Which procedure" in the runbook; somebody declares, somebody chooses.']
      : [`There is no step ${id}.`]
  }
  return [
    `${step.id}: ${step.sentence}${/[.?!]$/.test(step.sentence) ? '' : '.'}`,
    ...step.commands.map((line) => `$ ${line}`),
    `Expected: ${step.expected}.`,
  ]
}

/** As the terminal shows it: the time, then the sentence; a hint line by line. */
export function eventLines(setup: PlaySetup, event: PlayEvent): string[] {
  const at = `[${clockText(event.atMs)}]`
  if (event.kind === 'hinted') {
    return hintText(setup, event.step).map((line, index) =>
      index === 0 ? `${at} ${line}` : `    ${line}`,
    )
  }
  const inject = event.kind === 'inject' ? setup.scenario.injects[event.index] : undefined
  const wanted =
    inject?.expect === undefined ? [] : [`    it should lead somebody to ${inject.expect}`]
  const away =
    event.kind === 'called' && isAway(setup, event.contact, event.atMs)
      ? ['    the story has taken them away: they will not answer']
      : []
  return [`${at} ${eventText(setup, event)}`, ...wanted, ...away]
}

/** What the screen says first. @param goesOn the exercise as it was kept */
export function openingLines(setup: PlaySetup, goesOn: Play | undefined): string[] {
  const { plan, scenario } = setup
  if (goesOn !== undefined) {
    return [
      `Exercise ${scenario.name} of ${plan.name} goes on at ${clockText(goesOn.nowMs)}. So far:`,
      ...goesOn.events.flatMap((event) => eventLines(setup, event)),
      ...statusLines(goesOn),
    ]
  }
  const lost = [...scenario.loses].map(([kind, name]) => `${kind} ${name}`)
  return [
    `Exercise ${scenario.name} of ${plan.name}. Nothing is touched, and nothing counts as evidence.`,
    `Situation: ${scenario.description ?? `a story of ${scenario.kind}.`} Lost: ${lost.length === 0 ? 'the data itself' : lost.join(', ')}.`,
    'Enter goes on to what comes next; help shows what else you can type.',
  ]
}

/** Where it stands. */
export function statusLines({ setup, events, nowMs }: Play): string[] {
  const { calls, declaredAtMs, procedure, ended, servedAtMs } = stateOf(events)
  const there = [...calls.values()].filter(({ answeredAtMs }) => answeredAtMs !== undefined)
  const steps = setup.steps.get(setup.procedure.name) ?? []
  return [
    `${clockText(nowMs)}; answered: ${there.map(personText).join(', ') || 'nobody'}; ${declaredAtMs === undefined ? 'not declared' : `declared at ${clockText(declaredAtMs)}`}; ${procedure === undefined ? 'no procedure chosen' : `procedure ${procedure}`}; ${steps.filter(({ id }) => ended.has(id)).length} of ${steps.length} steps done${servedAtMs === undefined ? '' : '; the service is back'}`,
  ]
}
