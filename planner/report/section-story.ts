/**
 * The sections of an audit over a window as tables, in the reader's order: exposure, drills, recovery points, data,
 * schedules, findings, what is left out. Pure.
 */
import type { CopyReport } from '../audit/copy-report.ts'
import type { ExposureSeries } from '../audit/exposure.ts'
import type { DataReport } from '../audit/growth.ts'
import type { CollectionRecoveries, RecoveryReport } from '../audit/recoveries.ts'
import type { SequenceReport } from '../audit/schedules.ts'
import type { AuditSections } from '../audit/sections.ts'
import { domainKinds } from '../plan/survival.ts'
import { showBytes, showCount, showMinutes } from '../step/quantity.ts'
import type { Block, Cell, Section } from './block.ts'

/** Every section that has something to tell. */
export const sectionStory = (sections: AuditSections): Section[] => [
  exposureSection(sections),
  drillSection(sections),
  copySection(sections),
  ...dataSection(sections),
  scheduleSection(sections),
  findingSection(sections),
  ...controlSection(sections),
  complianceSection(sections),
]

/** Rows of one table; what is beyond is said, and stands in the JSON report. */
const mostRows = 60

function table(columns: readonly string[], rows: readonly (readonly Cell[])[]): Block[] {
  if (rows.length === 0) return []
  const left = rows.length - mostRows
  const told: Block = { kind: 'table', columns, rows: rows.slice(0, mostRows) }
  if (left <= 0) return [told]
  const text = `${showCount(left, 'more row')} in the report as JSON.`
  return [told, { kind: 'paragraph', text }]
}

const sentence = (text: string): Block => ({ kind: 'paragraph', text })

const none = '–'

const ms = (value: number | null, otherwise = none): string =>
  value === null ? otherwise : showMinutes(value)

/** To the minute: tables of instants are read, not computed with. */
const minuteOf = (instant: string): string => `${instant.slice(0, 16).replace('T', ' ')}Z`

const at = (instant: string | null): string => (instant === null ? none : minuteOf(instant))

const unbounded = 'no bound'

function exposureSection({ exposure, observedFrom }: AuditSections): Section {
  const breaches = exposure.flatMap((series) =>
    series.breaches.map((breach) => [
      series.collection,
      series.losses.join(', '),
      minuteOf(breach.from),
      minuteOf(breach.to),
      showMinutes(breach.durationMs),
      ms(breach.worstMs, unbounded),
      breach.cause,
      breach.because,
    ]),
  )
  return {
    heading: 'Exposure',
    blocks: [
      sentence(
        `How much would have been lost at each moment since ${minuteOf(observedFrom)}: the time back to the newest recovery point that survives the loss and had been verified by then.`,
      ),
      ...table(
        [
          'Collection',
          'Lost',
          'Copies left',
          'RPO',
          'Worst',
          '95 %',
          'Mean',
          'At the end',
          'Beyond',
          'Verdict',
        ],
        exposure.map(exposureRow),
      ),
      ...(breaches.length === 0 ? [] : [sentence('Beyond the objective:')]),
      ...table(['Collection', 'Lost', 'From', 'To', 'For', 'Worst', 'Cause', 'Because'], breaches),
    ],
  }
}

const exposureRow = (series: ExposureSeries): Cell[] => [
  series.collection,
  series.losses.join(', '),
  series.survivors.join(', ') || 'none',
  ms(series.rpoMs, 'none'),
  ms(series.worstMs, unbounded),
  ms(series.p95Ms, unbounded),
  ms(series.meanMs, unbounded),
  ms(series.currentMs, unbounded),
  series.rpoMs === null ? none : ms(series.inBreachMs),
  series.verdict === null ? none : { verdict: series.verdict },
]

function drillSection({ drills, recoveries }: AuditSections): Section {
  const runs = recoveries.flatMap(({ collection, runs: all }) =>
    all.map((run) => runRow(collection, run)),
  )
  return {
    heading: 'Drills',
    blocks: [
      ...(drills.length === 0 ? [sentence('The plan has no drill.')] : []),
      ...table(
        [
          'Drill',
          'Proves',
          'Rhythm',
          'Due',
          'Missed',
          'Done',
          'Passed',
          'Failed',
          'Void',
          'Last passed',
          'Overdue since',
        ],
        drills.map((drill) => [
          drill.drill,
          drill.proves.join(', ') || none,
          drill.rhythm ?? 'by hand',
          drill.due === null ? none : String(drill.due),
          drill.missed === null ? none : String(drill.missed),
          String(drill.done),
          String(drill.passed),
          String(drill.failed + drill.broken),
          String(drill.void),
          at(drill.lastPassedAt),
          at(drill.overdueSince),
        ]),
      ),
      ...(runs.length === 0 ? [sentence('No recovery was measured in the window.')] : []),
      ...table(
        [
          'Collection',
          'Run',
          'Outcome',
          'RTO',
          'Restored',
          'Serving',
          'RPO',
          'Recall',
          'p95',
          'Canary lost',
        ],
        runs,
      ),
      ...table(
        ['Collection', 'RTO', 'Measured', 'Worst', 'Median', 'Proof is', 'Estimate for today'],
        recoveries.filter(({ rto }) => rto.objectiveMs !== null || rto.measured > 0).map(rtoRow),
      ),
    ],
  }
}

