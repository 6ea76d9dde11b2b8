/** A procedure, a story and a ledger put together to what one trial plays. */
import { compile } from '../compile/compile.ts'
import { stepsOf } from '../compile/task.ts'
import type { LedgerEntry } from '../ledger/ledger-line.ts'
import { flowsOf, placesOf } from '../plan/flow.ts'
import { type Plan, type Procedure, type Step, type TaskStep, tasksOf } from '../plan/plan.ts'
import type { Scenario } from '../plan/scenario.ts'
import { lostNowhere } from '../plan/survival.ts'
import { historyOf } from '../run/history.ts'
import { timedOf } from '../schedule/timed.ts'
import { showDuration } from '../step/quantity.ts'
import type { StepRegistry } from '../step/step.ts'
import { assumptions, nextCallMs } from './assumptions.ts'
import { constant, type Distribution, measured, uniform } from './distribution.ts'
import { slotOf } from './draw.ts'
import { type LedgerPoints, ledgerPoints, pointsByHand } from './ledger-points.ts'
import { type Loss, type Points, pointsOfLedger, ScheduledPoints, type Window } from './loss.ts'
import { type Measurements, measurementsOf } from './measurements.ts'
import { type Place, placesIn, type Without } from './places.ts'
import { type Person, peopleIn, weekMs } from './staff.ts'
import { holdersOf, modelStep, type StepModel } from './step-model.ts'
import { comesAfterwards } from './step-needs.ts'
import { offsetMs, WeekClocks } from './week-clocks.ts'

export interface ModelRequest {
  readonly plan: Plan
  readonly scenario: Scenario
  readonly procedure: Procedure
  /** Of the whole ledger; those of other plans are passed over. */
  readonly entries: readonly LedgerEntry[]
  readonly registry: StepRegistry
  readonly without: readonly Without[]
  /** How much larger the data is than today. */
  readonly dataSize: number
}

export interface Rung {
  readonly afterMs: number
  readonly role: string
  readonly holders: readonly number[]
}

export interface Model {
  readonly plan: Plan
  readonly scenario: Scenario
  readonly procedure: Procedure
  readonly places: readonly Place[]
  readonly people: readonly Person[]
  readonly steps: readonly StepModel[]
  /** Steps by index that run side by side, one group after the other, up to when the service is back. */
  readonly groups: readonly (readonly number[])[]
  /** From the start of the procedure; infinite without one. */
  readonly timeoutMs: number
  readonly noticed: Distribution
  readonly rungs: readonly Rung[]
  readonly questions: number
  readonly losses: readonly Loss[]
  readonly window: Window
  /** Of the plan's zone, by which people have their hours. */
  readonly clocks: WeekClocks
  /** What was taken for true, in sentences. */
  readonly assumed: readonly string[]
}

/** Monday 2026-01-05 00:00 UTC. Any week does; without a change of clocks the sums are the simplest. */
const someMondayAt = Date.UTC(2026, 0, 5)

export function modelOf(request: ModelRequest): Model {
  const { plan, scenario, procedure, entries, registry, without, dataSize } = request
  const places = placesIn(plan, scenario, without)
  const people = peopleIn(plan, scenario, without)
  const measurements = measurementsOf(plan.name, entries, tasksOf(procedure.steps))
  const sequence = `procedure/${procedure.name}`
  const tree = compile(plan, procedure, {
    registry,
    history: historyOf(entries, plan.name, procedure),
  })
  const tasks = new Map(
    tree.stages
      .filter(({ name }) => name === 'steps')
      .flatMap((stage) => stepsOf(stage.tasks))
      .map((task) => [task.id, task]),
  )
  const served = upToServing(procedure.steps)
  const world = { plan, sequence, places, people, measurements, dataSize }
  const written = tasksOf(served)
  const steps = written.flatMap((step) => {
    const task = tasks.get(step.id)
    return task === undefined ? [] : [modelStep(task, step, world)]
  })
  const indexes = new Map(written.map(({ id }, index) => [id, index]))
  const ledger = ledgerPoints(plan, entries)
  const window = ledger.window ?? fixedWeek(plan.timezone)
  return {
    ...{ plan, scenario, procedure, places, people, steps, window },
    groups: served.map((step) => tasksOf([step]).map(({ id }) => indexes.get(id) ?? 0)),
    timeoutMs: procedure.timeoutMs ?? Number.POSITIVE_INFINITY,
    noticed: noticedIn(scenario),
    rungs: rungsOf(plan, written, people),
    questions: procedure.ask.size,
    losses: lossesOf(request, written, ledger, window, measurements),
    clocks: new WeekClocks(plan.timezone, window),
    assumed: [
      ...assumedIn(plan, scenario, procedure, places, written, ledger),
      ...(steps.some(({ durationBasis }) => durationBasis.origin === 'measured')
        ? [
            'a run of the ledger is one of many like it: what several took is widened by what so few leave open',
          ]
        : []),
    ],
  }
}

