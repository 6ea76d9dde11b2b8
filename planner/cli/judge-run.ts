/** After a drill: its verdicts, from the ledger and not from memory, and its report. */
import * as path from 'node:path'
import { type Audit, audit } from '../audit/audit.ts'
import type { Plan } from '../plan/plan.ts'
import { toReport } from '../report/report.ts'
import { actualText, objectiveName, wantedText } from '../report/story.ts'
import { type ReportPaths, writeReport } from '../report/write-report.ts'
import { readLedger } from '../run/ledger-reader.ts'
import type { RunResult } from '../run/run.ts'
import type { Context } from './context.ts'
import { shownPath } from './shown-path.ts'
import type { StatePaths } from './state.ts'

export interface JudgedRun {
  readonly audit: Pick<Audit, 'verdicts' | 'totals'>
  readonly reports: ReportPaths
}

export async function judgeRun(
  context: Context,
  plan: Plan,
  { run }: RunResult,
  state: StatePaths,
): Promise<JudgedRun> {
  const { disk } = context.io
  const { entries } = await readLedger(disk, state.ledger)
  const own = entries.filter((entry) => entry.run === run).map((entry) => Date.parse(entry.at))
  const window = { from: Math.min(...own), to: Math.max(...own) }
  const judged = audit({ plan, entries, window, run })
  const paths = await writeReport(disk, path.join(state.reports, run), toReport(judged))
  await tellVerdicts(context, judged, paths)
  const { verdicts, totals } = judged
  return { audit: { verdicts, totals }, reports: paths }
}

/** The verdicts as a table, and where the report is. */
export async function tellVerdicts(
  context: Context,
  { verdicts }: Audit,
  paths: ReportPaths,
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
  await context.print(`report: ${shownPath(paths.html)}`)
  await context.print(`        ${shownPath(paths.markdown)}`)
  await context.print(`        ${shownPath(paths.json)}`)
  await context.emit({ event: 'verdicts', verdicts, reports: paths })
}