function runRow(collection: string, run: RecoveryReport): string[] {
  const after = (name: string) =>
    ms(run.phases.find((phase) => phase.name === name)?.afterMs ?? null)
  return [
    collection,
    `${run.sequence.name} ${run.run}`,
    run.outcome,
    ms(run.rtoMs),
    after('restored'),
    after('serving'),
    ms(run.rpoMs),
    run.recall === null ? none : run.recall.toFixed(4),
    run.latency === null ? none : `${run.latency.p95Ms.toFixed(2)} ms`,
    run.canary === null ? none : `${run.canary.missing} of ${run.canary.written}`,
  ]
}

const rtoRow = ({ collection, rto }: CollectionRecoveries): string[] => [
  collection,
  ms(rto.objectiveMs, 'none'),
  showCount(rto.measured, 'time'),
  ms(rto.worstMs),
  ms(rto.medianMs),
  rto.proofAgeMs === null ? 'missing' : `${showMinutes(rto.proofAgeMs)} old`,
  rto.forecast === null
    ? none
    : `about ${showMinutes(rto.forecast.rtoMs)}, an estimate: ${rto.forecast.basis}`,
]

const copySection = ({ recoveryPoints }: AuditSections): Section => ({
  heading: 'Recovery points',
  blocks:
    recoveryPoints.length === 0
      ? [sentence('The ledger knows of no copy.')]
      : table(
          [
            'Collection',
            'Destination',
            'Where',
            'Newest',
            'As of',
            'Age',
            'Last verified',
            'Depth',
            'Counts since',
            'Standing',
          ],
          recoveryPoints.map(copyRow),
        ),
})

function copyRow(copy: CopyReport): string[] {
  const { lastCheck, domains } = copy
  const where = domainKinds.flatMap((kind) =>
    domains[kind] === undefined ? [] : [`${kind} ${domains[kind]}`],
  )
  const share =
    lastCheck !== null && lastCheck.readShare > 0 && lastCheck.readShare < 1
      ? `, ${Math.floor(lastCheck.readShare * 100)} %`
      : ''
  return [
    copy.collection,
    copy.destination,
    where.join(', ') || 'not said',
    copy.kind === 'archive' ? `archived log to LSN ${copy.lsn}` : `${copy.id}, LSN ${copy.lsn}`,
    at(copy.asOfAt),
    ms(copy.ageMs),
    lastCheck === null ? 'never' : `${minuteOf(lastCheck.at)}${lastCheck.ok ? '' : ': DAMAGED'}`,
    lastCheck === null ? none : `${lastCheck.depth}${share}`,
    copy.verifiedSince === null ? 'not verified' : minuteOf(copy.verifiedSince),
    String(copy.standing),
  ]
}

const dataSection = ({ data }: AuditSections): Section[] =>
  data.length === 0
    ? []
    : [
        {
          heading: 'Size and change',
          blocks: table(
            ['Collection', 'From', 'To', 'Points', 'Size', 'Stored anew', 'Log archived'],
            data.map(dataRow),
          ),
        },
      ]

function dataRow({ collection, days }: DataReport): string[] {
  const known = <T>(read: (day: DataReport['days'][number]) => T | null): T[] =>
    days.flatMap((day) => read(day) ?? [])
  const change = <T>(values: readonly T[], show: (value: T) => string): string => {
    const [first] = values
    const last = values.at(-1)
    if (first === undefined || last === undefined) return none
    return first === last ? show(last) : `${show(first)} to ${show(last)}`
  }
  const sum = (values: readonly number[]): string =>
    values.length === 0 ? none : showBytes(values.reduce((total, each) => total + each, 0))
  return [
    collection,
    days[0]?.day ?? none,
    days.at(-1)?.day ?? none,
    change(
      known(({ count }) => count),
      String,
    ),
    change(
      known(({ totalBytes }) => totalBytes),
      showBytes,
    ),
    sum(known(({ storedBytes }) => storedBytes)),
    sum(known(({ logBytes }) => logBytes)),
  ]
}

