/**
 * What played exercises leave to the audit: corrective actions, which are findings until a later run proves them,
 * and who took part when. They are no evidence: no verdict, exposure or estimate looks at them. Pure; plain JSON.
 */
import type { LedgerEntry } from '../ledger/ledger-line.ts'
import type { Plan } from '../plan/plan.ts'
import { toIso } from '../step/observation.ts'
import type { LineReference } from './copies.ts'
import type { Found } from './found.ts'
import type { LedgerRun, ServedRuns } from './ledger-run.ts'

/** One line of the ledger. */
export type LedgerExercise = Extract<LedgerEntry, { readonly kind: 'exercise' }>

const dayMs = 86_400_000

export interface TrainingReport {
  /** Who has not taken part for longer is overdue. */
  readonly everyMs: number
  /** By role, then by contact, in the order of the plan. */
  readonly people: readonly TrainedPerson[]
}

/** A contact in a role; only exercises with people at the terminal count. */
export interface TrainedPerson {
  /** The key. */
  readonly contact: string
  readonly role: string
  readonly exercises: number
  /** When the last one was recorded. */
  readonly lastTookPartAt: string | null
  /** Its line of the ledger. */
  readonly line: number | null
  /** Of who never took part: since the first exercise of the plan. */
  readonly overdueSince: string | null
}

interface Ended {
  readonly at: number
  readonly isPassed: boolean
  readonly by: LineReference
}

/**
 * @param runs of the plan but for those of `served`, oldest first
 * @param served runs of schedules that passed, by schedule
 */
export const actionFindings = (
  exercises: readonly LedgerExercise[],
  runs: readonly LedgerRun[],
  served: ReadonlyMap<string, ServedRuns>,
): Found[] =>
  exercises.flatMap((exercise) => {
    const openedAt = Date.parse(exercise.at)
    return exercise.actions.map(({ id, text, owner, dueOn, provedBy }): Found => {
      const tries = triesOf(provedBy, openedAt, runs, served)
      const passed = tries.find(({ isPassed }) => isPassed)
      const failed = tries.filter(({ isPassed }) => !isPassed)
      return {
        ...{ id, severity: 'warning', owner, openedAt },
        message: `exercise ${exercise.scenario}: ${text} To be proven by ${provedBy.kind} ${provedBy.name}`,
        // the whole day counts
        dueAt: Date.parse(dueOn) + dayMs - 1,
        retest: failed.length > 0 ? 'failed again' : 'not retested',
        shownBy: [{ run: exercise.run, line: exercise.line }, ...failed.map(({ by }) => by)],
        ...(passed && { closed: { at: passed.at, by: passed.by } }),
      }
    })
  })

/** Runs of a sequence that began after a moment and have ended, up to the first that passed; the oldest first. */
function triesOf(
  { kind, name }: LedgerExercise['actions'][number]['provedBy'],
  after: number,
  runs: readonly LedgerRun[],
  served: ReadonlyMap<string, ServedRuns>,
): Ended[] {
  const own = runs.flatMap(({ sequence, startedAt, ended, run, line }): Ended[] => {
    const isOurs = sequence.kind === kind && sequence.name === name && startedAt > after
    const isTold = ended?.outcome === 'passed' || ended?.outcome === 'failed'
    if (!isOurs || !isTold || ended === undefined) return []
    return [{ at: ended.at, isPassed: ended.outcome === 'passed', by: { run, line } }]
  })
  const quiet = kind === 'schedule' ? firstServed(served.get(name), after) : []
  const all = [...own, ...quiet].sort((a, b) => a.at - b.at)
  const first = all.findIndex(({ isPassed }) => isPassed)
  return first < 0 ? all : all.slice(0, first + 1)
}

function firstServed(served: ServedRuns | undefined, after: number): Ended[] {
  const index = served?.startedAt.findIndex((at) => at > after) ?? -1
  const [run, line, at] = [served?.runs[index], served?.lines[index], served?.endedAt[index]]
  if (run === undefined || line === undefined || at === undefined) return []
  return [{ at, isPassed: true, by: { run, line } }]
}

/** @returns undefined where nobody has ever played @param to the end of the window, epoch milliseconds */
export function reportTraining(
  { people, compliance: { trainingEveryMs } }: Plan,
  exercises: readonly LedgerExercise[],
  to: number,
): TrainingReport | undefined {
  const [first] = exercises
  if (first === undefined) return undefined
  const attended = exercises.filter(({ isScripted }) => !isScripted)
  const rows = [...people.roles.values()].flatMap(({ name: role, primary, deputies }) =>
    [primary, ...deputies].map((contact): TrainedPerson => {
      const own = attended.filter(({ participants }) =>
        participants.some((each) => each.contact === contact && each.role === role),
      )
      const last = own.at(-1)
      const overdueAt =
        last === undefined ? Date.parse(first.at) : Date.parse(last.at) + trainingEveryMs
      return {
        ...{ contact, role, exercises: own.length },
        lastTookPartAt: last?.at ?? null,
        line: last?.line ?? null,
        overdueSince: overdueAt <= to ? toIso(overdueAt) : null,
      }
    }),
  )
  return { everyMs: trainingEveryMs, people: rows }
}
