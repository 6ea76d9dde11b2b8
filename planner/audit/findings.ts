/**
 * The section on findings: what somebody has to put right, until when, and whether a later run has proven that
 * it was. Pure, from plan and ledger; plain JSON, instants ISO 8601.
 *
 * A finding opens with the line of the ledger that shows it, and closes only with a later one that proves the
 * contrary. Nobody closes it by hand; what the plan lacks closes when the plan has it.
 */
import type { Compliance, ObjectiveKind, Plan } from '../plan/plan.ts'
import { formatDuration } from '../plan/units.ts'
import { toIso } from '../step/observation.ts'
import { showMinutes } from '../step/quantity.ts'
import type { Span } from './claims.ts'
import type { Copies, CopyCheck, LineReference } from './copies.ts'
import type { DrillReport } from './drills.ts'
import { actionFindings, type LedgerExercise } from './exercises.ts'
import { type ExposureSeries, isPromised } from './exposure.ts'
import type { FindingSeverity, Found, Retest } from './found.ts'
import { isEvidence, judge } from './judge.ts'
import type { LedgerRun, ServedRuns } from './ledger-run.ts'
import { objectivesOf } from './objectives.ts'
import type { Occurrence, Occurrences, OccurringRun } from './occurrences.ts'
import type { Sightings } from './sightings.ts'
import type { Verdict } from './verdict.ts'
import { lossText } from './verdict-exposure.ts'

export interface AuditFinding {
  /** The same in every report: `exposure/orders/region`. */
  readonly id: string
  readonly severity: FindingSeverity
  readonly collection: string | null
  readonly message: string
  readonly state: 'open' | 'closed'
  readonly retest: Retest
  readonly openedAt: string
  /** The role or team that the plan names. */
  readonly owner: string
  /** Null where the plan sets no time. */
  readonly dueAt: string | null
  /** Open beyond its time, or closed after it. */
  readonly isLate: boolean
  readonly closedAt: string | null
  /** What shows it, newest last; empty for what the plan lacks. */
  readonly shownBy: readonly LineReference[]
  readonly closedBy: LineReference | null
}

export interface FindingsRequest {
  readonly plan: Plan
  readonly runs: readonly LedgerRun[]
  readonly served: ReadonlyMap<string, ServedRuns>
  readonly exercises: readonly LedgerExercise[]
  readonly sightings: Sightings
  readonly copies: Copies
  readonly occurrences: readonly Occurrences[]
  readonly exposure: readonly ExposureSeries[]
  readonly drills: readonly DrillReport[]
  /** As the drills of the window have it. */
  readonly verdicts: readonly Verdict[]
  readonly window: Span
  /** When the ledger first names the plan, epoch milliseconds. */
  readonly knownSinceAt: number
}

/** Open ones first, critical before others, the oldest first; those closed before the window are left out. */
export function reportFindings(request: FindingsRequest): AuditFinding[] {
  const { plan, window } = request
  return [
    ...missedObjectives(request),
    ...breachedExposure(request),
    ...damagedCopies(request),
    ...failingSequences(request),
    ...overdueDrills(request),
    ...neverMeasured(request),
    ...unprotected(request),
    ...uncompared(request),
    ...unreviewed(request),
    ...actionFindings(request.exercises, request.runs, request.served),
  ]
    .filter(({ closed }) => closed === undefined || closed.at >= window.from)
    .sort(
      (a, b) =>
        rank(a) - rank(b) || a.openedAt - b.openedAt || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0),
    )
    .map((found) => toFinding(found, plan.compliance, window.to))
}

const rank = ({ closed, severity }: Found): number =>
  (closed === undefined ? 0 : 2) + (severity === 'critical' ? 0 : 1)

function toFinding(found: Found, { findings }: Compliance, now: number): AuditFinding {
  const { id, severity, collection, message, openedAt, closed, shownBy = [] } = found
  const dueMs = severity === 'critical' ? findings.criticalDueMs : findings.warningDueMs
  const dueAt = found.dueAt ?? (dueMs === undefined ? undefined : openedAt + dueMs)
  return {
    ...{ id, severity, collection: collection ?? null, message },
    state: closed === undefined ? 'open' : 'closed',
    retest: closed === undefined ? (found.retest ?? 'not retested') : 'passed',
    openedAt: toIso(openedAt),
    owner: found.owner ?? findings.owner,
    dueAt: dueAt === undefined ? null : toIso(dueAt),
    isLate: dueAt !== undefined && (closed?.at ?? now) > dueAt,
    closedAt: closed === undefined ? null : toIso(closed.at),
    shownBy: shownBy.map(({ run, line }) => ({ run, line })),
    closedBy: closed?.by ?? null,
  }
}

