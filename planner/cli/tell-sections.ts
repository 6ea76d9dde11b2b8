/** The sections of an audit on a terminal, in the order of the report, in a few lines each. */
import type { Audit } from '../audit/audit.ts'
import { showCount, showMinutes } from '../step/quantity.ts'
import type { Context } from './context.ts'
import { printTable } from './table.ts'

/** Findings told one by one. */
const findingsTold = 5

/** Exposure, drills, recovery points, schedules, findings, controls; what has nothing to tell is left out. */
export async function tellSections(context: Context, { sections }: Audit): Promise<void> {
  if (sections === undefined) return
  const { exposure, drills, recoveryPoints, schedules, findings, controls } = sections
  const ms = (value: number | null) => (value === null ? 'no bound' : showMinutes(value))
  await printTable(
    context,
    ['exposure', 'lost', 'worst', '95 %', 'at the end', 'beyond RPO', ''],
    exposure.map((each) => [
      each.collection,
      each.losses.join(' '),
      ms(each.worstMs),
      ms(each.p95Ms),
      ms(each.currentMs),
      each.rpoMs === null ? 'no RPO' : ms(each.inBreachMs),
      each.verdict ?? '',
    ]),
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
  if (controls.length > 0) {
    const supported = controls.filter(({ state }) => state === 'supported').length
    await context.print(
      `controls: all evidence asked for supports ${supported} of ${controls.length}; evidence, not certification`,
    )
  }
}
