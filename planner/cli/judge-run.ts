/** After a drill: its verdicts, from what stands in the ledger, and its report. */

import assert from 'node:assert/strict'
import * as path from 'node:path'
import { type Audit, audit } from '../audit/audit.ts'
import type { Drill, Plan } from '../plan/plan.ts'
import { toReport } from '../report/report.ts'
import { actualText, objectiveName, wantedText } from '../report/story.ts'
import { type ReportPaths, writeReport } from '../report/write-report.ts'
import type { StandingReading } from '../standing/read-standing.ts'
import type { Context } from './context.ts'
import { shownPath } from './shown-path.ts'
import type { StatePaths } from './state.ts'

export interface JudgedRun {
  readonly audit: Pick<Audit, 'verdicts' | 'totals'>
  readonly reports: ReportPaths
}

/** @param reading the ledger as far as it could be proven when the run began, and what the run appended */
export async function judgeRun(
  context: Context,
  plan: Plan,
  drill: Drill,
  { standing, problem }: StandingReading,
  state: StatePaths,
): Promise<JudgedRun> {
  const last = standing.drill(drill.name)
  assert(last !== undefined, 'a drill that ran has a run')
  const { run, entries, seen } = last
  const moments = entries.map((entry) => Date.parse(entry.at))
  const judged = audit({
    plan,
    ...{ entries, seen },
    window: { from: Math.min(...moments), to: Math.max(...moments) },
    run,
    ...(problem && { ledgerProblem: problem }),
  })
  const directory = path.join(state.reports, run)
  const paths = await writeReport(context.io.disk, directory, await toReport(judged))
  await tellVerdicts(context, judged, paths)
  const { verdicts, totals } = judged
  return { audit: { verdicts, totals }, reports: paths }
}

/**
 * The verdicts as a table, and where the report is.
 * @param tellMore what stands between the two
 */
export async function tellVerdicts(
  context: Context,
  { verdicts }: Audit,
  paths: ReportPaths,
  tellMore?: () => Promise<void>,
): Promise<void> {
  const rows = verdicts.map((verdict) => [
    objectiveName(verdict),
    verdict.collection,
    verdict.verdict,
    actualText(verdict),
    `(wanted: ${wantedText(verdict)})`,
  ])
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  if (rows.length > 0) await context.print('')
  for (const row of rows) {
    await context.print(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
  }
  for (const verdict of verdicts) {
    for (const reason of verdict.reasons) {
      await context.print(`${objectiveName(verdict)} of ${verdict.collection}: ${reason}`)
    }
  }
  await context.print('')
  await tellMore?.()
  await context.print(`report: ${shownPath(paths.html)}`)
  await context.print(`        ${shownPath(paths.markdown)}`)
  await context.print(`        ${shownPath(paths.json)}`)
  await context.emit({ event: 'verdicts', verdicts, reports: paths })
}