/** A drill, or a real failover, that missed an objective, until a later one meets it. */
function missedObjectives({ plan, runs, sightings }: FindingsRequest): Found[] {
  const ended = runs.filter((run) => run.ended !== undefined)
  return [...plan.collections.values()].flatMap((collection) => {
    if (plan.compliance.exclusions.has(collection.name)) return []
    return objectivesOf(collection).flatMap(([objective, wanted]) => {
      const found: Found[] = []
      let open: (Found & { readonly shownBy: LineReference[] }) | undefined
      for (const run of ended.filter((each) => isEvidence(each, objective, collection.name))) {
        const at = run.ended?.at ?? run.startedAt
        const verdict = judge(plan, collection, objective, wanted, { runs: [run], sightings, at })
        const reference = { run: run.run, line: run.line }
        if (verdict.verdict === 'missed' && open !== undefined) {
          open.shownBy.push(reference)
          open = { ...open, retest: 'failed again' }
        } else if (verdict.verdict === 'missed') {
          open = {
            id: `${objective}/${collection.name}`,
            severity: 'critical',
            collection: collection.name,
            message: `${run.sequence.kind === 'drill' ? 'a drill' : `procedure ${run.sequence.name}`} missed the ${nameOf(objective)} of ${collection.name}${reasonOf(verdict.reasons)}`,
            openedAt: at,
            shownBy: [reference],
          }
        } else if (verdict.verdict === 'met' && open !== undefined) {
          found.push({ ...open, closed: { at, by: reference } })
          open = undefined
        }
      }
      return open === undefined ? found : [...found, open]
    })
  })
}

const nameOf = (objective: ObjectiveKind): string =>
  objective === 'recall' ? 'recall' : objective.toUpperCase()

const reasonOf = ([first]: readonly string[]): string => (first === undefined ? '' : `: ${first}`)

/** Exposure beyond the objective, until a verified recovery point brought it back. */
function breachedExposure({ exposure }: FindingsRequest): Found[] {
  return exposure.flatMap((series): Found[] => {
    const { collection, breaches, losses } = series
    if (!isPromised(series)) return []
    const all = breaches.map(
      ({ from, to, durationMs, because, incidents, endedBy }): Found => ({
        id: `exposure/${collection}/${losses.join('+')}/${from}`,
        severity: 'critical',
        collection,
        message: `exposure of ${collection} to ${lossText(series)} was beyond its RPO for ${showMinutes(durationMs)}: ${because}`,
        openedAt: Date.parse(from),
        shownBy: incidents.flatMap(({ run, line }) => (run && line ? [{ run, line }] : [])),
        ...(endedBy && {
          closed: { at: Date.parse(to), by: { run: endedBy.run, line: endedBy.line } },
        }),
      }),
    )
    return newest(all)
  })
}

/** More of one kind than anybody goes through one by one. */
const mostOfAKind = 20

/** The newest, and how many there were before them. */
function newest(all: readonly Found[]): Found[] {
  const left = all.slice(-mostOfAKind)
  const [first, ...rest] = left
  const before = all.length - left.length
  if (first === undefined || before === 0) return left
  const message = `${first.message}; it was the ${before + 1}th time in the window`
  return [{ ...first, message }, ...rest]
}

/** A copy that was found damaged, until it is found whole or is gone. */
function damagedCopies({ copies, plan }: FindingsRequest): Found[] {
  const snapshots = copies.snapshots().flatMap((copy) => {
    const what = `snapshot ${copy.id} of ${copy.collection} in ${copy.destination}`
    const id = `damage/${copy.destination}/${copy.collection}/${copy.id}`
    return streaks(copy.checks).map(
      ({ failed, healed }): Found => ({
        ...{ id, severity: 'critical', collection: copy.collection },
        ...damageOf(what, failed),
        ...(healed !== undefined
          ? { closed: { at: healed.at, by: healed } }
          : copy.removedAt !== undefined && { closed: { at: copy.removedAt, by: null } }),
      }),
    )
  })
  const logs = copies.logs().flatMap(({ destination, collection, lastCheck, uuid }): Found[] =>
    lastCheck === undefined || lastCheck.ok
      ? []
      : [
          {
            id: `damage/${destination}/${collection}/log-${uuid}`,
            ...{ severity: 'critical', collection },
            ...damageOf(`the archived log of ${collection} in ${destination}`, [lastCheck]),
          },
        ],
  )
  return [...snapshots, ...logs].filter(
    ({ collection = '' }) => !plan.compliance.exclusions.has(collection),
  )
}

function damageOf(what: string, failed: readonly CopyCheck[]) {
  return {
    message: `${what} was found damaged`,
    openedAt: failed[0]?.at ?? 0,
    retest: failed.length > 1 ? 'failed again' : 'not retested',
    shownBy: failed,
  } as const
}

/** Failures in a row, and the check that ended them. */
function streaks(checks: readonly CopyCheck[]) {
  const all: { failed: CopyCheck[]; healed?: CopyCheck }[] = []
  for (const check of checks) {
    const last = all.at(-1)
    const open = last?.healed === undefined ? last : undefined
    if (!check.ok && open !== undefined) open.failed.push(check)
    else if (!check.ok) all.push({ failed: [check] })
    else if (open !== undefined) open.healed = check
  }
  return all
}

