/** What a decision means in the story: whether the procedure calls for it now, and what comes of it. Pure. */
import { formatDuration } from '../plan/units.ts'
import { showDuration } from '../step/quantity.ts'
import { failingSpans } from '../tabletop/places.ts'
import type { Decision } from './play-event.ts'
import { type PlaySetup, type PlayStep, rolesOf } from './play-setup.ts'
import type { PlayState } from './play-state.ts'

export interface JudgedDecision {
  readonly role: string | null
  readonly decision: Decision
  readonly isCalledFor: boolean
  readonly consequence: string
  readonly endsAtMs?: number
}

/** The steps that may begin now. */
export function nextSteps({ steps, procedure }: PlaySetup, state: PlayState): PlayStep[] {
  const left = (steps.get(procedure.name) ?? []).filter(({ id }) => !state.ended.has(id))
  return left.filter(({ group, id }) => group === left[0]?.group && !state.begun.has(id))
}

/**
 * @param what `declare`, `procedure NAME` or the name alone, the id of a step, or anything else in words
 * @returns a sentence where a name is none of the plan's
 */
export function judgeDecision(
  setup: PlaySetup,
  state: PlayState,
  atMs: number,
  contact: string,
  what: string,
): JudgedDecision | string {
  const role = rolesOf(setup.plan, contact)[0] ?? null
  const text = what.trim()
  const isCalledFor = true
  if (text === 'declare') {
    const decision = { kind: 'declare', text } as const
    if (state.declaredAtMs === undefined) {
      return { role, decision, isCalledFor, consequence: declaredText(setup, atMs) }
    }
    const consequence = `it was declared already, ${showDuration(state.declaredAtMs)} after the disaster`
    return { role, decision, isCalledFor: false, consequence }
  }
  const [, named] = /^procedure\s+(\S+)$/.exec(text) ?? []
  if (named !== undefined) return judgeProcedure(setup, role, named)
  const id = text.replace(/^step\s+/, '')
  const own = setup.steps.get(setup.procedure.name)?.find((step) => step.id === id)
  if (own !== undefined) return judgeStep(setup, state, atMs, contact, own)
  // the right choice, said in short, is no wrong turn
  if (setup.plan.procedures.has(text)) return judgeProcedure(setup, role, text)
  const [other] = [...setup.steps].find(([, steps]) => steps.some((step) => step.id === id)) ?? []
  if (other === undefined && id !== text) return `no procedure has a step ${id}`
  const decision = { kind: other === undefined ? 'other' : 'step', text: id } as const
  const about = other === undefined ? '' : `${id} is a step of ${other}. `
  return {
    ...{ role, decision, isCalledFor: false },
    consequence: `${about}${setup.procedure.name} does not call for it; the time that it takes is time without the service`,
  }
}

function declaredText({ plan }: PlaySetup, atMs: number): string {
  const told = [...plan.people.communications.values()].map(
    ({ audience, withinMs }) =>
      `${audience}${withinMs === undefined ? '' : ` by ${formatDuration(atMs + withinMs)}`}`,
  )
  return `declared ${showDuration(atMs)} after the disaster${told.length === 0 ? '' : `; to be told: ${told.join(', ')}`}`
}

function judgeProcedure(setup: PlaySetup, role: string | null, name: string) {
  const { plan, scenario, procedure } = setup
  const chosen = plan.procedures.get(name)
  if (chosen === undefined) {
    return `the plan has no procedure ${name}; there are: ${[...plan.procedures.keys()].join(', ')}`
  }
  const decision = { kind: 'procedure', text: name } as const
  if (name === procedure.name) {
    const [first] = setup.steps.get(name) ?? []
    const consequence = first === undefined ? 'it has no steps' : `it begins with ${first.id}`
    return { role, decision, isCalledFor: true, consequence }
  }
  const use = chosen.for.length === 0 ? 'something else' : `the loss of: ${chosen.for.join(', ')}`
  const broken = (setup.steps.get(name) ?? []).flatMap((step) => {
    const lost = lostFor(setup, step)
    return lost === undefined ? [] : [`; its step ${step.id} would fail, because ${lost}`]
  })
  return {
    ...{ role, decision, isCalledFor: false },
    consequence: `${name} is for ${use}, and the story is one of ${scenario.kind}${broken[0] ?? ''}`,
  }
}

