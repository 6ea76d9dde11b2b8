/** One step of a procedure as the simulation sees it: how long, how likely, who and what it needs. */
import type { StepTask } from '../compile/task.ts'
import type { Plan, TaskStep } from '../plan/plan.ts'
import { formatDuration } from '../plan/units.ts'
import { showCount, showDuration } from '../step/quantity.ts'
import { aroundDefault } from './assumptions.ts'
import { constant, type Distribution, measured, pert } from './distribution.ts'
import { slotOf } from './draw.ts'
import { inputsOf, type Measurements, type StepKey } from './measurements.ts'
import type { Place } from './places.ts'
import type { Person } from './staff.ts'
import { bringsBack, growsWithData, needsOf } from './step-needs.ts'

/** Where a figure comes from. */
export interface Basis {
  readonly origin: 'measured' | 'plan' | 'default'
  readonly text: string
}

export interface StepModel {
  readonly id: string
  readonly kind: string
  readonly when: StepTask['when']
  /** A failure does not keep the next step from starting. */
  readonly goesOn: boolean
  /** Who said no is not asked again. */
  readonly isApproval: boolean
  readonly bringsBack: boolean
  readonly slot: number
  /** Of its duration. Measured work shares one: a trial takes one run of the past as its example. */
  readonly durationSlot: number
  readonly duration: Distribution
  readonly durationBasis: Basis
  /** Chance of one try to succeed. */
  readonly odds: number
  readonly oddsBasis: Basis
  readonly attempts: number
  readonly backoffMs: number
  /** Of one try; infinite without one. */
  readonly timeoutMs: number
  readonly role?: string
  /** Who may do it, by index, in the order in which they are called. Absent: nobody has to. */
  readonly holders?: readonly number[]
  /** A measured time has the time until somebody answered in it. */
  readonly answerIsCounted: boolean
  /** Places that it needs, by index. */
  readonly needs: readonly number[]
  /** One of these as well, by index. */
  readonly sources?: readonly number[]
  /** How long it asks again when a place does not answer. */
  readonly patienceMs: number
  /** It passes when a place does not answer. */
  readonly passesWithout: boolean
}

export interface StepWorld {
  readonly plan: Plan
  readonly sequence: string
  readonly places: readonly Place[]
  readonly people: readonly Person[]
  readonly measurements: Measurements
  /** How much larger the data is than today. */
  readonly dataSize: number
}

/** Fewer tries say too little about odds. */
const enoughTries = 5

/** @param step the plan's step that was compiled to `task` */
export function modelStep(task: StepTask, step: TaskStep, world: StepWorld): StepModel {
  const { plan, sequence, places, people } = world
  const needs = needsOf(step, plan)
  const key: StepKey = {
    ...{ sequence, kind: step.kind, id: step.id },
    inputs: inputsOf(step),
    ...(step.kind === 'restore' && { collection: step.input.collection }),
  }
  const placeAt = (what: Place['what']) => (name: string) =>
    places.findIndex((place) => place.what === what && place.name === name)
  const role =
    step.kind === 'approve' ? step.input.by : step.kind === 'manual' ? step.input.role : undefined
  const timed = durationOf(task, step, key, world)
  return {
    ...{ id: task.id, kind: task.stepKind, when: task.when },
    goesOn: task.onFailure === 'continue' && task.stepKind !== 'approve',
    isApproval: task.stepKind === 'approve',
    bringsBack: bringsBack.has(task.stepKind),
    slot: slotOf(`step ${task.id}`),
    durationSlot: isExample(timed.durationBasis, role) ? exampleSlot : slotOf(`step ${task.id}`),
    ...timed,
    ...oddsOf(task, key, world.measurements),
    attempts: task.retry?.attempts ?? 1,
    backoffMs: task.retry?.backoffMs ?? 0,
    timeoutMs: task.timeoutMs ?? Number.POSITIVE_INFINITY,
    ...(role !== undefined && { role, holders: holdersOf(plan, role, people) }),
    answerIsCounted: timed.durationBasis.origin === 'measured',
    needs: [
      ...needs.targets.map(placeAt('target')),
      ...needs.destinations.map(placeAt('destination')),
    ],
    ...(needs.sources && { sources: needs.sources.map(placeAt('destination')) }),
    patienceMs: step.kind === 'probe' ? step.input.withinMs : 0,
    passesWithout: step.kind === 'fence' && step.input.unreachable === 'continue',
  }
}

