/**
 * What rules look at: the plan, what its ledger knows, the day, and what follows from them, found once.
 * Pure; a rule asks for what it needs.
 */
import { type LastLook, lastLooks } from '../audit/last-looks.ts'
import { type LedgerRun, runsOf } from '../audit/ledger-run.ts'
import type { LedgerEntry } from '../ledger/ledger-line.ts'
import { type Flow, flowsOf, type Timed } from '../plan/flow.ts'
import type {
  AnySequence,
  Drill,
  ObjectiveKind,
  Plan,
  PlanCollection,
  Schedule,
  TaskStep,
} from '../plan/plan.ts'
import { tasksOf } from '../plan/plan.ts'
import type { StepKind } from '../plan/step-inputs.ts'
import type { Capability } from '../target/target.ts'
import { longestPause, type Pause } from './pause.ts'

export interface CheckRequest {
  readonly plan: Plan
  /** The ledger as far as it holds; empty where there is none yet. */
  readonly entries: readonly LedgerEntry[]
  /** The newest looks at standbys, where {@link entries} are not the whole ledger. */
  readonly looks?: readonly LastLook[]
  /** Today, epoch milliseconds. */
  readonly at: number
  /** What a target can do in this version; absent: not asked. */
  readonly offers?: (target: string) => ReadonlySet<Capability>
}

export interface Facts extends CheckRequest {
  readonly looks: readonly LastLook[]
  readonly runs: readonly LedgerRun[]
  /** Collections that are judged: those that compliance does not exclude. */
  readonly judged: readonly PlanCollection[]
  readonly sequences: readonly AnySequence[]
  readonly timed: readonly Timed[]
  /** Steps of one kind that run by the clock, steady checks aside. */
  byClock<Kind extends StepKind>(kind: Kind): readonly TaskOf<Kind>[]
  /** Those that verify, or prune, at a destination a collection or all; in the order of {@link byClock}. */
  stepsAt<Kind extends 'verify' | 'prune'>(
    kind: Kind,
    destination: string,
    collection: string,
  ): readonly TaskOf<Kind>[]
  /** By which steps copies of a collection get to destinations by the clock. */
  flowsOf(collection: string): readonly Flow[]
  /** How long it may take from one to the next, their jitter included. */
  pauseOf(flows: readonly Pick<Flow, 'sequence'>[]): FlowPause | undefined
}

export interface FlowPause extends Pause {
  readonly jitterMs: number
  /** {@link lengthMs} and the jitter. */
  readonly worstMs: number
  /** Those that make it. */
  readonly sequences: readonly Timed[]
}

/** Finds what follows; pauses are looked for once, when a rule asks. */
export function factsOf(request: CheckRequest): Facts {
  const { plan, entries, at } = request
  const timed = [...plan.schedules.values(), ...plan.drills.values()].filter(isTimed)
  const flows = flowsOf(plan, timed)
  const pauses = new Map<string, FlowPause | undefined>()
  const tasks = timed.flatMap(({ steps, always }) => [...tasksOf(steps), ...tasksOf(always)])
  const kinds = new Map<StepKind, readonly TaskStep[]>()
  const byClock = <Kind extends StepKind>(kind: Kind): readonly TaskOf<Kind>[] => {
    const known = kinds.get(kind) ?? tasksOfKind(tasks, kind)
    kinds.set(kind, known)
    // it was made for this kind
    return known as TaskOf<Kind>[]
  }
  const atPlaces = new Map<StepKind, ReadonlyMap<string, StepsAt>>()
  return {
    ...request,
    looks: request.looks ?? lastLooks(plan.name, entries),
    runs: runsOf(plan.name, entries),
    judged: [...plan.collections.values()].filter(
      ({ name }) => !plan.compliance.exclusions.has(name),
    ),
    sequences: [...plan.schedules.values(), ...plan.drills.values(), ...plan.procedures.values()],
    timed,
    byClock,
    stepsAt<Kind extends 'verify' | 'prune'>(kind: Kind, destination: string, collection: string) {
      const known = atPlaces.get(kind) ?? atEach(byClock<'verify' | 'prune'>(kind))
      atPlaces.set(kind, known)
      const there = known.get(destination)
      // they were made of this kind
      return (there?.ofOne.get(collection) ?? there?.ofAll ?? []) as TaskOf<Kind>[]
    },
    flowsOf: (collection) => flows.get(collection) ?? [],
    pauseOf(some) {
      const sequences = [...new Set(some.map(({ sequence }) => sequence))]
      const key = sequences.map(({ kind, name }) => `${kind}/${name}`).join(' ')
      if (!pauses.has(key)) pauses.set(key, pauseOf(sequences, at))
      return pauses.get(key)
    },
  }
}