function scheduleSection({ schedules }: AuditSections): Section {
  const failing = schedules.flatMap((schedule) =>
    schedule.failing.map((each) => [
      nameOf(schedule),
      each.outcome,
      each.count === 1
        ? minuteOf(each.firstDueAt)
        : `${minuteOf(each.firstDueAt)} to ${minuteOf(each.lastDueAt)}, ${each.count} times`,
      each.run ?? none,
      each.line === null ? none : String(each.line),
      each.error ?? none,
    ]),
  )
  return {
    heading: 'Schedules',
    blocks: [
      ...(schedules.length === 0 ? [sentence('Nothing in the plan runs by the clock.')] : []),
      ...table(
        ['What', 'Rhythm', 'Due', 'Attempted', 'Succeeded', 'Failed', 'Unfinished', 'Missed'],
        schedules.map((each) => [
          nameOf(each),
          each.rhythm,
          ...[
            each.due,
            each.attempted,
            each.succeeded,
            each.failed,
            each.unfinished,
            each.missed,
          ].map(String),
        ]),
      ),
      ...table(['What', 'Outcome', 'Due', 'Run', 'Ledger line', 'Error'], failing),
    ],
  }
}

const nameOf = ({ sequence: { kind, name } }: SequenceReport): string => `${kind} ${name}`

function findingSection({ findings }: AuditSections): Section {
  const open = findings.filter(({ state }) => state === 'open').length
  return {
    heading: 'Findings',
    blocks: [
      sentence(
        findings.length === 0
          ? 'Nothing was found that somebody has to put right.'
          : `${open} open, ${findings.length - open} closed by a later run.`,
      ),
      ...table(
        ['Severity', 'Finding', 'State', 'Retest', 'Opened', 'Due', 'Owner', 'Closed by'],
        findings.map((each) => [
          each.severity,
          each.message,
          each.isLate ? `${each.state}, late` : each.state,
          each.retest,
          minuteOf(each.openedAt),
          each.dueAt === null ? 'no date' : minuteOf(each.dueAt),
          each.owner,
          each.closedAt === null
            ? none
            : `${each.closedBy === null ? 'removal' : `run ${each.closedBy.run}, ledger line ${each.closedBy.line}`}, ${minuteOf(each.closedAt)}`,
        ]),
      ),
    ],
  }
}

const controlSection = ({ controls }: AuditSections): Section[] =>
  controls.length === 0
    ? []
    : [
        {
          heading: 'Evidence for controls',
          blocks: [
            sentence(
              'What this audit can say for or against controls of the frameworks that the plan names. It is evidence, not certification: whether a control is met is for people to say.',
            ),
            ...table(
              [
                'Framework',
                'Control',
                'Asks',
                'Evidence',
                'Supports it',
                'Is missing',
                'Reference',
              ],
              controls.map((each) => [
                each.framework,
                each.control,
                each.asks,
                each.state,
                each.supporting.map(({ says }) => says).join('; ') || none,
                each.missing.map(({ says }) => says).join('; ') || none,
                each.reference,
              ]),
            ),
          ],
        },
      ]

function complianceSection({ compliance }: AuditSections): Section {
  const { exclusions, withoutObjectives, signers, frameworks, reviewedAt, ledger } = compliance
  return {
    heading: 'Who answers for it, and what is left out',
    blocks: [
      {
        kind: 'list',
        items: [
          `owner: ${compliance.owner}`,
          reviewedAt === null
            ? 'the plan does not say when it was reviewed'
            : `reviewed ${reviewedAt.slice(0, 10)}, ${ms(compliance.reviewAgeMs)} before the end of the window`,
          `signed by: ${signers.join(', ') || 'nobody is named'}`,
          `frameworks: ${frameworks.join(', ') || 'none is named'}`,
          `the ledger is ${ledger.isSigned ? 'signed' : 'not signed'} and ${ledger.anchor === null ? 'not anchored' : `anchored at ${ledger.anchor}`}`,
          ...exclusions.map(
            ({ collection, reason }) => `left out: ${collection}, because: ${reason}`,
          ),
          ...withoutObjectives.map(
            (name) => `${name} has no objective: nothing is held against it`,
          ),
        ],
      },
      ...(signers.length === 0
        ? []
        : table(
            ['Role', 'Name', 'Date', 'Signature'],
            signers.map((role) => [role, '', '', '']),
          )),
    ],
  }
}