const exampleSlot = slotOf('run of the past')

/** People are slow or quick for reasons of their own. */
const isExample = ({ origin }: Basis, role: string | undefined): boolean =>
  origin === 'measured' && role === undefined

/** By index, who is called first first. */
export const holdersOf = (plan: Plan, role: string, people: readonly Person[]): number[] => {
  const found = plan.people.roles.get(role)
  const keys = found === undefined ? [] : [found.primary, ...found.deputies]
  return keys.map((key) => people.findIndex((person) => person.key === key))
}

function durationOf(
  task: StepTask,
  step: TaskStep,
  key: StepKey,
  { measurements, dataSize }: StepWorld,
): { readonly duration: Distribution; readonly durationBasis: Basis } {
  const size = growsWithData.has(step.kind) ? dataSize : 1
  const larger = size === 1 ? '' : `, × ${size} for the data`
  const own = measurements.durations(key)
  const isOther = own.length === 0 && step.kind === 'promote'
  const known = isOther ? measurements.promotions(step.input.target) : own
  if (known.length > 0) {
    const today =
      key.collection === undefined ? undefined : measurements.pointsToday(key.collection)
    const scaled = known.map(({ durationMs, points }) =>
      points === undefined || today === undefined ? durationMs : (durationMs * today) / points,
    )
    const isScaled = scaled.some((each, index) => each !== known[index]?.durationMs)
    const [only = 0, ...others] = scaled
    const isOne = others.length === 0
    const text = `${showCount(known.length, 'run')} in the ledger${isOther ? ', of other promotions of it' : ''}${isScaled ? ', scaled to today’s data' : ''}${isOne ? ', half to three times of it' : ''}${larger}`
    // one run tells nothing of the spread: what is assumed around a default is assumed around it
    const duration = isOne ? aroundDefault(only) : measured(scaled)
    return { duration: duration.scaled(size), durationBasis: { origin: 'measured', text } }
  }
  if (step.kind === 'wait' && step.input.kind === 'time') {
    const { forMs } = step.input
    return { duration: constant(forMs), durationBasis: { origin: 'plan', text: 'by its word' } }
  }
  if (task.takes !== undefined) {
    const { minMs, likelyMs, maxMs } = task.takes
    const text = `takes ${[minMs, likelyMs, maxMs].map(formatDuration).join(', ')}${larger}`
    const duration = pert(minMs, likelyMs, maxMs).scaled(size)
    return { duration, durationBasis: { origin: 'plan', text } }
  }
  const { durationMs } = task.estimate
  const text = `${showDuration(durationMs / 2)} to ${showDuration(3 * durationMs)}, mostly ${showDuration(durationMs)}${larger}`
  return {
    duration: aroundDefault(durationMs).scaled(size),
    durationBasis: { origin: 'default', text },
  }
}

function oddsOf(
  { odds }: StepTask,
  key: StepKey,
  measurements: Measurements,
): { readonly odds: number; readonly oddsBasis: Basis } {
  const { made, passed } = measurements.tries(key)
  if (made >= enoughTries) {
    const text = `${passed} of ${made} tries in the ledger`
    return { odds: passed / made, oddsBasis: { origin: 'measured', text } }
  }
  if (odds !== undefined) return { odds, oddsBasis: { origin: 'plan', text: 'odds' } }
  return { odds: 1, oddsBasis: { origin: 'default', text: 'taken to succeed' } }
}
