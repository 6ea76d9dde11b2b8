/** The section on drills as tables: due and done, what each recovery measured, RTO. Pure. */
import type { CollectionRecoveries, RecoveryReport } from '../audit/recoveries.ts'
import type { AuditSections } from '../audit/sections.ts'
import { showCount, showMinutes } from '../step/quantity.ts'
import type { Block, Cell, Section } from './block.ts'
import { at, ms, none, sentence, table } from './cells.ts'

/** Drills, then recoveries, then takeovers by phase, then RTO by collection. */
export function drillSection(
  { drills, recoveries }: AuditSections,
  charts: readonly Block[],
): Section {
  const runs = recoveries.flatMap(({ collection, runs: all }) =>
    all.map((run) => runRow(collection, run)),
  )
  const takeovers = recoveries.flatMap(({ collection, runs: all }) =>
    all.flatMap((run) => (run.takeover === null ? [] : [takeoverRow(collection, run)])),
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
      ...charts,
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
          'Lost canaries',
        ],
        runs,
      ),
      ...(takeovers.length === 0
        ? []
        : [
            sentence(
              'Where a standby took over, by phase, each from the start that RTO is counted from. A planned promotion had the primary there to hand over.',
            ),
          ]),
      ...table(
        [
          'Collection',
          'Run',
          'Standby',
          'Planned',
          'Decided',
          'Fenced',
          'Promoted',
          'Switched',
          'Answered',
          'Checked',
        ],
        takeovers,
      ),
      ...table(
        ['Collection', 'RTO', 'Measured', 'Worst', 'Median', 'Proof is', 'Estimate for today'],
        recoveries.filter(({ rto }) => rto.objectiveMs !== null || rto.measured > 0).map(rtoRow),
      ),
    ],
  }
}

const afterOf =
  ({ phases }: RecoveryReport) =>
  (name: string): string =>
    ms(phases.find((phase) => phase.name === name)?.afterMs ?? null)

function takeoverRow(collection: string, run: RecoveryReport): Cell[] {
  const after = afterOf(run)
  return [
    collection,
    { text: `${run.sequence.name} ${run.run}`, lines: [run.line] },
    run.takeover?.target ?? none,
    run.takeover?.isPlanned === true ? 'yes' : 'no',
    ...['decided', 'fenced', 'promoted', 'switched', 'answered', 'checked'].map(after),
  ]
}

function runRow(collection: string, run: RecoveryReport): Cell[] {
  const after = afterOf(run)
  return [
    collection,
    { text: `${run.sequence.name} ${run.run}`, lines: [run.line] },
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