function judgeStep(
  setup: PlaySetup,
  state: PlayState,
  atMs: number,
  contact: string,
  step: PlayStep,
): JudgedDecision {
  const { plan, procedure } = setup
  const roles = rolesOf(plan, contact)
  const role = (step.role !== undefined && roles.includes(step.role) ? step.role : roles[0]) ?? null
  const decision = { kind: 'step', text: step.id } as const
  const refused = (consequence: string) => ({ role, decision, isCalledFor: false, consequence })
  if (state.procedure !== procedure.name) {
    return refused(
      state.procedure === undefined
        ? 'no procedure is chosen yet: nobody knows what comes before and after it'
        : `it is no step of ${state.procedure}, which was chosen`,
    )
  }
  const endsAt = state.begun.get(step.id)
  if (endsAt !== undefined) {
    return refused(state.ended.has(step.id) ? 'it is done already' : 'it is under way already')
  }
  const before = (setup.steps.get(procedure.name) ?? []).filter(
    ({ id, group }) => group < step.group && !state.ended.has(id),
  )
  if (before.length > 0) {
    const names = before.map(({ id }) => id).join(', ')
    return refused(
      `${names} come${before.length === 1 ? 's' : ''} first and ${before.length === 1 ? 'is' : 'are'} not done: ${step.id} would work on what is not there yet`,
    )
  }
  if (step.role !== undefined && !roles.includes(step.role)) {
    return refused(
      `${step.id} asks ${step.role}, which ${contact} does not hold: a run refuses that answer`,
    )
  }
  const lost = lostFor(setup, step)
  if (lost !== undefined) return refused(`it cannot be done, because ${lost}`)
  const silent = silentFor(setup, step, atMs)
  if (silent !== undefined) return refused(`it cannot be done now: ${silent}`)
  const beginsAtMs = backAtMs(setup, step, atMs)
  if (beginsAtMs === Number.POSITIVE_INFINITY) {
    return refused('it cannot be done: no place that it reads from answers any more')
  }
  const endsAtMs = Math.round(beginsAtMs + step.takesMs)
  const waits =
    beginsAtMs > atMs
      ? `nothing that it reads from answers before ${formatDuration(beginsAtMs)}; `
      : ''
  const consequence = `${waits}${endsAtMs === atMs ? 'done at once' : `done at ${formatDuration(endsAtMs)}`}`
  return { role, decision, isCalledFor: true, consequence, endsAtMs }
}

/** Places that the step reads copies from. */
const sourcesOf = ({ touches }: PlayStep): string[] =>
  touches
    .filter(({ what, access }) => what === 'destination' && access === 'reads')
    .map(({ name }) => name)

/** Targets that the step changes; none where it goes on without. */
const changedBy = ({ touches, passesWithout }: PlayStep): string[] =>
  passesWithout
    ? []
    : touches
        .filter(({ what, access }) => what === 'target' && access !== 'reads')
        .map(({ name }) => name.split('/')[0] ?? '')

/** The first of its targets that does not answer now, and until when. */
function silentFor({ scenario }: PlaySetup, step: PlayStep, atMs: number): string | undefined {
  for (const name of changedBy(step)) {
    const span = failingSpans(scenario, 'target', name).find(
      ({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs,
    )
    if (span === undefined) continue
    const until = Number.isFinite(span.toMs) ? ` before ${formatDuration(span.toMs)}` : ' any more'
    return `target ${name} does not answer${until}`
  }
  return undefined
}

/** Why a step cannot work, where what it needs is lost for good. */
function lostFor({ places }: PlaySetup, step: PlayStep): string | undefined {
  const because = (what: 'target' | 'destination', name: string): string | undefined => {
    const lost = places.find((each) => each.what === what && each.name === name)?.lostBecause
    return lost === undefined ? undefined : `${what} ${name} is ${lost}`
  }
  const written = changedBy(step).flatMap((name) => because('target', name) ?? [])
  const sources = sourcesOf(step).map((name) => because('destination', name))
  const isDry = sources.length > 0 && sources.every((each) => each !== undefined)
  return written[0] ?? (isDry ? sources[0] : undefined)
}

/** When the first of its sources answers; now, where it has none. */
function backAtMs({ scenario, places }: PlaySetup, step: PlayStep, atMs: number): number {
  const sources = sourcesOf(step).filter(
    (name) =>
      places.find((each) => each.what === 'destination' && each.name === name)?.lostBecause ===
      undefined,
  )
  if (sources.length === 0) return atMs
  const returns = sources.map((name) =>
    failingSpans(scenario, 'destination', name)
      .toSorted((a, b) => a.fromMs - b.fromMs)
      .reduce((at, { fromMs, toMs }) => (fromMs <= at && at < toMs ? toMs : at), atMs),
  )
  return Math.min(...returns)
}
