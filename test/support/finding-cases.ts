/** For each rule: a change of the sound plan that it finds, and one close to it that it does not. */
import type { CheckRequest } from '../../planner/check/facts.ts'
import type { Capability } from '../../planner/target/target.ts'
import { type DescribedRun, ledgerOf } from './ledger-builder.ts'
import { backupRun, instead, restoreRun, today } from './sound-plan.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

export interface FindingCase {
  readonly code: string
  readonly fires: (text: string) => string
  /** Part of what is told: the message or a line of the sum. */
  readonly says: string
  readonly silent: (text: string) => string
  readonly firesWith?: Partial<CheckRequest>
  readonly silentWith?: Partial<CheckRequest>
}

type Change = (text: string) => string
const same: Change = (text) => text
const also =
  (...changes: readonly Change[]): Change =>
  (text) =>
    changes.reduce((changed, change) => change(changed), text)

/** Takes the lines from the one that starts with `from` up to the one that starts with `to` out. */
const without =
  (from: string, to: string): Change =>
  (text) => {
    const start = text.indexOf(`\n${from}`)
    const end = text.indexOf(`\n${to}`, start)
    if (start < 0 || end < 0) throw new Error(`the plan has no ${from} before ${to}`)
    return text.slice(0, start) + text.slice(end)
  }

const noLog = without('  log:', 'drills:')
const noNightly = without('  nightly:', '  log:')
const noLagWatch = without('  lag:', '  nightly:')
const noReplication = also(
  noLagWatch,
  without('replication:', 'people:'),
  without('  failback:', '  clean-restore:'),
)
/** The standby was looked at so long before today. */
const lookedAt = (agoMs: number): Partial<CheckRequest> => ({
  looks: [
    {
      ...{ collection: 'products', target: 'standby', at: today - agoMs, seconds: 1 },
      ...{ records: 0, bytes: 0, lsn: 9 },
    },
  ],
})
const rpo = (value: string): Change => instead(['rpo: 15m', `rpo: ${value}`])
const inSteps = (line: string): Change =>
  instead(['      - verify: { in: local', `      - ${line}\n      - verify: { in: local`])
const inRecovery = (line: string): Change =>
  instead(['      - manual:', `      - ${line}\n      - manual:`])
const localAt = (domains: string): Change =>
  instead([
    'node: a1, disk: a1-backup, region: eu-central, account: prod, vendor: one-cloud }',
    `${domains} }`,
  ])
const offsiteAt = (domains: string): Change =>
  instead(['    region: us-west-2\n    account: dr\n    vendor: other-cloud\n', `${domains}\n`])
/** What the steps of the sound plan need. */
const everything: readonly Capability[] = [
  'import',
  'backup',
  'restore',
  'drop',
  'position',
  'digest',
  'search',
  'archive',
  'restore to a moment',
  'write',
  'fence',
  'promote',
  'replicate',
  'lag',
  'reconcile',
  'switch',
  'switch to another target',
]
const another = 'x: { target: primary'
const second = (rest: string): Change =>
  instead(['destinations:\n', `  ${another}${rest}\ndestinations:\n`])
const measured = (...runs: readonly DescribedRun[]): Partial<CheckRequest> => ({
  entries: ledgerOf(...runs),
})

