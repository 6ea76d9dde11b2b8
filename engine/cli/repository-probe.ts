/** `repository probe URL`: what a store really honours, by trying. */
import type { Command } from 'commander'
import { OperatingError } from '../base/errors.ts'
import { systemTimer } from '../base/timer.ts'
import type { ProbeReport } from '../destination/probe.ts'
import type { Context } from './context.ts'
import { examples, type Runner } from './runner.ts'
import { renderTable } from './table.ts'

/** The command. */
export function addProbe(repository: Command, run: Runner): void {
  repository
    .command('probe')
    .description('try what a store honours; exit 2 when no repository can be kept there')
    .argument('<url>', 'a path, a file://, s3:// or rsync:// URL')
    .addHelpText(
      'after',
      `
Writes a few small values beside what is there and removes them. Object lock is tried with a lock of
two seconds, which it waits for.
${examples('repository probe s3://backups/vectra?region=eu-central-1')}`,
    )
    .action(run(probe))
}

async function probe(context: Context, url: string) {
  const report = await probeUrl(context, url)
  for (const finding of report.findings) await context.emit(finding)
  await context.print(show(context, report))
  if (!report.removed) {
    await context.remark(`what the probe wrote to ${report.url} could not all be removed`)
  }
  if (!report.fit) throw unfit(report)
  const locks = report.locks ? 'what is written can be locked' : 'nothing can be locked'
  await context.confirm(`${report.url} can hold a repository; ${locks}`)
  const { findings: _, ...rest } = report
  return rest
}

/** Probes the store behind a URL. */
export async function probeUrl(context: Context, url: string): Promise<ProbeReport> {
  const { probeStore } = await import('../destination/probe.ts')
  const { openDestination } = await import('../destination/open-destination.ts')
  const { clock, disk, timer = systemTimer } = context.io
  return probeStore(() => openDestination(url, disk), { clock, timer })
}

/** The error that an unfit store means. */
export function unfit({ url, findings, fit: _, ...rest }: ProbeReport): OperatingError {
  const first = findings.find(({ verdict }) => verdict === 'broken' || verdict === 'refused')
  return new OperatingError(
    'unsupported-destination',
    `${url} cannot hold a repository: ${first?.check}: ${first?.detail}`,
    'Use a store that honours what the table shows as broken or refused.',
    { details: [rest] },
  )
}

function show(context: Context, { findings }: ProbeReport): string {
  const { stdout } = context.io
  return renderTable(
    [{ title: 'check' }, { title: 'verdict' }, { title: 'detail' }],
    findings.map(({ check, verdict, detail }) => [check, verdict, detail]),
    stdout.isTerminal ? stdout.columns : 0,
  )
}
