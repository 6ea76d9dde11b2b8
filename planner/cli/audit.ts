/** `audit PLAN`: what the plan promised and what the ledger proves, over a window; from these two alone. */
import * as path from 'node:path'
import { type Command, Option } from 'commander'
import { type Disk, fail, OperatingError, replaceFile } from '../../engine/index.ts'
import type { Audit, Auditor } from '../audit/audit.ts'
import type { Comparable, Differences } from '../audit/differences.ts'
import type { Plan } from '../plan/plan.ts'
import type { Report } from '../report/report.ts'
import type { Context } from './context.ts'
import { openPlan } from './open-plan.ts'
import { durationOption, instantOption } from './options.ts'
import { examples, type Runner } from './runner.ts'
import { shownPath } from './shown-path.ts'
import { statePaths } from './state.ts'

/** Forms of the report, and the files that they are. */
const fileNames = {
  html: 'report.html',
  md: 'report.md',
  json: 'report.json',
  csv: 'report.csv',
  oscal: 'report.oscal.json',
} as const
type Format = keyof typeof fileNames

interface AuditFlags {
  readonly window?: number
  readonly from?: number
  readonly to?: number
  readonly since?: number
  readonly previous?: string
  readonly format?: Format
  readonly out?: string
  readonly bundle?: string
  readonly trust?: readonly string[]
}

export function addAudit(program: Command, run: Runner): void {
  program
    .command('audit')
    .description(
      'what the plan promised and what the ledger proves: objectives, exposure, drills, recovery points, schedules, findings, controls; exit 3 when an objective is missed or unproven',
    )
    .argument('<plan>', 'plan file')
    .option('--window <duration>', 'how far back (default: compliance.window)', durationOption)
    .option('--from <instant>', 'start of the window, instead of --window', instantOption)
    .option('--to <instant>', 'end of the window (default: now)', instantOption)
    .option('--since <instant>', 'from then until now', instantOption)
    .option(
      '--previous <file>',
      'compare with this report.json (default: with the window of the same length right before)',
    )
    .addOption(
      new Option(
        '--format <format>',
        'print the report in this form instead of writing it; with --out write only this form',
      ).choices(Object.keys(fileNames)),
    )
    .option('--out <dir>', 'where the report goes (default: reports/ in the state directory)')
    .option(
      '--bundle <file>',
      'a new .zip with report, plan, ledger, evidence, and how to check them',
    )
    .option(
      '--trust <keys...>',
      "public keys that may sign the ledger, and go into the bundle (default: the plan's)",
    )
    .addHelpText(
      'after',
      examples(
        'audit plans/shop.yaml',
        'audit plans/shop.yaml --window 30d --format md',
        'audit plans/shop.yaml --from 2026-07-01T00:00:00Z --to 2026-10-01T00:00:00Z --out q3',
        'audit plans/shop.yaml --previous q2/report.json --format csv',
        'audit plans/shop.yaml --format oscal --out evidence',
        'audit plans/shop.yaml --window 90d --bundle q3.zip',
      ),
    )
    .action(run(auditPlan))
}

async function auditPlan(context: Context, file: string, flags: AuditFlags) {
  const { clock, disk } = context.io
  await checkBundleName(disk, flags.bundle)
  const plan = await openPlan(context, file)
  const window = windowOf(flags, plan.compliance.windowMs, clock.nowMs())
  const { judged, differences } = await judgeWindow(context, file, plan, window, flags)
  let made: Promise<Report> | undefined
  const report = () => {
    made ??= import('../report/report.ts').then(({ toReport }) => toReport(judged, differences))
    return made
  }
  const reports = await tellReport(context, plan, judged, report, flags)
  const bundle = await bundleOf(context, plan, judged, report, flags)
  const { verdicts, totals, sections } = judged
  const bad = verdicts.filter(({ verdict }) => verdict !== 'met')
  if (bad.length > 0) {
    const named = bad.map((each) => `${each.objective} of ${each.collection} is ${each.verdict}`)
    throw new OperatingError(
      'objective-missed',
      named.join(', '),
      'Run the drills that prove them; the report says why and since when.',
    )
  }
  const open = (sections?.findings ?? []).filter(({ state }) => state === 'open').length
  return {
    ...{ plan: plan.name, window: judged.window, totals, verdicts, openFindings: open },
    ...(reports !== undefined && { reports }),
    ...(bundle !== undefined && { bundle }),
  }
}

interface Window {
  readonly from: number
  readonly to: number
}