/** Runs in a row that were missed or failed, until one passes. */
function failingSequences({ occurrences }: FindingsRequest): Found[] {
  return occurrences.flatMap(({ sequence, all }): Found[] => {
    const { kind, name } = sequence
    const found: Found[] = []
    let bad: Occurrence[] = []
    const close = (healed?: OccurringRun): void => {
      const [first] = bad
      if (first === undefined) return
      found.push({
        id: `runs/${kind}/${name}/${toIso(first.dueAt)}`,
        severity: 'warning',
        message: `${kind} ${name}, due ${toIso(first.dueAt)}: ${countsText(bad)}`,
        openedAt: first.dueAt,
        retest: bad.length > 1 ? 'failed again' : 'not retested',
        shownBy: bad.flatMap(referenceOf).slice(-linesShown),
        ...(healed?.ended && {
          closed: { at: healed.ended.at, by: { run: healed.run, line: healed.line } },
        }),
      })
      bad = []
    }
    for (const each of all) {
      if (each.outcome === 'succeeded') close(each.run)
      else bad.push(each)
    }
    close()
    return newest(found)
  })
}

const countsText = (bad: readonly Occurrence[]): string =>
  (['missed', 'failed', 'unfinished'] as const)
    .map((outcome) => [outcome, bad.filter((each) => each.outcome === outcome).length] as const)
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(', ')

/** More of them than anybody follows. */
const linesShown = 20

const referenceOf = ({ run }: Occurrence): LineReference[] =>
  run === undefined ? [] : [{ run: run.run, line: run.line }]

function overdueDrills({ drills }: FindingsRequest): Found[] {
  return drills.flatMap(({ drill, overdueSince, everyMs, lastPassedAt, proves }): Found[] =>
    overdueSince === null || everyMs === null
      ? []
      : [
          {
            id: `drill/${drill}`,
            severity: 'warning',
            message: `drill ${drill}, which proves ${proves.join(', ')}, is wanted every ${formatDuration(everyMs)} and ${lastPassedAt === null ? 'never passed' : `last passed at ${lastPassedAt}`}`,
            openedAt: Date.parse(overdueSince),
          },
        ],
  )
}

/** Objectives of which no drill of the window says anything. */
function neverMeasured({ verdicts, window }: FindingsRequest): Found[] {
  return verdicts
    .filter(({ verdict, actual }) => verdict === 'unproven' && actual === null)
    .map(({ collection, objective, reasons }) => ({
      id: `unproven/${objective}/${collection}`,
      severity: 'warning',
      collection,
      message: `the ${nameOf(objective)} of ${collection} is not proven${reasonOf(reasons)}`,
      openedAt: window.from,
    }))
}

/** Losses that the plan provides nothing for: each would take the collection with all its copies. */
function unprotected({ plan, exposure, knownSinceAt }: FindingsRequest): Found[] {
  return [...plan.collections.values()].flatMap(({ name, objectives }): Found[] => {
    const bare = exposure.filter((series) => series.collection === name && !isPromised(series))
    if (bare.length === 0 || objectives.rpoMs === undefined) return []
    const losses = bare.flatMap((series) => series.losses)
    return [
      {
        id: `unprotected/${name}`,
        severity: 'warning',
        collection: name,
        message: `by the clock no copy of ${name} is brought to a place that is known to survive the loss of: ${losses.join(', ')}`,
        openedAt: knownSinceAt,
      },
    ]
  })
}

/** What is kept within its RPO by the word of a standby alone. */
const uncompared = ({ exposure, window }: FindingsRequest): Found[] =>
  exposure
    .filter(({ verdict, replicaMs }) => verdict === 'unproven' && replicaMs > 0)
    .map((series) => ({
      id: `replica/${series.collection}/${series.losses.join('+')}`,
      severity: 'warning',
      collection: series.collection,
      message: `exposure of ${series.collection} to ${lossText(series)} rests on ${series.standbys.join(', ')}, a replica that nobody has compared with its primary: let a step replicate seed it`,
      openedAt: window.from,
    }))

const reviewMs = 365 * 86_400_000

function unreviewed({ plan, window, knownSinceAt }: FindingsRequest): Found[] {
  const { reviewedAt } = plan
  if (reviewedAt !== undefined && window.to - reviewedAt <= reviewMs) return []
  return [
    {
      id: 'review',
      severity: 'warning',
      message:
        reviewedAt === undefined
          ? 'the plan does not say when anybody reviewed it'
          : `the plan was last reviewed at ${toIso(reviewedAt)}, more than a year before the end of the window`,
      openedAt: reviewedAt === undefined ? knownSinceAt : reviewedAt + reviewMs,
    },
  ]
}
