/**
 * A quarter in the life of one plan, made by hand: October to December 2026 in Zurich, with clocks going back on
 * 25 October. Every night at 02:30 a backup near by, its verification, and a copy far away:
 *
 * | after the due time | what |
 * | --- | --- |
 * | 1 min | the state is pinned: its as-of |
 * | 10, 20, 40 min | the backup, its verification, the copy have ended |
 *
 * What went wrong stands in {@link mishaps}. Every Thursday at 13:00 the newest far copy is verified; on the first
 * of each month at 04:00 a drill restores it, but not in December.
 */
import type { LedgerEntry } from '../../planner/ledger/ledger-line.ts'
import type { StepRecord } from '../../planner/step/record.ts'
import { type DescribedRun, ledgerOf, stepAt } from './ledger-builder.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** The quarter, in UTC. */
export const quarter = { from: Date.UTC(2026, 9, 1), to: Date.UTC(2027, 0, 1) }

export const quarterPlan = `version: 1
name: test
owner: platform-team
reviewedAt: 2026-09-01
timezone: Europe/Zurich
targets:
  primary: { engine: vectra, path: ./primary, node: a1, region: eu-central, account: prod }
  staging: { engine: vectra, path: ./staging, node: a2, region: eu-central, account: prod }
collections:
  orders: { target: primary, objectives: { rpo: 25h, rto: 30m, recall: 0.95 } }
  scratch: { target: primary, objectives: { rpo: 1h } }
destinations:
  near: { url: ./near, node: a1, region: eu-central, account: prod }
  far: { url: ./far, node: b1, region: eu-west, account: dr }
schedules:
  nightly:
    cron: "30 2 * * *"
    steps:
      - backup: { collections: [orders], to: near }
      - verify: { in: near, collection: orders, snapshot: latest }
      - copy: { from: near, to: far, collection: orders, snapshot: latest }
  weekly:
    cron: "0 13 * * 4"
    steps:
      - verify: { in: far, collection: orders, snapshot: latest }
drills:
  restore-test:
    cron: "0 4 1 * *"
    proves: [rto, recall]
    steps:
      - restore: { from: [far], collection: orders, into: staging, as: orders_test }
      - check: { target: staging, collection: orders_test, recall: { min: 0.95 } }
compliance:
  drillEvery: 35d
  findings: { owner: dr-team, due: { critical: 7d, warning: 30d } }
  frameworks: [soc2, dora]
  exclusions: [{ collection: scratch, reason: rebuilt every night }]
`

/** What went wrong in which night. */
export const mishaps: Readonly<Record<string, 'missed' | 'backup' | 'copy' | 'damaged' | 'died'>> =
  {
    '2026-11-05': 'missed',
    '2026-11-12': 'backup',
    '2026-11-19': 'copy',
    '2026-12-03': 'damaged',
    '2026-12-17': 'died',
  }

/** On this Thursday the copy of the night before was found damaged. */
export const damagedFarAway = '2026-12-10'

const iso = (at: number): string => new Date(at).toISOString()
const dayOf = (at: number): string => iso(at).slice(0, 10)

/** Clocks in Zurich are two hours ahead of UTC until 01:00 UTC on 25 October, then one. */
const zurich = (date: number, hours: number, minutes: number): number => {
  const summer = date + (hours - 2) * hour + minutes * minute
  return summer < Date.UTC(2026, 9, 25, 1) ? summer : summer + hour
}

const error = { code: 'step-failed', message: 'the store was away', hint: 'Look at it.' }