/** Steps up to the last one that the service needs; those after a failure only are not among them. */
function upToServing(steps: readonly Step[]): readonly Step[] {
  const serves = (step: Step): boolean =>
    tasksOf([step]).some(({ kind, when }) => !comesAfterwards.has(kind) && when !== 'failure')
  return steps.slice(0, steps.findLastIndex(serves) + 1)
}

const detection = ({ injects }: Scenario) => injects.find(({ expect }) => expect === 'detect')

function noticedIn(scenario: Scenario): Distribution {
  const told = detection(scenario)
  return told === undefined ? assumptions.noticed.distribution : constant(told.atMs)
}

const nowhere: Points = () => Number.NEGATIVE_INFINITY

/** Who is called. Without an escalation it is who the procedure needs; without people nobody has to be. */
function rungsOf(plan: Plan, steps: readonly TaskStep[], people: readonly Person[]): Rung[] {
  const { escalation } = plan.people
  const rung = (afterMs: number, role: string): Rung => ({
    ...{ afterMs, role },
    holders: holdersOf(plan, role, people),
  })
  if (escalation.length > 0) return escalation.map(({ afterMs, role }) => rung(afterMs, role))
  return [...new Set(askedIn(steps))].map((role) => rung(0, role))
}

function lossesOf(
  { plan, scenario, entries, registry }: ModelRequest,
  steps: readonly TaskStep[],
  ledger: LedgerPoints,
  window: Window,
  measurements: Measurements,
): Loss[] {
  const timed = timedOf(plan)
  const flows = flowsOf(plan, timed)
  const trees = new Map(
    timed.map((sequence) => {
      const history = historyOf(entries, plan.name, sequence)
      return [sequence, compile(plan, sequence, { registry, history })]
    }),
  )
  const scheduled = new ScheduledPoints(window, (flow) => {
    const tree = trees.get(flow.sequence)
    let beginsMs = 0
    for (const task of tree?.stages.find(({ name }) => name === 'steps')?.tasks ?? []) {
      const inside = stepsOf([task])
      const own = inside.find(({ id }) => id === flow.step.id)
      if (own !== undefined) return { beginsMs, takesMs: own.estimate.durationMs }
      beginsMs += Math.max(0, ...inside.map(({ estimate }) => estimate.durationMs))
    }
    return { beginsMs, takesMs: 0 }
  })
  return [...plan.collections.keys()].flatMap((collection): Loss[] => {
    const step = steps.findLastIndex((each) => returns(each, collection))
    const by = steps[step]
    const base = { collection, step, slot: slotOf(`lag of ${collection}`) }
    if (by?.kind === 'promote') {
      const lags = measurements.lags(collection, by.input.target)
      return [{ ...base, ...lagOf(plan, by, collection, scenario, lags) }]
    }
    if (by?.kind !== 'restore') return []
    const own = flows.get(collection) ?? []
    const isMoment = by.input.snapshot.kind === 'moment'
    const counted = own.filter(({ kind }) => isMoment || kind !== 'archive')
    const held = placesOf(own)
    const usable = (destination: string) =>
      ledger
        .claims(collection, destination)
        .filter(({ point }) => isMoment || point.kind === 'snapshot')
    const points = by.input.from.map((destination): Points => {
      if (ledger.window !== undefined) return pointsOfLedger(usable(destination), window)
      // an archive alone restores nothing
      if (held.includes(destination)) return scheduled.at(destination, counted)
      return own.length === 0 ? pointsByHand(usable(destination), ledger.endsAt, window) : nowhere
    })
    const names = [...new Set(own.map(({ sequence }) => `${sequence.kind} ${sequence.name}`))]
    const basis =
      ledger.window === undefined
        ? names.length === 0
          ? 'nothing copies it by the clock: the newest copy that the ledger ends with, older by up to a week'
          : `as often as ${names.join(', ')} of the plan ${names.length === 1 ? 'runs' : 'run'}`
        : `verified recovery points in the ledger’s last ${showDuration(window.to - window.from)}`
    return [{ ...base, kind: 'points', basis, points }]
  })
}

function returns(step: TaskStep, collection: string): boolean {
  if (step.kind === 'promote') return step.input.collections.includes(collection)
  return step.kind === 'restore' && step.input.collection === collection
}