export const findingCases: readonly FindingCase[] = [
  // how much may be lost
  { code: 'rpo-unbacked', fires: noNightly, says: 'no schedule backs up products', silent: noLog },
  {
    code: 'rpo-schedule',
    fires: also(noLog, noReplication),
    // the night on which the clocks go back has 25 hours; and the jitter
    says: '1d1h + 5m of jitter = 1d1h5m',
    silent: also(noLog, noReplication, rpo('1d1h5m')),
  },
  { code: 'rpo-mistake', fires: noLog, says: 'after a mistake 1 d 1 h', silent: rpo('5m') },
  {
    code: 'rpo-duration',
    fires: rpo('6m'),
    firesWith: measured(restoreRun(), backupRun('log', 2 * minute)),
    says: '5 min + 2 min = 7 min > 6 min',
    silent: rpo('7m'),
    silentWith: measured(restoreRun(), backupRun('log', 2 * minute)),
  },
  {
    code: 'rpo-offsite',
    fires: also(
      noReplication,
      instead([
        '      - archive: { collections: [products], to: offsite }',
        '      - archive: { collections: [products], to: local }',
      ]),
    ),
    says: 'off-site, in offsite: 1 d 1 h > 15 min',
    silent: instead(['collections: [products], to: offsite', 'collections: [products], to: local']),
  },
  {
    code: 'archive-alone',
    fires: without('      - copy:', '      - prune: { in: local'),
    says: 'snapshots of products go to: local',
    silent: instead([', to: offsite, collection: products, snapshot: latest', ', to: offsite']),
  },
  {
    code: 'backup-missing',
    fires: second(', objectives: { rto: 1h } }'),
    says: 'no schedule backs up x',
    silent: also(
      second(', objectives: { rto: 1h } }'),
      instead(['backup: { collections: [products]', 'backup: { collections: [products, x]']),
    ),
  },

  // how long it takes
  {
    code: 'rto-measured',
    fires: same,
    firesWith: measured(restoreRun({ tookMs: 40 * minute })),
    says: '40 min > 30 min',
    silent: same,
    silentWith: measured(restoreRun({ tookMs: 30 * minute })),
  },
  {
    code: 'rto-forecast',
    fires: same,
    firesWith: measured(restoreRun(), backupRun('nightly', minute, 4_000)),
    says: '10 min × 4.00 = 40 min',
    silent: same,
    silentWith: measured(restoreRun(), backupRun('nightly', minute, 3_000)),
  },
  {
    code: 'rto-rebuild',
    fires: instead(['as: products_clean }', 'as: products_clean, reindex: true }']),
    says: 'index kept',
    silent: instead(['as: products_clean }', 'as: products_clean, reindex: true }']),
    silentWith: measured(restoreRun({ graphs: 'rebuilt' })),
  },
  {
    code: 'rto-unmeasured',
    fires: same,
    firesWith: { entries: [] },
    says: '30 min, was never measured',
    silent: same,
  },
  {
    code: 'rto-procedure',
    fires: instead(['likely: 10m', 'likely: 31m']),
    says: '31 min > 30 min',
    silent: instead(['likely: 10m', 'likely: 30m']),
  },
  {
    code: 'rto-approval',
    fires: instead(['        timeout: 5m', '        timeout: 30m']),
    says: '30 min ≥ 30 min',
    silent: instead(['        timeout: 5m', '        timeout: 29m']),
  },

  // what survives what
  {
    code: 'domain-node',
    fires: also(
      noLog,
      noReplication,
      offsiteAt(
        '    node: a1\n    disk: x\n    region: eu-central\n    account: prod\n    vendor: one-cloud',
      ),
    ),
    says: 'the loss of node a1 takes products',
    // the standby survives
    silent: also(
      noLog,
      offsiteAt(
        '    node: a1\n    disk: x\n    region: eu-central\n    account: prod\n    vendor: one-cloud',
      ),
    ),
  },
  {
    code: 'domain-disk',
    fires: also(
      noReplication,
      localAt('node: a1, disk: a1-data, region: eu-central, account: prod, vendor: one-cloud'),
      offsiteAt(
        '    node: a1\n    disk: a1-data\n    region: eu-central\n    account: prod\n    vendor: one-cloud',
      ),
    ),
    says: 'disk a1-data',
    silent: localAt(
      'node: a1, disk: a1-data, region: eu-central, account: prod, vendor: one-cloud',
    ),
  },
  {
    code: 'domain-region',
    fires: instead(
      ['us-west-2', 'eu-central'],
      ['b1-data, region: eu-west', 'b1-data, region: eu-central'],
    ),
    says: 'standby standby: eu-central',
    silent: instead(['us-west-2', 'eu-central']),
  },
  {
    code: 'domain-account',
    fires: also(
      noReplication,
      offsiteAt('    region: us-west-2\n    account: prod\n    vendor: one-cloud'),
    ),
    says: 'account prod',
    silent: offsiteAt('    region: us-west-2\n    account: dr\n    vendor: one-cloud'),
  },
  {
    code: 'domain-vendor',
    fires: also(
      noReplication,
      offsiteAt('    region: us-west-2\n    account: dr\n    vendor: one-cloud'),
    ),
    says: 'vendor one-cloud',
    silent: offsiteAt('    region: us-west-2\n    account: dr\n    vendor: one-cloud'),
  },
  {
    code: 'domains-unsaid',
    fires: also(
      offsiteAt('    region: us-west-2\n    account: dr'),
      instead(['account: dr, vendor: other-cloud', 'account: dr']),
    ),
    says: 'vendor: primary: one-cloud; local: one-cloud; offsite: not said; standby standby: not said',
    silent: localAt('node: a1'),
  },
  {
    code: 'three-two-one-one-zero',
    fires: without('    objectLock:', 'schedules:'),
    says: '0 of 1 copies that nobody can change',
    silent: instead(['mode: compliance', 'mode: governance']),
  },

  // whether copies are good
  {
    code: 'verify-missing',
    fires: without('      - verify: { in: local', '      - copy:'),
    says: 'backups of products in local are never verified',
    silent: instead(['collection: products, snapshot: latest, depth', 'depth']),
  },
  {
    code: 'verify-shallow',
    fires: instead(['depth: objects', 'depth: manifest']),
    says: 'only the manifests',
    silent: instead(['depth: objects', 'depth: content']),
  },
  {
    code: 'verify-sampled',
    fires: instead(['depth: objects', 'depth: objects, sample: 25%']),
    says: '25 %',
    silent: also(
      inSteps('verify: { in: local }'),
      instead(['depth: objects', 'depth: objects, sample: 25%']),
    ),
  },
  {
    code: 'prune-before-proof',
    fires: inSteps('prune: { in: local, collection: products, keep: { weekly: 8 } }'),
    says: 'before verify and copy',
    silent: inSteps('prune: { in: offsite, collection: products, keep: { weekly: 8 } }'),
  },

  // how far back
  {
    code: 'retention-detection',
    fires: instead(['daily: 7, weekly: 8', 'daily: 7'], ['daily: 35, weekly: 8', 'daily: 29']),
    says: '29 d < 30 d',
    silent: instead(['daily: 7, weekly: 8', 'daily: 7'], ['daily: 35, weekly: 8', 'daily: 30']),
  },
  {
    code: 'prune-keeps-one',
    fires: instead(['keep: { daily: 7, weekly: 8 }', 'keep: { last: 1 }']),
    says: 'leaves one snapshot of each collection in local',
    silent: instead(['keep: { daily: 7, weekly: 8 }', 'keep: { last: 2 }']),
  },
  {
    code: 'prune-missing',
    fires: without('      - prune: { in: offsite', '    always:'),
    says: 'no schedule prunes offsite',
    silent: instead(['in: offsite, keep', 'in: offsite, collection: products, keep']),
  },
  {
    code: 'prune-against-drill',
    fires: instead(['random: 30d', 'random: 90d']),
    says: '90 d > 56 d',
    silent: instead(['random: 30d', 'random: 56d']),
  },
  {
    code: 'lock-against-retention',
    fires: instead(['for: 60d', 'for: 50d']),
    says: '56 d > 50 d',
    silent: instead(['for: 60d', 'for: 56d']),
  },
  {
    code: 'lock-below-detection',
    fires: instead(['for: 60d', 'for: 29d']),
    says: '29 d < 30 d',
    silent: instead(['for: 60d', 'for: 30d']),
  },
  {
    code: 'immutable-missing',
    fires: without('    objectLock:', 'schedules:'),
    says: 'no copy of products is immutable',
    silent: instead(['for: 60d', 'for: 57d']),
  },

  // how copies are protected
  {
    code: 'offsite-unencrypted',
    fires: without('    encryption:', '    signing:'),
    says: 'it is a bucket',
    // nothing leaves the house in the clear when nothing goes there
    silent: also(
      without('    encryption:', '    signing:'),
      without('      - copy:', '      - prune: { in: local'),
      noLog,
    ),
  },
  {
    code: 'destination-inside-target',
    fires: instead(['/var/backups/vectra', './primary/backups']),
    says: 'local lies inside the data directory of primary',
    silent: instead(['/var/backups/vectra', './primary-backups']),
  },
  {
    code: 'repository-unsigned',
    fires: without('    signing:', '    objectLock:'),
    says: 'keys trusted: 0',
    silent: instead(['keyFile: ./sign.pem, ', '']),
  },
  {
    code: 'copy-unsigned',
    fires: instead([', signing: { keyFile: ./sign.pem }, node', ', node']),
    says: 'what is backed up to local is not signed',
    silent: also(
      instead([', signing: { keyFile: ./sign.pem }, node', ', node']),
      without('    signing:', '    objectLock:'),
    ),
  },
  {
    code: 'secret-in-clear',
    fires: inRecovery(
      'http: { method: POST, url: "http://127.0.0.1/", headers: { authorization: "Bearer abcdef" } }',
    ),
    says: 'header authorization of step http',
    silent: inRecovery(
      'http: { method: POST, url: "http://127.0.0.1/", headers: { authorization: "Bearer ${env.CDN}" } }',
    ),
  },
  {
    code: 'restore-one-source',
    fires: instead([
      'from: [offsite, local], collection: products, at: "${ask',
      'from: [offsite], collection: products, at: "${ask',
    ]),
    says: 'sources: 1 of 2',
    silent: instead([
      'from: [offsite, local], collection: products, at: "${ask',
      'from: [local, offsite], collection: products, at: "${ask',
    ]),
  },

  // what drills prove
  {
    code: 'drill-missing',
    fires: without('drills:', 'procedures:'),
    says: 'drills that restore it: 0 of 0',
    silent: without('  restore-test:', '  lost:'),
  },
  {
    code: 'objective-unproven',
    fires: instead(['proves: [rto, recall]', 'proves: [rto]']),
    says: 'no drill proves the recall of products',
    silent: instead(
      ['proves: [rto, recall]', 'proves: [rto]'],
      ['proves: [rpo]', 'proves: [rpo, recall]'],
    ),
  },
  {
    code: 'drill-cannot-prove',
    fires: instead(['count: equal, recall: { min: 0.95 }', 'count: equal']),
    says: 'no check of it measures recall',
    silent: instead(['proves: [rpo]', 'proves: [rpo, rto]']),
  },
  {
    code: 'drill-cadence',
    fires: instead(['drillEvery: 35d', 'drillEvery: 7d']),
    // the week in which the clocks go back
    says: '7 d 1 h > 7 d',
    silent: instead(['drillEvery: 35d', 'drillEvery: 7d1h']),
  },
  {
    code: 'drill-by-hand',
    fires: instead(
      ['    cron: "0 4 * * 1"\n    catchUp: true\n', ''],
      ['    timeout: 1h\n    heartbeat: "${env.HEARTBEAT_URL}"\n', ''],
    ),
    says: 'drill restore-test has no schedule',
    silent: instead(['cron: "0 4 * * 1"', 'every: 7d']),
  },
  {
    code: 'drill-overdue',
    fires: same,
    firesWith: measured(restoreRun({ endedAt: today - 36 * day })),
    says: '36 d > 35 d',
    silent: same,
    silentWith: measured(restoreRun({ endedAt: today - 35 * day })),
  },
  {
    code: 'drill-leaves-data',
    fires: without('    always:\n      - drop', '  lost:'),
    says: 'drill restore-test leaves products_test on standby',
    silent: instead([', ifExists: true', '']),
  },
  {
    code: 'drill-cleanup-stops',
    fires: instead(['    always:\n      - drop', '      - drop']),
    says: 'under always: 0',
    silent: instead([', ifExists: true', '']),
  },
  {
    code: 'drill-always-latest',
    fires: instead(['snapshot: { random: 30d }', 'snapshot: latest']),
    says: 'restores of it in drills: 2, of the newest: 2',
    silent: instead(['snapshot: { random: 30d }', 'at: "2026-11-01T00:00:00Z"']),
  },
  {
    code: 'destination-untried',
    fires: instead(['from: [local, offsite]', 'from: [offsite, local]']),
    says: 'no drill restores from local first',
    silent: instead(['from: [local, offsite]', 'from: [local]']),
  },
  {
    code: 'check-below-objective',
    fires: instead(['count: equal, recall: { min: 0.95 }', 'count: equal, recall: { min: 0.9 }']),
    says: '0.9 < 0.95',
    silent: instead(['count: equal, recall: { min: 0.95 }', 'count: equal, recall: { min: 0.99 }']),
  },
  {
    code: 'golden-too-few',
    fires: instead(['sample: 64, k: 10', 'sample: 10, k: 10']),
    says: '10 × 10 = 100 neighbours',
    silent: instead(['sample: 64, k: 10', 'sample: 21, k: 10']),
  },
  {
    code: 'drill-without-yes',
    fires: instead(['  lost:\n', '  lost:\n    every: 30d\n    timeout: 1h\n']),
    says: 'every 30 d; confirm: true',
    silent: same,
  },

  // what runs by the clock
  {
    code: 'schedule-endless',
    fires: instead(['    timeout: 4m\n', '']),
    says: 'schedule log may run for ever',
    silent: also(
      instead(['    timeout: 4m\n', '']),
      instead([
        'archive: { collections: [products], to: offsite }',
        'archive: { collections: [products], to: offsite }\n        timeout: 1m',
      ]),
    ),
  },
  {
    code: 'schedule-silent',
    fires: instead(['when: failure', 'when: success']),
    says: 'schedule nightly fails in silence',
    silent: instead(['when: failure, ', '']),
  },
  {
    code: 'schedule-overruns',
    fires: same,
    firesWith: measured(restoreRun(), backupRun('nightly', 25 * hour)),
    says: '1 d 1 h > 1 d',
    silent: same,
    silentWith: measured(restoreRun(), backupRun('nightly', hour)),
  },
  {
    code: 'timeout-below-measured',
    fires: same,
    firesWith: measured(restoreRun(), backupRun('nightly', 100 * minute)),
    says: 'used 83 % of its time',
    silent: same,
    silentWith: measured(restoreRun(), backupRun('nightly', 90 * minute)),
  },
  {
    code: 'catch-up-missing',
    fires: instead(['    catchUp: true\n', '']),
    says: 'schedule nightly misses its time',
    silent: instead(['    catchUp: true\n', ''], ['cron: "0 2 * * *"', 'cron: "0 * * * *"']),
  },

  // standbys
  {
    code: 'standby-near',
    fires: instead(['disk: b1-data, region: eu-west', 'disk: b1-data, region: eu-central']),
    says: 'region: eu-central = eu-central',
    silent: instead(['disk: b1-data, region: eu-west', 'disk: b1-data, region: eu-east']),
  },
  {
    code: 'standby-unsaid',
    fires: instead(['disk: b1-data, region: eu-west', 'disk: b1-data']),
    says: 'region: eu-central, not said',
    silent: instead(['node: b1, disk: b1-data, region: eu-west', 'region: eu-west']),
  },
  {
    code: 'replication-lag',
    fires: instead(['maxLag: 10s', 'maxLag: 16m']),
    says: '16 min > 15 min',
    silent: instead(['maxLag: 10s', 'maxLag: 15m']),
  },
  {
    code: 'replication-unbounded',
    fires: instead([', maxLag: 10s', '']),
    says: 'maxLag: none',
    silent: instead(['mode: async, maxLag: 10s', 'mode: sync']),
  },
  {
    code: 'lag-seldom',
    fires: instead(['every: 5m', 'every: 15m']),
    says: '15 min 10 s > 15 min',
    silent: instead(['every: 5m', 'every: 14m50s']),
  },
  {
    code: 'lag-stale',
    fires: same,
    firesWith: lookedAt(10 * minute + 1_000),
    says: '10 min 1 s > 10 min',
    silent: same,
    silentWith: lookedAt(10 * minute),
  },
  {
    code: 'promote-unfenced',
    fires: without('      - fence:', '      - promote: { target: standby'),
    says: 'fence steps before it: 0',
    silent: instead(['unreachable: continue', 'unreachable: stop']),
  },
  {
    code: 'failback-missing',
    fires: without('  failback:', '  clean-restore:'),
    says: 'none brings it back to primary',
    silent: instead(['for: [region-restored]', 'for: [region-back]']),
  },
  {
    code: 'standby-without-failover',
    fires: without(
      '      - promote: { target: standby',
      '      - switch: { alias: products-live, to: standby',
    ),
    says: 'no procedure promotes standby for products',
    silent: instead([
      'promote: { target: standby, collections: [products] }',
      'promote: { target: standby, collections: [products], planned: true }',
    ]),
  },

  // what people do
  {
    code: 'procedures-none',
    fires: also(without('procedures:', 'replication:'), without('replication:', 'people:')),
    says: 'procedures: 0',
    silent: without('  failback:', '  clean-restore:'),
  },
  {
    code: 'procedure-missing',
    fires: instead(['for: [node, disk, region, account, vendor]', 'for: [region, account]']),
    says: 'no procedure is for the loss of the node, disk and vendor of primary',
    silent: instead(['for: [data]', 'for: [data, node]']),
  },
  {
    code: 'procedure-data',
    fires: instead(['for: [data]', 'for: [index]']),
    says: '0 of 3',
    silent: instead(['for: [data]', 'for: [data, index]']),
  },
  {
    code: 'procedure-into-lost',
    fires: instead(['for: [data]', 'for: [data, region]']),
    says: 'region of primary: eu-central',
    silent: instead(
      ['for: [data]', 'for: [data, region]'],
      ['into: primary, as: products_clean', 'into: standby, as: products_clean'],
    ),
  },
  {
    code: 'procedure-unchecked',
    fires: without('      - probe:', '  failback:'),
    says: 'procedure failover brings something back and checks nothing',
    silent: instead([
      '- probe: { url: "http://127.0.0.1:7701/healthz" }',
      '- check: { target: standby, collection: products, parity: true }',
    ]),
  },
  {
    code: 'scenario-procedure',
    fires: instead(['recover: failover', 'recover: clean-restore']),
    says: 'clean-restore is for: data',
    silent: instead(['kind: region', 'kind: node']),
  },
  {
    code: 'scenario-nowhere',
    fires: instead(['loses: { region: eu-central }', 'loses: { region: eu-centrall }']),
    says: 'named as region: eu-central',
    silent: instead(['loses: { region: eu-central }', 'loses: { region: eu-west }']),
  },

  // who answers
  {
    code: 'approval-one-person',
    fires: instead(['commander: { primary: ada, deputies: [ben] }', 'commander: { primary: ada }']),
    says: 'waits for ada alone',
    silent: instead([
      'commander: { primary: ada, deputies: [ben] }',
      'commander: { primary: ben, deputies: [ada] }',
    ]),
  },
  {
    code: 'role-one-person',
    fires: instead(['engineer: { primary: ben, deputies: [ada] }', 'engineer: { primary: ben }']),
    says: 'role engineer is ben alone',
    silent: instead([
      'commander: { primary: ada, deputies: [ben] }',
      'commander: { primary: ada }',
    ]),
  },
  {
    code: 'contact-without-phone',
    fires: instead(['phone: "+41 00 000 00 01", ', '']),
    says: 'ada has a role and no phone',
    silent: instead(['    ben: {', '    eve: { name: Eve }\n    ben: {']),
  },
  {
    code: 'escalation-missing',
    fires: without('  escalation:', 'channels:'),
    says: 'rungs of escalation: 0',
    silent: also(
      without('  escalation:', 'channels:'),
      without('procedures:', 'replication:'),
      without('replication:', 'people:'),
    ),
  },
  {
    code: 'escalation-gap',
    fires: instead(['after: 15m', 'after: 30m']),
    says: '30 min ≥ 30 min, the smallest RTO',
    silent: instead(['after: 15m', 'after: 29m']),
  },
  {
    code: 'escalation-late',
    fires: instead(
      ['after: 15m', 'after: 45m'],
      ['engineer: { primary: ben, deputies: [ada] }', 'engineer: { primary: ben }'],
    ),
    says: 'on Mon 00:00 the first who answers is called after 45 min',
    silent: instead(['after: 15m', 'after: 45m']),
  },
  {
    code: 'hours-unreachable',
    fires: instead(['hours: 24x7', 'hours: "Mon-Sun 06:00-22:00"']),
    says: 'in 56 of 168 hours',
    silent: instead([
      'hours: 24x7',
      'hours: "Sun-Fri 17:00-09:00, Sat-Sun 09:00-24:00, Sun 00:00-09:00"',
    ]),
  },
  {
    code: 'approver-not-called',
    fires: instead(
      [
        'commander: { primary: ada, deputies: [ben] }',
        'commander: { primary: cat, deputies: [dan] }',
      ],
      ['role: commander }\nchannels', 'role: engineer }\nchannels'],
      [
        '    ben: {',
        '    cat: { name: Cat, phone: "+1 23" }\n    dan: { name: Dan, phone: "+1 24" }\n    ben: {',
      ],
    ),
    says: 'role commander approves, and nobody of it is called',
    silent: instead(['role: commander }\nchannels', 'role: engineer }\nchannels']),
  },
  {
    code: 'message-late',
    fires: instead(['within: 15m', 'within: 31m']),
    says: '31 min > 30 min',
    silent: instead(['within: 15m', 'within: 30m']),
  },

  // the plan and its record
  {
    code: 'objective-missing',
    fires: second(' }'),
    says: 'x has no objective',
    silent: also(
      second(' }'),
      instead([
        'compliance:\n',
        'compliance:\n  exclusions: [{ collection: x, reason: rebuilt every night }]\n',
      ]),
    ),
  },
  {
    code: 'exclusion-reason',
    fires: also(
      second(' }'),
      instead(['compliance:\n', 'compliance:\n  exclusions: [{ collection: x, reason: TBD }]\n']),
    ),
    says: 'the reason is "TBD"',
    silent: also(
      second(' }'),
      instead([
        'compliance:\n',
        'compliance:\n  exclusions: [{ collection: x, reason: tests only }]\n',
      ]),
    ),
  },
  {
    code: 'exclusion-with-objectives',
    fires: also(
      second(', objectives: { rto: 1h } }'),
      instead([
        'compliance:\n',
        'compliance:\n  exclusions: [{ collection: x, reason: tests only }]\n',
      ]),
    ),
    says: 'objectives: rto',
    silent: also(
      second(' }'),
      instead([
        'compliance:\n',
        'compliance:\n  exclusions: [{ collection: x, reason: tests only }]\n',
      ]),
    ),
  },
  {
    code: 'review-stale',
    fires: instead(['reviewedAt: 2026-11-01', 'reviewedAt: 2025-11-25']),
    says: '366 d > 365 d',
    silent: instead(['reviewedAt: 2026-11-01', 'reviewedAt: 2025-11-27']),
  },
  {
    code: 'review-never',
    fires: instead(['reviewedAt: 2026-11-01\n', '']),
    says: 'reviewedAt: none',
    silent: instead(['reviewedAt: 2026-11-01', 'reviewedAt: 2026-10-01']),
  },
  {
    code: 'review-future',
    fires: instead(['reviewedAt: 2026-11-01', 'reviewedAt: 2027-11-01']),
    says: '2027-11-01T00:00Z, which is to come',
    silent: instead(['reviewedAt: 2026-11-01', 'reviewedAt: 2026-11-26']),
  },
  {
    code: 'ledger-unsigned',
    fires: instead(['signing: { keyFile: ./ledger.pem }, anchor', 'anchor']),
    says: 'evidence for: soc2',
    silent: instead(['ledger.pem', 'other.pem']),
  },
  {
    code: 'ledger-unanchored',
    fires: instead([', anchor: offsite', '']),
    says: 'ledger.anchor: none',
    silent: instead(['anchor: offsite', 'anchor: local']),
  },
  {
    code: 'frameworks-unbacked',
    fires: instead(['  signers: [{ role: commander }]\n', '']),
    says: 'compliance.signers: none',
    silent: instead(['  signers: [{ role: commander }]\n', ''], ['  frameworks: [soc2]\n', '']),
  },
  {
    code: 'target-cannot',
    fires: same,
    firesWith: {
      offers: (name) =>
        new Set(name === 'primary' ? everything : everything.filter((each) => each !== 'promote')),
    },
    says: 'standby (vectra) cannot promote in this version',
    silent: same,
    silentWith: { offers: () => new Set(everything) },
  },
  {
    code: 'unused-target',
    fires: instead([
      'collections:\n  products:',
      '  spare: { engine: vectra, path: ./spare }\ncollections:\n  products:',
    ]),
    says: 'nothing uses target spare',
    silent: instead(
      [
        'collections:\n  products:',
        '  spare: { engine: vectra, path: ./spare }\ncollections:\n  products:',
      ],
      ['into: standby, as', 'into: spare, as'],
    ),
  },
  {
    code: 'unused-destination',
    fires: instead(['schedules:\n', '  vault: { url: ./vault }\nschedules:\n']),
    says: 'nothing uses destination vault',
    silent: instead(
      ['schedules:\n', '  vault: { url: ./vault }\nschedules:\n'],
      ['anchor: offsite', 'anchor: vault'],
    ),
  },
  {
    code: 'unused-channel',
    fires: instead(['communications:', '  pager: { exec: [./page.sh] }\ncommunications:']),
    says: 'nothing uses channel pager',
    silent: instead(
      ['communications:', '  pager: { exec: [./page.sh] }\ncommunications:'],
      ['channel: ops, within', 'channel: pager, within'],
    ),
  },
  {
    code: 'unused-role',
    fires: instead(['  contacts:', '    auditor: { primary: ada, deputies: [ben] }\n  contacts:']),
    says: 'nothing uses role auditor',
    silent: instead(
      ['  contacts:', '    auditor: { primary: ada, deputies: [ben] }\n  contacts:'],
      ['signers: [{ role: commander }]', 'signers: [{ role: auditor }]'],
    ),
  },
  {
    code: 'unused-contact',
    fires: instead(['    ben: {', '    eve: { name: Eve, phone: "+1 23" }\n    ben: {']),
    says: 'nothing uses contact eve',
    silent: instead(
      ['    ben: {', '    eve: { name: Eve, phone: "+1 23" }\n    ben: {'],
      ['deputies: [ben]', 'deputies: [ben, eve]'],
    ),
  },
  {
    code: 'unused-tier',
    fires: instead(['collections:\n', 'tiers:\n  gold: { rpo: 1m }\ncollections:\n']),
    says: 'nothing uses tier gold',
    silent: instead(
      ['collections:\n', 'tiers:\n  gold: { rpo: 15m }\ncollections:\n'],
      ['    target: primary\n', '    target: primary\n    tier: gold\n'],
    ),
  },
]