/** Reads the ledger once, for the window and for the one before it. */
async function judgeWindow(
  context: Context,
  file: string,
  plan: Plan,
  window: Window,
  { previous, trust }: AuditFlags,
): Promise<{ readonly judged: Audit; readonly differences?: Differences }> {
  const [{ Auditor }, { walkLines }, { runsOfSum }, { proven }, { compareAudits }] =
    await Promise.all([
      import('../audit/audit.ts'),
      import('../ledger/ledger-reader.ts'),
      import('../ledger/sum.ts'),
      import('./read-proven-ledger.ts'),
      import('../audit/differences.ts'),
    ])
  const [{ closeHour }, { openSignedLedger }] = await Promise.all([
    import('./seal-run.ts'),
    import('./signed-ledger.ts'),
  ])
  await closeHour(context, plan)
  const earlier = previous === undefined ? undefined : await readReport(context, previous, plan)
  const auditor = new Auditor({ plan, window })
  let before: Auditor | undefined
  if (earlier === undefined) {
    const lengthMs = window.to - window.from
    before = new Auditor({ plan, window: { from: window.from - lengthMs, to: window.from } })
  }
  const { ledger } = statePaths(plan, context.state)
  const signed = await openSignedLedger(context, plan, trust)
  const proof = await walkLines(context.io.disk, ledger, (line) => {
    signed?.read(line)
    const summed = line.kind === 'runs-summed' ? runsOfSum(line) : undefined
    auditor.readLine(line, summed)
    before?.readLine(line, summed)
  })
  await proven(context, file, (await signed?.conclude(proof)) ?? proof)
  const judged = auditor.finish()
  if (earlier !== undefined) {
    return { judged, differences: compareAudits(earlier, judged, 'an earlier report') }
  }
  if (before?.knowsPlan !== true) return { judged }
  return { judged, differences: compareAudits(before.finish(), judged, 'the window before') }
}

/** More than any report of ours has. */
const maxReportBytes = 512 * 1024 * 1024

/** @throws `usage` when it is no report on a window of this plan */
async function readReport(context: Context, file: string, plan: Plan): Promise<Comparable> {
  const text = (await context.io.disk.readFile(file, maxReportBytes)).toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // it is none, which is told below
  }
  const { isComparable } = await import('../audit/differences.ts')
  if (!isComparable(value) || value.plan.name !== plan.name) {
    return fail(
      'usage',
      `${file} is no report of an audit of ${plan.name}`,
      'Name the report.json that an earlier audit of this plan wrote.',
      { place: { file } },
    )
  }
  return value
}

/** Draws and writes it once, however many ask. */
type MakeReport = () => Promise<Report>

/** Prints it, or writes it and tells its story in short. */
async function tellReport(
  context: Context,
  plan: Plan,
  judged: Audit,
  report: MakeReport,
  { format, out }: AuditFlags,
): Promise<object | undefined> {
  if (format !== undefined && !context.json && out === undefined) {
    await context.io.stdout.write(await reportText(format, judged, report))
    return undefined
  }
  const [{ tellVerdicts }, { tellSections }, { writeReport }] = await Promise.all([
    import('./judge-run.ts'),
    import('./tell-sections.ts'),
    import('../report/write-report.ts'),
  ])
  const named = `${judged.window.from}_${judged.window.to}`.replaceAll(':', '')
  const directory = out ?? path.join(statePaths(plan, context.state).reports, named)
  if (format !== undefined) {
    const { makeDurableDirectory } = await import('../ledger/durable-directory.ts')
    const text = await reportText(format, judged, report)
    const file = path.join(directory, fileNames[format])
    await makeDurableDirectory(context.io.disk, directory)
    await replaceFile(context.io.disk, file, Buffer.from(text))
    await context.print(`report: ${shownPath(file)}`)
    return { [format]: file }
  }
  const paths = await writeReport(context.io.disk, directory, await report())
  await tellVerdicts(context, judged, paths, () => tellSections(context, judged))
  return paths
}

async function reportText(format: Format, judged: Audit, report: MakeReport): Promise<string> {
  if (format === 'csv') return (await import('../report/csv.ts')).toCsv(judged)
  if (format === 'oscal') {
    const text = (await import('../report/oscal.ts')).toOscal(judged)
    return (
      text ??
      fail(
        'usage',
        'the plan names no framework, so there is no control to give evidence for',
        'Write compliance: { frameworks: [nist-800-53] }, or others of soc2, iso22301, iso27001, dora.',
      )
    )
  }
  const { json, markdown, html } = await report()
  return { json, md: markdown, html }[format]
}

/** Before anything is looked at. */
async function checkBundleName(disk: Disk, file: string | undefined): Promise<void> {
  if (file === undefined) return
  if (!file.endsWith('.zip')) {
    const hint = 'It is a ZIP file: name it FILE.zip.'
    fail('usage', `--bundle ${file} does not end in .zip`, hint)
  }
  if ((await disk.stat(file)) !== undefined) {
    fail('file-exists', `${file} is there already`, 'Name another one; nothing is replaced.')
  }
}

async function bundleOf(
  context: Context,
  plan: Plan,
  audit: Audit,
  report: MakeReport,
  { bundle, trust }: AuditFlags,
): Promise<object | undefined> {
  if (bundle === undefined) return undefined
  const { writeBundle } = await import('./bundle.ts')
  return writeBundle(context, bundle, { plan, audit, report: await report(), trust })
}

function windowOf({ window, from, to, since }: AuditFlags, defaultMs: number, now: number): Window {
  if (window !== undefined && from !== undefined) {
    fail('usage', '--window and --from exclude each other', 'Give one of them.')
  }
  if (since !== undefined && (window ?? from ?? to) !== undefined) {
    fail('usage', '--since stands alone: it goes up to now', 'Give --from and --to instead.')
  }
  const end = to ?? now
  const start = since ?? from ?? end - (window ?? defaultMs)
  if (start >= end) fail('usage', 'the window ends before it begins', 'Check --from and --to.')
  return { from: start, to: end }
}
