/**
 * What is learnt from an exercise, from its events alone, in the order in which exercise guides have it: scope,
 * objectives, participants, timeline, observations, strengths, areas to improve, corrective actions. Pure.
 *
 * Its figures are those of a story: they prove nothing, and no audit or estimate counts them.
 */
import type { Story } from '../report/block.ts'
import { sentence, table } from '../report/cells.ts'
import { toIso } from '../step/observation.ts'
import { showDuration } from '../step/quantity.ts'
import { clockText, decisionText, eventText, personText, provedByText } from './event-text.ts'
import { objectiveTexts } from './pages.ts'
import type { Play } from './play.ts'
import type { CorrectiveAction, PlayEvent } from './play-event.ts'
import { rolesOf } from './play-setup.ts'
import { stateOf } from './play-state.ts'

/** Epoch milliseconds: from when to when it was played, and where its clock stood at the end. */
export interface Sitting {
  readonly startedAt: number
  readonly untilMs: number
  /** Nobody was at the terminal. */
  readonly isScripted: boolean
}

export interface AfterAction {
  readonly report: 1
  readonly kind: 'after-action'
  readonly exercise: string
  readonly scope: {
    readonly plan: string
    readonly planSha256: string
    readonly scenario: string
    readonly description: string | null
    readonly procedure: string
    readonly startedAt: string
    readonly durationMs: number
    readonly sittings: number
    /** At least one sitting was. */
    readonly isScripted: boolean
  }
  readonly objectives: readonly { readonly objective: string; readonly isMet: boolean }[]
  readonly participants: readonly { readonly contact: string; readonly role: string }[]
  readonly timeline: readonly {
    readonly atMs: number
    readonly text: string
    readonly event: PlayEvent
  }[]
  readonly observations: readonly string[]
  readonly strengths: readonly string[]
  readonly areasToImprove: readonly string[]
  readonly correctiveActions: readonly (CorrectiveAction & { readonly id: string })[]
}

export interface PlayedExercise {
  readonly exercise: string
  readonly play: Play
  readonly sittings: readonly [Sitting, ...Sitting[]]
}

/** The same exercise gives the same value; plain JSON. */
export function afterActionOf({ exercise, play, sittings }: PlayedExercise): AfterAction {
  const { setup, events, nowMs } = play
  const { plan, scenario, procedure } = setup
  const objectives = objectivesOf(play)
  const all = observe(play)
  const noted = (wanted: 'note' | 'good' | 'improve') =>
    events.flatMap((event) => (event.kind === 'noted' && event.about === wanted ? event.text : []))
  const replies = events.flatMap((event) =>
    event.kind === 'replied' ? eventText(setup, event) : [],
  )
  return {
    ...{ report: 1, kind: 'after-action', exercise },
    scope: {
      ...{ plan: plan.name, planSha256: plan.sha256, scenario: scenario.name },
      description: scenario.description ?? null,
      procedure: procedure.name,
      startedAt: toIso(sittings[0].startedAt),
      durationMs: nowMs,
      sittings: sittings.length,
      isScripted: sittings.some(({ isScripted }) => isScripted),
    },
    objectives,
    participants: participantsOf(play),
    timeline: events.map((event) => ({
      ...{ atMs: event.atMs, text: eventText(setup, event), event },
    })),
    observations: [...all.map(({ text }) => text), ...noted('note'), ...replies],
    strengths: [
      ...objectives.filter(({ isMet }) => isMet).map(({ objective }) => objective),
      ...noted('good'),
    ],
    areasToImprove: [
      ...objectives.filter(({ isMet }) => !isMet).map(({ objective }) => `not met: ${objective}`),
      ...all.filter(({ isBad }) => isBad).map(({ text }) => text),
      ...noted('improve'),
    ],
    correctiveActions: events
      .flatMap((event) => (event.kind === 'action' ? event.action : []))
      .map((action, index) => ({ id: `action/${exercise}/${index + 1}`, ...action })),
  }
}

/** Whoever answered or decided, in each role in which they did. */
function participantsOf({ setup, events }: Play): AfterAction['participants'] {
  const found = new Map<string, { contact: string; role: string }>()
  for (const event of events) {
    if (event.kind !== 'answered' && event.kind !== 'decided') continue
    const role = event.role ?? rolesOf(setup.plan, event.contact)[0] ?? 'none'
    found.set(`${event.contact} ${role}`, { contact: event.contact, role })
  }
  return [...found.values()]
}

