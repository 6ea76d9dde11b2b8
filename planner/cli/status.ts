/** `status PLAN`: how things stand, on one screen, from plan and ledger. */
import type { Command } from 'commander'
import type { RecoveryPoint } from '../audit/recovery-points.ts'
import type { Drill, Plan, PlanCollection } from '../plan/plan.ts'
import { livePoints } from '../standing/live-points.ts'
import { readStanding } from '../standing/read-standing.ts'
import type { Standing } from '../standing/standing.ts'
import { showCount, showDuration } from '../step/quantity.ts'
import type { Context } from './context.ts'
import { openPlan } from './open-plan.ts'
import type { LiveReading } from './read-live.ts'
import { proven } from './read-proven-ledger.ts'
import { examples, type Runner } from './runner.ts'
import { statePaths } from './state.ts'
import { standbysOf, tellStandbys } from './status-standbys.ts'
import { printTable } from './table.ts'

export function addStatus(program: Command, run: Runner): void {
  program
    .command('status')
    .description(
      'collections, newest recovery points, standbys, exposure now, last drills, next runs, findings; from the ledger, asks no destination',
    )
    .argument('<plan>', 'plan file')
    .option('--live', 'ask targets and destinations too: where they stand and what they hold now')
    .addHelpText(
      'after',
      examples(
        'status plans/shop.yaml',
        'status plans/shop.yaml --live',
        'status plans/shop.yaml --json',
      ),
    )
    .action(run(showStatus))
}

async function showStatus(context: Context, file: string, flags: { readonly live?: true }) {
  const plan = await openPlan(context, file)
  const state = statePaths(plan, context.state)
  const reading = await readStanding(context.io.disk, state.ledger, plan.name)
  const { standing } = await proven(context, file, reading)
  const live =
    flags.live === true ? await (await import('./read-live.ts')).readLive(context, plan) : undefined
  const points =
    live === undefined ? standing.recoveryPoints() : livePoints(standing.knownPoints(), live)
  const now = context.io.clock.nowMs()
  const collections = [...plan.collections.values()].map((each) => exposureOf(each, points, now))
  const places = newestOf(points).filter(({ collection }) => plan.collections.has(collection))
  const drills = await lastDrills(plan, standing)
  const next = await nextRuns(plan, standing, now)
  const findings = await countedFindings(plan, standing, now)
  await printTable(
    context,
    ['collection', 'wanted RPO', 'exposure now', ''],
    collections.map(exposureRow),
  )
  await printTable(
    context,
    ['collection', 'destination', 'newest recovery point', 'as of', 'last verified'],
    places.map((point) => placeRow(point, now)),
  )
  const standbys = standbysOf(plan, standing.looks(), live, now)
  await tellStandbys(context, standbys)
  await printTable(
    context,
    ['drill', 'last run', 'outcome', 'verdicts'],
    drills.map(({ drill, endedAt, outcome, verdicts }) => [
      drill,
      endedAt === null ? 'never' : `${showAge(now - Date.parse(endedAt))} ago`,
      outcome ?? '',
      verdicts
        .map(({ objective, collection, verdict }) => `${objective} of ${collection} ${verdict}`)
        .join(', '),
    ]),
  )
  await printTable(
    context,
    ['next', 'due'],
    next.map(({ kind, name, dueAt, due }) => [
      `${kind} ${name}`,
      due ? 'now' : `in ${showAge(Date.parse(dueAt) - now)}`,
    ]),
  )
  if (live !== undefined) await showLive(context, plan, live)
  await context.print(
    findings.text === 'nothing found'
      ? 'findings: none'
      : `findings: ${findings.text}; vectra-dr check ${file}`,
  )
  return {
    plan: plan.name,
    at: iso(now),
    ...(live && { live: liveJson(plan, live) }),
    findings: findings.counts,
    collections,
    recoveryPoints: places.map(json),
    standbys,
    drills,
    next,
  }
}

interface Exposure {
  readonly collection: string
  readonly rpoMs: number | null
  /** From the newest verified recovery point; null where there is none. */
  readonly exposureMs: number | null
  /** `unproven`: nothing verified. */
  readonly state: 'within' | 'beyond' | 'unproven' | 'no objective'
}

function exposureOf(
  { name, objectives }: PlanCollection,
  points: readonly RecoveryPoint[],
  now: number,
): Exposure {
  const verified = points.filter(
    (each) => each.collection === name && each.verifiedAt !== undefined,
  )
  const rpoMs = objectives.rpoMs ?? null
  const newest =
    verified.length === 0 ? undefined : Math.max(...verified.map(({ asOfAt }) => asOfAt))
  const exposureMs = newest === undefined ? null : Math.max(0, now - newest)
  const state =
    rpoMs === null
      ? 'no objective'
      : exposureMs === null
        ? 'unproven'
        : exposureMs > rpoMs
          ? 'beyond'
          : 'within'
  return { collection: name, rpoMs, exposureMs, state }
}

const exposureRow = ({ collection, rpoMs, exposureMs, state }: Exposure): string[] => [
  collection,
  rpoMs === null ? 'none' : showDuration(rpoMs),
  exposureMs === null ? 'no verified recovery point' : showAge(exposureMs),
  state,
]

