/**
 * A plan in which `check` finds nothing, its ledger, and what it finds once the text was changed. Plans are
 * parsed here and validated by the schema, without the thread that a command gives the parser.
 */

import { check } from '../../planner/check/check.ts'
import type { CheckRequest } from '../../planner/check/facts.ts'
import type { Finding } from '../../planner/check/finding.ts'
import { rules } from '../../planner/check/registry.ts'
import type { LedgerEntry } from '../../planner/ledger/ledger-line.ts'
import { parseYaml } from '../../planner/plan/parse-yaml.ts'
import type { Plan } from '../../planner/plan/plan.ts'
import { planSchema } from '../../planner/plan/plan-schema.ts'
import { PlanText } from '../../planner/plan/plan-text.ts'
import { Positions } from '../../planner/plan/positions.ts'
import { rawSequences } from '../../planner/plan/raw-steps.ts'
import { resolvePlan } from '../../planner/plan/resolve-plan.ts'
import { type DescribedRun, ledgerOf, stepAt } from './ledger-builder.ts'

const minute = 60_000
const day = 24 * 60 * minute

/** The day on which the sound plan is looked at. */
export const today = Date.UTC(2026, 10, 26, 12)

export const soundPlan = `version: 1
name: test
owner: platform-team
reviewedAt: 2026-11-01
timezone: Europe/Zurich
targets:
  primary: { engine: vectra, path: ./primary, node: a1, disk: a1-data, region: eu-central, account: prod, vendor: one-cloud }
  standby: { engine: vectra, path: ./standby, node: b1, disk: b1-data, region: eu-west, account: dr, vendor: other-cloud }
collections:
  products:
    target: primary
    objectives: { rpo: 15m, rto: 30m, recall: 0.95 }
    golden: { sample: 64, k: 10 }
    alias: products-live
destinations:
  local: { url: /var/backups/vectra, signing: { keyFile: ./sign.pem }, node: a1, disk: a1-backup, region: eu-central, account: prod, vendor: one-cloud }
  offsite:
    url: s3://bucket/vectra
    region: us-west-2
    account: dr
    vendor: other-cloud
    encryption: { keyFile: ./backup.key }
    signing: { keyFile: ./sign.pem, trust: ["MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="] }
    objectLock: { mode: compliance, for: 60d }
schedules:
  lag:
    every: 5m
    timeout: 3m
    heartbeat: "\${env.HEARTBEAT_URL}"
    steps:
      - wait: { lag: { collection: products, below: 10s } }
  nightly:
    cron: "0 2 * * *"
    catchUp: true
    jitter: 5m
    timeout: 2h
    steps:
      - backup: { collections: [products], to: local }
      - verify: { in: local, collection: products, snapshot: latest, depth: objects }
      - copy: { from: local, to: offsite, collection: products, snapshot: latest }
      - prune: { in: local, keep: { daily: 7, weekly: 8 } }
      - prune: { in: offsite, keep: { daily: 35, weekly: 8 } }
    always:
      - notify: { channel: ops, when: failure, message: "nightly failed: \${run.error}" }
  log:
    every: 5m
    timeout: 4m
    heartbeat: "\${env.HEARTBEAT_URL}"
    steps:
      - archive: { collections: [products], to: offsite }
drills:
  restore-test:
    cron: "0 4 * * 1"
    catchUp: true
    timeout: 1h
    heartbeat: "\${env.HEARTBEAT_URL}"
    proves: [rto, recall]
    steps:
      - restore: { from: [offsite, local], collection: products, snapshot: { random: 30d }, into: standby, as: products_test }
      - check: { target: standby, collection: products_test, against: snapshot, count: equal, recall: { min: 0.95 } }
    always:
      - drop: { target: standby, collection: products_test, ifExists: true }
  lost:
    proves: [rpo]
    confirm: true
    steps:
      - canary: { target: primary, collection: products, rate: 20/s }
      - inject: { fault: drop-collection, target: primary, collection: products }
      - restore: { from: [local, offsite], collection: products, at: latest, into: primary }
      - check: { target: primary, collection: products, canary: true }
procedures:
  failover:
    for: [node, disk, region, account, vendor]
    steps:
      - approve: { by: commander, question: "Fail over?" }
        timeout: 5m
      - fence: { target: primary, unreachable: continue }
      - promote: { target: standby, collections: [products] }
      - switch: { alias: products-live, to: standby }
      - probe: { url: "http://127.0.0.1:7701/healthz" }
  failback:
    for: [region-restored]
    steps:
      - replicate: { from: standby, to: primary, collections: [products] }
      - wait: { lag: { collection: products, below: 1s } }
      - promote: { target: primary, collections: [products], planned: true }
      - switch: { alias: products-live, to: primary }
  clean-restore:
    for: [data]
    ask:
      lastGoodAt: { question: "Last good moment?", type: instant }
    steps:
      - manual: { do: "Find the last good moment.", role: engineer }
        takes: { likely: 10m }
      - restore: { from: [offsite, local], collection: products, at: "\${ask.lastGoodAt}", into: primary, as: products_clean }
      - check: { target: primary, collection: products_clean, recall: { min: 0.95 } }
      - switch: { alias: products-live, to: primary, collection: products_clean }
replication:
  products: { from: primary, to: [standby], mode: async, maxLag: 10s }
people:
  roles:
    commander: { primary: ada, deputies: [ben] }
    engineer: { primary: ben, deputies: [ada] }
  contacts:
    ada: { name: Ada, phone: "+41 00 000 00 01", email: ada@example.com, hours: 24x7 }
    ben: { name: Ben, phone: "+41 00 000 00 02", hours: "Mon-Fri 08:00-18:00" }
  escalation:
    - { after: 0m, role: engineer }
    - { after: 15m, role: commander }
channels:
  ops: { webhook: "\${env.OPS_WEBHOOK}" }
communications:
  customers: { channel: ops, within: 15m, by: commander, message: "Degraded." }
scenarios:
  region-loss:
    kind: region
    loses: { region: eu-central }
    recover: failover
ledger: { signing: { keyFile: ./ledger.pem }, anchor: offsite }
compliance:
  drillEvery: 35d
  frameworks: [soc2]
  signers: [{ role: commander }]
`