function objectivesOf(play: Play): { objective: string; isMet: boolean }[] {
  const { setup, events } = play
  const { rtoMs, procedure } = setup
  const { declaredAtMs, servedAtMs } = stateOf(events)
  const firstChoice = events.find(
    (event) => event.kind === 'decided' && event.decision.kind === 'procedure',
  )
  const isEscalated = events.some((event) => event.kind === 'escalated' && event.index > 0)
  const isMet: Record<string, boolean> = {
    answered: !isEscalated && events.some(({ kind }) => kind === 'answered'),
    declared:
      declaredAtMs !== undefined && (firstChoice === undefined || declaredAtMs <= firstChoice.atMs),
    chosen: firstChoice?.kind === 'decided' && firstChoice.decision.text === procedure.name,
    'in-order':
      events.some((event) => event.kind === 'decided' && event.decision.kind === 'step') &&
      events.every(
        (event) => event.kind !== 'decided' || event.decision.kind !== 'step' || event.isCalledFor,
      ),
    served: servedAtMs !== undefined && servedAtMs <= (rtoMs ?? Number.POSITIVE_INFINITY),
  }
  return objectiveTexts(setup).map(([key, objective]) => ({
    objective,
    isMet: isMet[key] === true,
  }))
}

/** What the events show by themselves. */
function observe({ setup, events }: Play): { text: string; isBad: boolean }[] {
  return events.flatMap((event): { text: string; isBad: boolean }[] => {
    const at = clockText(event.atMs)
    const told = { text: `${at}: ${eventText(setup, event)}`, isBad: true }
    switch (event.kind) {
      case 'unanswered':
        return [told]
      case 'answered':
        return event.isLate ? [told] : []
      case 'escalated':
        return event.index > 0 ? [told] : []
      case 'decided':
        return event.isCalledFor
          ? []
          : [
              {
                text: `${at}: ${personText(event)} decided what the procedure does not call for: ${decisionText(event.decision)}; ${event.consequence}`,
                isBad: true,
              },
            ]
      case 'hinted':
        return [
          {
            text: `${at}: they needed a hint${event.step === null ? '' : ` for ${event.step}`}`,
            isBad: false,
          },
        ]
      case 'served':
        return [{ text: `${at}: the service was back`, isBad: false }]
      default:
        return []
    }
  })
}

const noEvidence =
  'An exercise is no evidence: no objective is proven by it, and no estimate counts its times. What is to be put right stays a finding of the audit until a run proves it.'

/** The report as people read it. */
export function tellAfterAction(found: AfterAction): Story {
  const { scope, objectives, participants, timeline, correctiveActions: actions } = found
  const list = (items: readonly string[], otherwise: string) =>
    items.length === 0 ? [sentence(otherwise)] : [{ kind: 'list', items } as const]
  return {
    title: `After-action report: ${scope.scenario} of ${scope.plan}`,
    lead: `Played ${scope.isScripted ? 'from a script' : 'at a terminal'}, ${showDuration(scope.durationMs)} on the clock of the exercise. ${noEvidence}`,
    sections: [
      {
        heading: 'Scope',
        blocks: [
          {
            kind: 'list',
            items: [
              `exercise ${found.exercise}, begun ${scope.startedAt}${scope.sittings === 1 ? '' : `, in ${scope.sittings} sittings`}`,
              `scenario ${scope.scenario}${scope.description === null ? '' : `: ${scope.description}`}`,
              `procedure ${scope.procedure} of plan ${scope.plan}, SHA-256 ${scope.planSha256}`,
            ],
          },
        ],
      },
      {
        heading: 'Objectives',
        blocks: table(
          ['Objective', 'In the exercise'],
          objectives.map(({ objective, isMet }) => [objective, isMet ? 'reached' : 'not reached']),
        ),
      },
      {
        heading: 'Participants',
        blocks:
          participants.length === 0
            ? [sentence('Nobody answered.')]
            : table(
                ['Contact', 'Role'],
                participants.map(({ contact, role }) => [contact, role]),
              ),
      },
      {
        heading: 'Timeline',
        blocks: table(
          ['When', 'What'],
          timeline.map(({ atMs, text }) => [clockText(atMs), text]),
        ),
      },
      { heading: 'Observations', blocks: list(found.observations, 'None.') },
      { heading: 'Strengths', blocks: list(found.strengths, 'None was seen.') },
      { heading: 'Areas to improve', blocks: list(found.areasToImprove, 'None was seen.') },
      {
        heading: 'Corrective actions',
        blocks:
          actions.length === 0
            ? [sentence('None was agreed.')]
            : table(
                ['Action', 'Owner', 'By', 'To be proven by', 'Finding'],
                actions.map(({ text, owner, dueOn, provedBy, id }) => [
                  ...[text, owner, dueOn, provedByText(provedBy), id],
                ]),
              ),
      },
    ],
  }
}