/** The newest point of each collection at each destination. */
function newestOf(points: readonly RecoveryPoint[]): RecoveryPoint[] {
  const newest = new Map<string, RecoveryPoint>()
  for (const point of points) {
    const key = `${point.collection}\n${point.destination}`
    const known = newest.get(key)
    if (known === undefined || point.asOfAt >= known.asOfAt) newest.set(key, point)
  }
  return [...newest.values()]
}

const placeRow = (point: RecoveryPoint, now: number): string[] => [
  point.collection,
  point.destination,
  point.kind === 'archive' ? `archived log to LSN ${point.lsn}` : `${point.id}, LSN ${point.lsn}`,
  `${showAge(now - point.asOfAt)} ago`,
  point.verifiedAt === undefined ? 'not verified' : `${showAge(now - point.verifiedAt)} ago`,
]

const json = ({ asOfAt, verifiedAt, collection, destination, kind, id, lsn }: RecoveryPoint) => ({
  ...{ collection, destination, kind, ...(id !== undefined && { id }), lsn },
  asOfAt: iso(asOfAt),
  verifiedAt: verifiedAt === undefined ? null : iso(verifiedAt),
})

/** Judged as right after the run: by the objectives that it proves. */
async function lastDrills(plan: Plan, standing: Standing) {
  const [{ audit }, { runsOf }] = await Promise.all([
    import('../audit/audit.ts'),
    import('../audit/ledger-run.ts'),
  ])
  return [...plan.drills.values()].map(({ name }: Drill) => {
    const { entries = [], seen = [] } = standing.drill(name) ?? {}
    const [last] = runsOf(plan.name, entries)
    const at = last?.ended?.at
    if (last === undefined || at === undefined) {
      const outcome = last === undefined ? null : 'unfinished'
      return { drill: name, run: last?.run ?? null, endedAt: null, outcome, verdicts: [] }
    }
    const moments = [last.startedAt, at]
    const window = { from: Math.min(...moments), to: Math.max(...moments) + 1_000 }
    const { verdicts } = audit({ plan, entries, seen, window, run: last.run })
    return {
      drill: name,
      run: last.run,
      endedAt: iso(at),
      outcome: last.ended?.outcome ?? null,
      verdicts: verdicts.map(({ objective, collection, verdict }) => ({
        objective,
        collection,
        verdict,
      })),
    }
  })
}

/** As `check` finds them, but for what only the times of earlier runs of schedules show. */
async function countedFindings(plan: Plan, standing: Standing, at: number) {
  const [{ check, countFindings }, { totalsText }, { capabilitiesOf }] = await Promise.all([
    import('../check/check.ts'),
    import('../check/finding-text.ts'),
    import('../target/capabilities.ts'),
  ])
  const entries = [...plan.drills.keys()].flatMap((name) => standing.drill(name)?.entries ?? [])
  const offers = (name: string) => {
    const target = plan.targets.get(name)
    return target === undefined ? new Set<never>() : capabilitiesOf(target)
  }
  const found = check({ plan, entries, looks: standing.looks(), at, offers })
  return { counts: countFindings(found), text: totalsText(found) }
}

async function showLive(context: Context, plan: Plan, { positions, silent }: LiveReading) {
  await printTable(
    context,
    ['collection', 'target', 'stands now'],
    [...plan.collections.values()].map(({ name, target }) => {
      const position = positions.get(name)
      const stands =
        position === undefined
          ? `not known: ${silent.collections.get(name) ?? ''}`
          : `LSN ${position.lsn}, ${showCount(position.count, 'point')}`
      return [name, target, stands]
    }),
  )
  for (const [name, why] of silent.destinations) {
    await context.warn(
      `destination ${name} did not answer, and counts as the ledger has it: ${why}`,
    )
  }
}

const liveJson = (plan: Plan, { positions, holdings, silent }: LiveReading) => ({
  collections: [...plan.collections.values()].map(({ name, target }) => {
    const { lsn = null, count = null, observedAt } = positions.get(name) ?? {}
    const error = silent.collections.get(name) ?? null
    const observed = observedAt === undefined ? null : iso(observedAt)
    return { collection: name, target, lsn, count, observedAt: observed, error }
  }),
  destinations: [...plan.destinations.keys()].map((name) => ({
    destination: name,
    snapshots: holdings.get(name)?.snapshots.length ?? null,
    error: silent.destinations.get(name) ?? null,
  })),
})

async function nextRuns(plan: Plan, standing: Standing, now: number) {
  const [{ comingRuns }, { watchedSince }] = await Promise.all([
    import('../schedule/coming-runs.ts'),
    import('../schedule/limits.ts'),
  ])
  const moment = { now, watchedSinceAt: watchedSince(now) }
  return comingRuns(plan, standing.served(), moment, 1).map(
    ({ sequence: { kind, name }, dueAt, isDue }) => ({ kind, name, dueAt: iso(dueAt), due: isDue }),
  )
}

const iso = (at: number): string => new Date(at).toISOString()

/** Whole seconds: nobody reads more of an age. */
const showAge = (ms: number): string =>
  ms < 1_000 ? '0 s' : showDuration(Math.floor(ms / 1_000) * 1_000)