const environment = {
  HEARTBEAT_URL: 'https://heartbeat.example.com/abc',
  OPS_WEBHOOK: 'https://hooks.example.com/xyz',
}

/** Resolved; its errors of references are not looked for. */
export async function planOf(text: string): Promise<Plan> {
  const { value, offsets, problems } = parseYaml(text)
  if (value === undefined || problems.length > 0) throw new Error(JSON.stringify(problems))
  const { errors } = (await planSchema()).validate(value)
  if (errors.length > 0) throw new Error(JSON.stringify(errors))
  return resolvePlan(value, {
    sequences: rawSequences(value),
    source: {
      text: new PlanText('plans/test.yaml', text),
      positions: new Positions(value, offsets),
    },
    directory: '/project/plans',
    sha256: '5'.repeat(64),
    env: environment,
    secrets: [],
  })
}

/** A text for another, which has to be there. */
export const instead =
  (...pairs: readonly (readonly [string, string])[]) =>
  (text: string): string =>
    pairs.reduce((changed, [from, to]) => {
      if (!changed.includes(from)) throw new Error(`the plan has no ${from}`)
      return changed.replace(from, to)
    }, text)

export interface RestoreShape {
  readonly tookMs?: number
  readonly points?: number
  readonly graphs?: 'kept' | 'rebuilt'
  readonly endedAt?: number
}

/** A run of `restore-test` that passed. */
export function restoreRun(shape: RestoreShape = {}): DescribedRun {
  const { tookMs = 10 * minute, points = 1_000, graphs = 'kept' } = shape
  const endedAt = shape.endedAt ?? today - 3 * day
  const startedAt = endedAt - tookMs
  const place = { target: 'standby', collection: 'products_test' }
  return {
    run: 'r-restore',
    startedAt,
    endedAt,
    proves: ['rto', 'recall'],
    steps: [
      stepAt(startedAt, endedAt - 1_000, {
        step: 'restore',
        kind: 'restore',
        inputs: { collection: 'products' },
        outputs: { ...place, restoredFrom: 'products', count: points, graphs },
      }),
      stepAt(endedAt - 1_000, endedAt, {
        step: 'check',
        kind: 'check',
        inputs: place,
        outputs: { ...place, recall: 0.99 },
      }),
    ],
  }
}

/** A run of a schedule that passed and backed up so many points. */
export const backupRun = (name: string, tookMs: number, points = 1_000): DescribedRun => ({
  run: `r-${name}`,
  name,
  kind: 'schedule',
  startedAt: today - day,
  endedAt: today - day + tookMs,
  proves: [],
  steps: [
    stepAt(today - day, today - day + tookMs, {
      step: 'backup',
      kind: 'backup',
      outputs: { snapshots: [{ collection: 'products', count: points }] },
    }),
  ],
})

export const soundLedger = (): LedgerEntry[] => ledgerOf(restoreRun(), backupRun('nightly', minute))

/** What is found in the sound plan after a change of its text or its ledger; by one rule when it is named. */
export async function findingsOf(
  change: (text: string) => string = (text) => text,
  request: Partial<Omit<CheckRequest, 'plan'>> = {},
  code?: string,
): Promise<Finding[]> {
  const plan = await planOf(change(soundPlan))
  const applied = rules.filter((rule) => code === undefined || rule.code === code)
  return check({ plan, entries: soundLedger(), at: today, ...request }, applied)
}
