/** `audit PLAN`: verdicts over a window, from the plan and the ledger alone. */
import * as path from 'node:path'
import { type Command, Option } from 'commander'
import { fail, OperatingError } from '../../engine/index.ts'
import type { Context } from './context.ts'
import { openPlan } from './open-plan.ts'
import { durationOption, instantOption } from './options.ts'
import { examples, type Runner } from './runner.ts'
import { statePaths } from './state.ts'

interface AuditFlags {
  readonly window?: number
  readonly from?: number
  readonly to?: number
  readonly format?: 'json' | 'md' | 'html'
  readonly out?: string
}

export function addAudit(program: Command, run: Runner): void {
  program
    .command('audit')
    .description('judge every objective by the ledger; exit 3 when one is missed or unproven')
    .argument('<plan>', 'plan file')
    .option('--window <duration>', 'how far back (default: compliance.window)', durationOption)
    .option('--from <instant>', 'start of the window, instead of --window', instantOption)
    .option('--to <instant>', 'end of the window (default: now)', instantOption)
    .addOption(
      new Option('--format <format>', 'print the report instead of writing it').choices([
        'html',
        'md',
        'json',
      ]),
    )
    .option('--out <dir>', 'where the report goes (default: reports/ in the state directory)')
    .addHelpText(
      'after',
      examples(
        'audit plans/shop.yaml',
        'audit plans/shop.yaml --window 30d --format md',
        'audit plans/shop.yaml --from 2026-07-01T00:00:00Z --to 2026-10-01T00:00:00Z --out q3',
      ),
    )
    .action(run(auditPlan))
}

async function auditPlan(context: Context, file: string, flags: AuditFlags) {
  const { disk, clock } = context.io
  const plan = await openPlan(context, file)
  const state = statePaths(plan, context.state)
  const window = windowOf(flags, plan.compliance.windowMs, clock.nowMs())
  const [{ readProvenLedger }, { closeHour }] = await Promise.all([
    import('./read-proven-ledger.ts'),
    import('./seal-run.ts'),
  ])
  await closeHour(context, plan)
  const { entries } = await readProvenLedger(context, file, state.ledger)
  const [{ audit }, { toReport }, { writeReport }, { tellVerdicts }] = await Promise.all([
    import('../audit/audit.ts'),
    import('../report/report.ts'),
    import('../report/write-report.ts'),
    import('./judge-run.ts'),
  ])
  const judged = audit({ plan, entries, window })
  const report = await toReport(judged)
  const { verdicts, totals } = judged
  let reports: object = {}
  if (flags.format !== undefined && !context.json) {
    const text = { json: report.json, md: report.markdown, html: report.html }[flags.format]
    await context.io.stdout.write(text)
  } else {
    const named = `${judged.window.from}_${judged.window.to}`.replaceAll(':', '')
    const paths = await writeReport(disk, flags.out ?? path.join(state.reports, named), report)
    await tellVerdicts(context, judged, paths)
    reports = { reports: paths }
  }
  const bad = verdicts.filter(({ verdict }) => verdict !== 'met')
  if (bad.length > 0) {
    const named = bad.map((each) => `${each.objective} of ${each.collection} is ${each.verdict}`)
    throw new OperatingError(
      'objective-missed',
      named.join(', '),
      'Run the drills that prove them; the report says why and since when.',
    )
  }
  return { plan: plan.name, window: judged.window, totals, verdicts, ...reports }
}

function windowOf({ window, from, to }: AuditFlags, defaultMs: number, now: number) {
  if (window !== undefined && from !== undefined) {
    fail('usage', '--window and --from exclude each other', 'Give one of them.')
  }
  const end = to ?? now
  const start = from ?? end - (window ?? defaultMs)
  if (start >= end) fail('usage', 'the window ends before it begins', 'Check --from and --to.')
  return { from: start, to: end }
}