/** Steps at one destination, in their order. */
interface StepsAt {
  /** Those that name no collection. */
  readonly ofAll: TaskStep[]
  /** By collections that are named: those that name it, and those that name none. */
  readonly ofOne: Map<string, TaskStep[]>
}

/** By destination. A plan may have a step of each kind for each of hundreds of collections. */
function atEach(steps: readonly TaskOf<'verify' | 'prune'>[]): ReadonlyMap<string, StepsAt> {
  const places = new Map<string, StepsAt>()
  for (const step of steps) {
    const { in: destination, collection } = step.input
    const place: StepsAt = places.get(destination) ?? { ofAll: [], ofOne: new Map() }
    places.set(destination, place)
    if (collection === undefined) {
      for (const list of place.ofOne.values()) list.push(step)
      place.ofAll.push(step)
    } else {
      const list = place.ofOne.get(collection) ?? [...place.ofAll]
      place.ofOne.set(collection, list)
      list.push(step)
    }
  }
  return places
}

const isTimed = (sequence: Schedule | Drill): sequence is Timed => sequence.rhythm !== undefined

/** Cron lines complete each other; of steady beats the quickest counts, each with its own jitter. */
function pauseOf(sequences: readonly Timed[], at: number): FlowPause | undefined {
  const crons = sequences.filter(({ rhythm }) => rhythm.kind === 'cron')
  const beats = sequences.filter(({ rhythm }) => rhythm.kind === 'every')
  return [crons, ...beats.map((beat) => [beat])]
    .flatMap((group): FlowPause[] => {
      const pause = longestPause(
        group.map(({ rhythm }) => rhythm),
        at,
      )
      if (pause === undefined) return []
      const jitterMs = Math.max(0, ...group.map((each) => each.jitterMs ?? 0))
      return [{ ...pause, jitterMs, worstMs: pause.lengthMs + jitterMs, sequences: group }]
    })
    .sort((a, b) => a.worstMs - b.worstMs)[0]
}

/** Every step of a sequence that does something: steady checks and clean-up too. */
export const allTasks = (sequence: AnySequence): readonly TaskStep[] => [
  ...(sequence.kind === 'drill' ? sequence.steady : []),
  ...tasksOf(sequence.steps),
  ...tasksOf(sequence.always),
]

/** A step of one kind, with its own input. */
export type TaskOf<Kind extends StepKind> = Extract<TaskStep, { readonly kind: Kind }>

/** Those of one kind. */
export const tasksOfKind = <Kind extends StepKind>(
  tasks: readonly TaskStep[],
  kind: Kind,
): TaskOf<Kind>[] =>
  // a union cannot be narrowed by a type parameter
  tasks.filter((task) => task.kind === kind) as TaskOf<Kind>[]

/** Collections that are judged and have the objective, with it. */
export const wanting = (
  { judged }: Facts,
  objective: ObjectiveKind,
): { readonly collection: PlanCollection; readonly wanted: number }[] =>
  judged.flatMap((collection) => {
    const { rpoMs, rtoMs, recall } = collection.objectives
    const wanted = { rpo: rpoMs, rto: rtoMs, recall }[objective]
    return wanted === undefined ? [] : [{ collection, wanted }]
  })

/** Runs of it that passed, oldest first. */
export const passedRuns = (
  { runs }: Facts,
  { kind, name }: Pick<AnySequence, 'kind' | 'name'>,
): LedgerRun[] =>
  runs.filter(
    ({ sequence, ended }) =>
      sequence.kind === kind && sequence.name === name && ended?.outcome === 'passed',
  )

/** Drills that restore the collection. */
export const drillsOf = ({ plan }: Facts, collection: string): Drill[] =>
  [...plan.drills.values()].filter((drill) =>
    tasksOfKind(tasksOf(drill.steps), 'restore').some(
      ({ input }) => input.collection === collection,
    ),
  )

/** Adds to what stands under a key; a plan may have hundreds of collections in one place. */
export function putUnder<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [item])
  else list.push(item)
}
