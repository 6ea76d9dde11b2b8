/** The sections of an audit on a terminal, in the order of the report, in a few lines each. */
import type { Audit } from '../audit/audit.ts'
import { cameInTime } from '../audit/exposure.ts'
import type { AuditSections } from '../audit/sections.ts'
import { formatDuration } from '../plan/units.ts'
import { showCount, showMinutes } from '../step/quantity.ts'
import type { Context } from './context.ts'
import { printTable } from './table.ts'

/** Findings told one by one. */
const findingsTold = 5

type Told = Pick<Context, 'print'>

/** Exposure, drills, recovery points, replication, schedules, findings, training, controls; what has nothing to tell is left out. */
export async function tellSections(
  context: Told,
  { sections }: Pick<Audit, 'sections'>,
): Promise<void> {
  if (sections === undefined) return
  const { exposure, drills, recoveryPoints, schedules, findings, controls } = sections
  const ms = (value: number | null) => (value === null ? 'no bound' : showMinutes(value))
  await printTable(
    context,
    ['exposure', 'lost', 'worst', '95 %', 'at the end', 'beyond RPO', ''],
    exposure.flatMap(({ copiesAlone, standbys, ...all }) =>
      [all, ...(copiesAlone === null ? [] : [copiesAlone])].map((each) => [
        all.collection,
        `${all.losses.join(' ')}${whatCounts(each === copiesAlone, standbys)}`,
        ms(each.worstMs),
        ms(each.p95Ms),
        ms(each.currentMs),
        all.rpoMs === null ? 'no RPO' : ms(each.inBreachMs),
        cameInTime(each) ? 'met, the first copy came in time' : (each.verdict ?? ''),
      ]),
    ),
  )
  await printTable(
    context,
    ['drill', 'done', 'passed', 'missed', 'last passed', ''],
    drills.map((each) => [
      each.drill,
      String(each.done),
      String(each.passed),
      each.missed === null ? '' : String(each.missed),
      each.lastPassedAt?.slice(0, 10) ?? 'never',
      each.overdueSince === null ? '' : `overdue since ${each.overdueSince.slice(0, 10)}`,
    ]),
  )
  await printTable(
    context,
    ['recovery point', 'destination', 'age', 'verified'],
    recoveryPoints.map((each) => [
      `${each.collection}, ${each.kind === 'archive' ? 'archived log' : each.id}`,
      each.destination,
      each.ageMs === null ? 'unknown' : showMinutes(each.ageMs),
      each.verifiedSince === null ? 'no' : (each.lastCheck?.depth ?? 'read back'),
    ]),
  )
  await tellReplication(context, sections)
  await printTable(
    context,
    ['schedule', 'due', 'succeeded', 'failed', 'unfinished', 'missed'],
    schedules.map((each) => [
      `${each.sequence.kind} ${each.sequence.name}`,
      ...[each.due, each.succeeded, each.failed, each.unfinished, each.missed].map(String),
    ]),
  )
  const open = findings.filter(({ state }) => state === 'open')
  if (open.length > 0) {
    await context.print(`${showCount(open.length, 'finding')} open:`)
    for (const { severity, message, dueAt } of open.slice(0, findingsTold)) {
      const due = dueAt === null ? '' : ` (due ${dueAt.slice(0, 10)})`
      await context.print(`  ${severity}: ${message}${due}`)
    }
    const more = open.length - findingsTold
    if (more > 0) await context.print(`  and ${more} more in the report`)
    await context.print('')
  }
  await tellTraining(context, sections)
  if (controls.length > 0) {
    const supported = controls.filter(({ state }) => state === 'supported').length
    await context.print(
      `controls: all evidence asked for supports ${supported} of ${controls.length}; evidence, not certification`,
    )
  }
}

const whatCounts = (isAlone: boolean, standbys: readonly string[]): string => {
  if (standbys.length === 0) return ''
  return isAlone ? ', verified copies alone' : `, with replica on ${standbys.join(' ')}`
}

async function tellReplication(context: Told, { replication = [] }: AuditSections): Promise<void> {
  await printTable(
    context,
    ['standby', 'of', 'looks', 'newest lag', 'worst lag', 'wanted', 'failed looks', 'promoted'],
    replication.flatMap(({ collection, to, standbys, failed, promotions, ...each }) =>
      to.map((target) => {
        const seen = standbys.find((standby) => standby.target === target)
        const lag = (seconds: number | undefined) =>
          seconds === undefined ? 'not measured' : `${seconds.toFixed(1)} s`
        const promoted = promotions.filter((promotion) => promotion.target === target)
        return [
          ...[target, collection, String(seen?.looks ?? 0)],
          ...[lag(seen?.newest.seconds), lag(seen?.worst.seconds)],
          each.maxLagMs === null ? 'no bound' : formatDuration(each.maxLagMs),
          ...[String(failed.length), String(promoted.length)],
        ]
      }),
    ),
  )
}

async function tellTraining(context: Told, { training }: AuditSections): Promise<void> {
  if (training === undefined) return
  const overdue = training.people.filter(({ overdueSince }) => overdueSince !== null)
  const named = overdue.map(({ contact, role }) => `${contact} as ${role}`).join(', ')
  const who = overdue.length === 0 ? 'nobody overdue' : `overdue: ${named}`
  await context.print(`training: an exercise every ${formatDuration(training.everyMs)}; ${who}`)
  await context.print('')
}