/** Fewer looks say too little of how far a standby is behind at any moment. */
const enoughLooks = 10

/** What a standby lacks: measured, or by the bound that the plan sets. A synchronous one lacks nothing acknowledged. */
function lagOf(
  { replication }: Plan,
  step: Extract<TaskStep, { kind: 'promote' }>,
  collection: string,
  { kind }: Scenario,
  lags: readonly number[],
): Pick<Loss, 'kind' | 'basis' | 'lag' | 'points'> {
  const follows = replication.get(collection)
  const told = { kind: 'lag', points: [] } as const
  if (step.input.planned) {
    return { ...told, lag: constant(0), basis: 'a planned promotion waits for everything' }
  }
  if (kind === 'data') {
    // a standby follows what spoiled the data as well
    return { ...told, basis: 'the standby has the same damage' }
  }
  if (follows === undefined || !follows.to.includes(step.input.target)) {
    return { ...told, basis: `no replication of it goes to ${step.input.target}` }
  }
  if (follows.mode === 'sync') return { ...told, lag: constant(0), basis: 'synchronous standby' }
  if (lags.length >= enoughLooks) {
    const worst = showDuration(Math.max(...lags))
    const basis = `lag of the standby, as ${lags.length} looks in the ledger found it, at worst ${worst}`
    return { ...told, lag: measured(lags), basis }
  }
  const { maxLagMs } = follows
  if (maxLagMs === undefined) {
    const { distribution, text } = assumptions.lag
    return { ...told, lag: distribution, basis: `lag of the standby, taken as ${text}` }
  }
  const basis = `lag of the standby, anything up to its maxLag of ${showDuration(maxLagMs)}`
  return { ...told, lag: uniform(0, maxLagMs), basis }
}

const fixedWeek = (timezone: string): Window => {
  const from = someMondayAt - offsetMs(someMondayAt, timezone)
  return { from, to: from + weekMs }
}

/** Who is called at any hour, because the plan does not say when they answer. */
function alwaysThere({ people }: Plan, steps: readonly TaskStep[]): string[] {
  const roles = [...people.escalation.map(({ role }) => role), ...askedIn(steps)]
  const called = roles
    .flatMap((role) => people.roles.get(role) ?? [])
    .flatMap(({ primary, deputies }) => [primary, ...deputies])
  const always = [...new Set(called)].filter((key) => people.contacts.get(key)?.hours === undefined)
  if (always.length === 0) return []
  const verb = always.length === 1 ? 'has no hours and is' : 'have no hours and are'
  return [`${always.join(', ')} ${verb} taken to answer at all of them`]
}

/** Roles that steps ask. */
const askedIn = (steps: readonly TaskStep[]): string[] =>
  steps.flatMap((step) =>
    step.kind === 'approve' ? [step.input.by] : step.kind === 'manual' ? [step.input.role] : [],
  )

function assumedIn(
  plan: Plan,
  scenario: Scenario,
  procedure: Procedure,
  places: readonly Place[],
  steps: readonly TaskStep[],
  ledger: LedgerPoints,
): string[] {
  const calls = plan.people.escalation.length > 0 || askedIn(steps).length > 0
  const isGuessed = ledger.window === undefined
  return [
    ...(isGuessed
      ? ['the disaster comes at any moment of a week, and every scheduled run before it passed']
      : ['the disaster comes at any moment of the stretch of the ledger that is named']),
    detection(scenario) === undefined
      ? `it is noticed after ${assumptions.noticed.text}`
      : 'it is noticed when the first inject says so',
    ...(calls
      ? [
          `a person who is called and there answers after ${assumptions.answer.text}, and stays`,
          `the first who answers calls everybody whom the procedure needs, of each role one more every ${showDuration(nextCallMs)}`,
        ]
      : ['nobody has to be called: the procedure starts as soon as the disaster is noticed']),
    ...(calls && plan.people.escalation.length === 0
      ? ['the plan has no escalation, so the roles that the procedure asks are called at once']
      : []),
    ...(procedure.ask.size > 0
      ? [`each question before the start is answered after ${assumptions.question.text}`]
      : []),
    ...alwaysThere(plan, steps),
    ...lostNowhere(
      scenario.loses,
      [...plan.targets.values(), ...plan.destinations.values()].map(({ domains }) => domains),
    ).map(
      ({ kind, name }) =>
        `${kind} ${name} is named by no target or destination: what names another one is not lost`,
    ),
    ...places.flatMap(({ what, name, lostBecause }) =>
      lostBecause?.startsWith('counted') === true ? [`${what} ${name} is ${lostBecause}`] : [],
    ),
  ]
}