function nightly(date: number, lsn: number): DescribedRun[] {
  const mishap = mishaps[dayOf(date)]
  if (mishap === 'missed') return []
  const dueAt = zurich(date, 2, 30)
  const id = `night-${dayOf(date)}`
  const at = (minutes: number) => dueAt + minutes * minute
  const position = {
    ...{ uuid: 'u', history: 'h', epoch: 1, lsn, count: lsn },
    ...{ committedAt: null, observedAt: iso(at(1)) },
  }
  const isDamaged = mishap === 'damaged'
  const verified = { destination: 'near', depth: 'objects', readShare: 1 }
  const all: StepRecord[] = [
    stepAt(at(1), at(10), {
      ...{ step: 'backup', kind: 'backup' },
      outputs: {
        destination: 'near',
        snapshots: [
          {
            ...{ collection: 'orders', target: 'primary', snapshotId: id, count: lsn },
            ...{ totalBytes: lsn * 1_000, storedBytes: 50_000, position },
          },
        ],
      },
    }),
    stepAt(at(10), at(20), {
      ...{ step: 'verify', kind: 'verify' },
      outputs: {
        ...verified,
        verified: [{ collection: 'orders', snapshotId: id, ok: !isDamaged, lsn }],
      },
      ...(isDamaged && { outcome: 'failed', error: { ...error, code: 'damaged' } }),
    }),
    stepAt(at(20), at(40), {
      ...{ step: 'copy', kind: 'copy' },
      outputs: {
        ...{ from: 'near', to: 'far', copied: 1, present: 0, failed: 0 },
        snapshots: [{ collection: 'orders', snapshotId: id, readShare: 1 }],
      },
    }),
  ]
  const broken = { backup: 0, damaged: 1, copy: 2, died: 0 }
  const breaksAt = mishap === undefined ? -1 : broken[mishap]
  const failed = all[breaksAt]
  const steps = failed === undefined ? all : all.slice(0, breaksAt)
  const base = { run: `nightly-${dayOf(date)}`, kind: 'schedule', name: 'nightly', dueAt } as const
  if (mishap === 'died') return [{ ...base, startedAt: dueAt, steps: [] }]
  if (failed === undefined) return [{ ...base, startedAt: dueAt, endedAt: at(41), steps }]
  const last: StepRecord = isDamaged ? failed : { ...failed, outcome: 'failed', outputs: {}, error }
  const ends = { startedAt: dueAt, endedAt: at(41), outcome: 'failed' } as const
  return [{ ...base, ...ends, steps: [...steps, last] }]
}

/** Looks at the newest copy that came whole to the far end. */
function weekly(date: number): DescribedRun {
  const dueAt = zurich(date, 13, 0)
  let night = date
  while (mishaps[dayOf(night)] !== undefined) night -= day
  const ok = dayOf(date) !== damagedFarAway
  const outcome = ok ? 'passed' : 'failed'
  return {
    ...{ run: `weekly-${dayOf(date)}`, kind: 'schedule', name: 'weekly' },
    ...{ startedAt: dueAt, endedAt: dueAt + 10 * minute, outcome, dueAt },
    steps: [
      stepAt(dueAt, dueAt + 9 * minute, {
        ...{ step: 'verify', kind: 'verify', outcome },
        outputs: {
          ...{ destination: 'far', depth: 'objects', readShare: 1 },
          verified: [{ collection: 'orders', snapshotId: `night-${dayOf(night)}`, ok, lsn: 1 }],
        },
        ...(!ok && { error: { ...error, code: 'damaged' } }),
      }),
    ],
  }
}

/** @param tookMinutes from its start to the end of the check */
function drill(date: number, tookMinutes: number, recall: number, points: number): DescribedRun {
  const startedAt = zurich(date, 4, 0)
  const checkedAt = startedAt + tookMinutes * minute
  const place = { target: 'staging', collection: 'orders_test' }
  return {
    run: `drill-${dayOf(date)}`,
    ...{ startedAt, endedAt: checkedAt + minute, dueAt: startedAt, proves: ['rto', 'recall'] },
    steps: [
      stepAt(startedAt, checkedAt - 2 * minute, {
        ...{ step: 'restore', kind: 'restore', inputs: { collection: 'orders' } },
        outputs: { ...place, restoredFrom: 'orders', source: 'far', count: points, graphs: 'kept' },
      }),
      stepAt(checkedAt - 2 * minute, checkedAt, {
        ...{ step: 'check', kind: 'check', inputs: place },
        outputs: {
          ...{ ...place, recall, k: 10, queries: 64, truth: 'snapshot', searches: 64 },
          ...{ latencyP50Ms: 1.5, latencyP95Ms: 3, latencyP99Ms: 4.5 },
          contentKnownAt: iso(checkedAt - minute),
          servingAt: iso(checkedAt - minute / 2),
        },
      }),
    ],
  }
}

/** Begins on the last night of September, so that the quarter begins with a recovery point. */
export function quarterLedger(): LedgerEntry[] {
  const runs: DescribedRun[] = []
  for (let date = quarter.from - day, lsn = 1_000; date < quarter.to; date += day, lsn += 10) {
    runs.push(...nightly(date, lsn))
    if (date >= quarter.from && new Date(date).getUTCDay() === 4) runs.push(weekly(date))
  }
  runs.push(drill(Date.UTC(2026, 9, 1), 12, 0.97, 1_010))
  runs.push(drill(Date.UTC(2026, 10, 1), 20, 0.98, 1_320))
  return ledgerOf(...runs.sort((a, b) => a.startedAt - b.startedAt))
}
