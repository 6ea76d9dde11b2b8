/**
 * An audit as one CSV table (RFC 4180): a figure a row, for spreadsheets and scripts. Pure.
 *
 * Columns: section, collection, subject, figure, value, unit, at, verdict. Values are plain numbers or texts;
 * a figure without a value was not measured. Text that a spreadsheet would take for a formula is quoted by a
 * leading apostrophe.
 */
import type { Audit } from '../audit/audit.ts'
import type { AuditSections } from '../audit/sections.ts'

const columns = ['section', 'collection', 'subject', 'figure', 'value', 'unit', 'at', 'verdict']

interface Row {
  readonly section: string
  readonly collection?: string
  readonly subject?: string
  readonly figure: string
  readonly value?: string | number | null
  readonly unit?: string
  readonly at?: string | null
  readonly verdict?: string | null
}

/** Lines end with CR LF, the last one too. */
export function toCsv(audit: Audit): string {
  const rows = [
    ...audit.verdicts.flatMap((verdict): Row[] => {
      const { collection, objective: subject } = verdict
      const unit = subject === 'recall' ? '' : 'ms'
      const base = { section: 'objective', collection, subject, unit }
      return [
        { ...base, figure: 'wanted', value: verdict.wanted },
        {
          ...base,
          ...{ figure: 'actual', value: verdict.actual, at: verdict.measuredAt },
          verdict: verdict.verdict,
        },
      ]
    }),
    ...(audit.sections === undefined ? [] : sectionRows(audit.sections)),
  ]
  const lines = rows.map((row) => {
    const { section, collection, subject, figure, value, unit, at, verdict } = row
    return [section, collection, subject, figure, value, unit, at, verdict]
  })
  return `${[columns, ...lines].map((cells) => cells.map(cellText).join(',')).join('\r\n')}\r\n`
}

function sectionRows(sections: AuditSections): Row[] {
  return [
    ...sections.exposure.flatMap((series): Row[] => {
      const { collection, losses } = series
      const base = { section: 'exposure', collection, subject: losses.join(' ') }
      const figures: readonly (readonly [string, number | null])[] = [
        ['worst', series.worstMs],
        ['p95', series.p95Ms],
        ['mean', series.meanMs],
        ['current', series.currentMs],
        ['in breach', series.inBreachMs],
        ['without a verified recovery point', series.withoutPointMs],
        ...(series.copiesAlone === null
          ? []
          : ([
              ['held by replicas', series.replicaMs],
              ['held by replicas that nobody compared', series.unprovenMs],
              ['worst by verified copies alone', series.copiesAlone.worstMs],
              ['in breach by verified copies alone', series.copiesAlone.inBreachMs],
            ] as const)),
      ]
      return [
        ...figures.map(([figure, value]) => ({
          ...{ ...base, figure, value, unit: 'ms', at: series.to, verdict: series.verdict },
        })),
        { ...base, figure: 'integral', value: series.integralS2, unit: 's2', at: series.to },
        ...series.breaches.map(({ from, durationMs, cause }) => ({
          ...{ ...base, figure: `breach: ${cause}`, value: durationMs, unit: 'ms', at: from },
        })),
      ]
    }),
    ...sections.recoveries.flatMap(({ collection, runs, rto }): Row[] => {
      const base = { section: 'rto', collection, subject: 'drills', unit: 'ms' }
      return [
        ...runs.flatMap((run): Row[] => {
          const of = { section: 'recovery', collection, subject: run.run, at: run.endedAt }
          return [
            { ...of, figure: 'rto', value: run.rtoMs, unit: 'ms' },
            ...run.phases.map(({ name, afterMs }) => ({
              ...{ ...of, figure: `phase: ${name}`, value: afterMs, unit: 'ms' },
            })),
            { ...of, figure: 'rpo', value: run.rpoMs, unit: 'ms' },
            { ...of, figure: 'recall', value: run.recall },
            { ...of, figure: 'latency p95', value: run.latency?.p95Ms ?? null, unit: 'ms' },
            { ...of, figure: 'canary points lost', value: run.canary?.missing ?? null },
          ]
        }),
        { ...base, figure: 'worst', value: rto.worstMs },
        { ...base, figure: 'median', value: rto.medianMs },
        { ...base, figure: 'proof age', value: rto.proofAgeMs },
        { ...base, figure: 'forecast (estimate)', value: rto.forecast?.rtoMs ?? null },
      ]
    }),
    ...sections.recoveryPoints.map(
      ({ collection, destination, kind, id, ageMs, asOfAt, verifiedSince }): Row => ({
        ...{ section: 'recovery point', collection, subject: destination },
        figure: `${kind} ${id ?? ''} age`.replace('  ', ' '),
        ...{ value: ageMs, unit: 'ms', at: asOfAt },
        verdict: verifiedSince === null ? 'not verified' : 'verified',
      }),
    ),
    ...sections.schedules.flatMap((schedule): Row[] => {
      const subject = `${schedule.sequence.kind} ${schedule.sequence.name}`
      return (['due', 'attempted', 'succeeded', 'failed', 'unfinished', 'missed'] as const).map(
        (figure) => ({ section: 'schedule', subject, figure, value: schedule[figure] }),
      )
    }),
    ...sections.drills.map(
      ({ drill, overdueMs, overdueSince }): Row => ({
        ...{ section: 'drill', subject: drill, figure: 'overdue', value: overdueMs, unit: 'ms' },
        at: overdueSince,
      }),
    ),
    ...sections.findings.map(
      (each): Row => ({
        section: 'finding',
        ...(each.collection !== null && { collection: each.collection }),
        ...{ subject: each.id, figure: each.severity, value: each.message, at: each.openedAt },
        verdict: each.state,
      }),
    ),
    ...sections.controls.map(
      ({ framework, control, state, missing }): Row => ({
        ...{ section: 'control', subject: `${framework} ${control}`, figure: 'evidence missing' },
        ...{ value: missing.map(({ says }) => says).join('; '), verdict: state },
      }),
    ),
  ]
}

function cellText(value: string | number | null | undefined): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number') return String(value)
  // a cell that begins like a formula would be computed by who opens the file
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
