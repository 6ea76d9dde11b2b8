/**
 * The sections of an audit over a window as tables, in the reader's order: exposure, drills, recovery points, data,
 * schedules, findings, what is left out. Pure.
 */
import type { CopyReport } from '../audit/copy-report.ts'
import { cameInTime, type ExposureSeries } from '../audit/exposure.ts'
import type { DataReport } from '../audit/growth.ts'
import type { SequenceReport } from '../audit/schedules.ts'
import type { AuditSections } from '../audit/sections.ts'
import { domainKinds } from '../plan/survival.ts'
import { showBytes, showMinutes } from '../step/quantity.ts'
import type { Block, Cell, Section } from './block.ts'
import { at, minuteOf, ms, none, sentence, table, unbounded } from './cells.ts'
import type { ChartBlocks } from './chart-blocks.ts'
import { drillSection } from './drill-story.ts'
import { replicationSection } from './replication-story.ts'
import { trainingSection } from './training-story.ts'

/** Every section that has something to tell. */
export const sectionStory = (sections: AuditSections, charts: ChartBlocks): Section[] => [
  exposureSection(sections, charts.exposure),
  drillSection(sections, charts.recoveries),
  copySection(sections, charts.copies),
  ...replicationSection(sections),
  ...dataSection(sections, charts.data),
  scheduleSection(sections, charts.calendar),
  findingSection(sections),
  ...trainingSection(sections),
  ...controlSection(sections),
  complianceSection(sections),
]

const linesOf = (all: readonly { readonly line: number | null }[]): number[] => [
  ...new Set(all.flatMap(({ line }) => line ?? [])),
]

function exposureSection(
  { exposure, observedFrom }: AuditSections,
  charts: readonly Block[],
): Section {
  const breaches = exposure.flatMap((series) =>
    series.breaches.map((breach) => [
      series.collection,
      series.losses.join(', '),
      minuteOf(breach.from),
      minuteOf(breach.to),
      showMinutes(breach.durationMs),
      ms(breach.worstMs, unbounded),
      breach.cause,
      { text: breach.because, lines: linesOf(breach.incidents) },
    ]),
  )
  return {
    heading: 'Exposure',
    blocks: [
      sentence(
        `How much would have been lost at each moment since ${minuteOf(observedFrom)}: the time back to the newest recovery point that survives the loss and had been verified by then.`,
      ),
      ...(exposure.some(({ standbys }) => standbys.length > 0) ? [sentence(aboutReplicas)] : []),
      ...charts,
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
        exposure.flatMap((series) => [exposureRow(series), ...aloneRows(series)]),
      ),
      ...(exposure.some(
        (each) => cameInTime(each) || (each.copiesAlone && cameInTime(each.copiesAlone)),
      )
        ? [sentence(aboutFirstCopy)]
        : []),
      ...(breaches.length === 0 ? [] : [sentence('Beyond the objective:')]),
      ...table(['Collection', 'Lost', 'From', 'To', 'For', 'Worst', 'Cause', 'Because'], breaches),
    ],
  }
}

const aboutReplicas =
  'A replica is a standby that follows: as of each look at it, it lacks what its measured lag says, and from then on it ages with the clock. It is no verified copy, and follows every mistake. Its content is proven where a step replicate seeded it, which compares digests; an objective that only an unproven replica keeps is unproven. What verified copies alone give stands below it.'

const aboutFirstCopy =
  'Met without a bound: until the first copy there was none, and it came before the RPO had passed since the plan first ran.'

const copiesLeft = ({ survivors, standbys }: ExposureSeries): string =>
  [...survivors, ...standbys.map((name) => `replica on ${name}`)].join(', ') || 'none'

/** Where standbys survive as well: without them. */
const aloneRows = ({ copiesAlone: alone, ...series }: ExposureSeries): Cell[][] =>
  alone === null
    ? []
    : [
        [
          ...[series.collection, series.losses.join(', ')],
          `verified copies alone: ${series.survivors.join(', ') || 'none'}`,
          ms(series.rpoMs, 'none'),
          ...[alone.worstMs, alone.p95Ms, alone.meanMs, alone.currentMs].map((value) =>
            ms(value, unbounded),
          ),
          series.rpoMs === null ? none : ms(alone.inBreachMs),
          alone.verdict === null ? none : { verdict: alone.verdict },
        ],
      ]

const exposureRow = (series: ExposureSeries): Cell[] => [
  series.collection,
  series.losses.join(', '),
  copiesLeft(series),
  ms(series.rpoMs, 'none'),
  ms(series.worstMs, unbounded),
  ms(series.p95Ms, unbounded),
  ms(series.meanMs, unbounded),
  ms(series.currentMs, unbounded),
  series.rpoMs === null ? none : ms(series.inBreachMs),
  series.verdict === null ? none : { verdict: series.verdict },
]

const copySection = ({ recoveryPoints }: AuditSections, charts: readonly Block[]): Section => ({
  heading: 'Recovery points',
  blocks: [
    ...charts,
    ...(recoveryPoints.length === 0 ? [sentence('The ledger knows of no copy.')] : []),
    ...table(
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
  ],
})

function copyRow(copy: CopyReport): Cell[] {
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
    {
      text:
        copy.kind === 'archive' ? `archived log to LSN ${copy.lsn}` : `${copy.id}, LSN ${copy.lsn}`,
      lines: [copy.line],
    },
    at(copy.asOfAt),
    ms(copy.ageMs),
    lastCheck === null
      ? 'never'
      : {
          text: `${minuteOf(lastCheck.at)}${lastCheck.ok ? '' : ': DAMAGED'}`,
          lines: [lastCheck.line],
        },
    lastCheck === null ? none : `${lastCheck.depth}${share}`,
    copy.verifiedSince === null ? 'not verified' : minuteOf(copy.verifiedSince),
    String(copy.standing),
  ]
}

const dataSection = ({ data }: AuditSections, charts: readonly Block[]): Section[] =>
  data.length === 0
    ? []
    : [
        {
          heading: 'Size and change',
          blocks: [
            ...charts,
            ...table(
              ['Collection', 'From', 'To', 'Points', 'Size', 'Stored anew', 'Log archived'],
              data.map(dataRow),
            ),
          ],
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

function scheduleSection({ schedules }: AuditSections, charts: readonly Block[]): Section {
  const failing = schedules.flatMap((schedule) =>
    schedule.failing.map((each) => [
      nameOf(schedule),
      each.outcome,
      each.count === 1
        ? minuteOf(each.firstDueAt)
        : `${minuteOf(each.firstDueAt)} to ${minuteOf(each.lastDueAt)}, ${each.count} times`,
      each.run ?? none,
      each.line === null ? none : { lines: [each.line] },
      each.error ?? none,
    ]),
  )
  return {
    heading: 'Schedules',
    blocks: [
      ...charts,
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
            : {
                text: `${each.closedBy === null ? 'removal' : `run ${each.closedBy.run}`}, ${minuteOf(each.closedAt)}`,
                lines: each.closedBy === null ? [] : [each.closedBy.line],
              },
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
