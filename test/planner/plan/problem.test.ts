import { describe, expect, it } from 'vitest'
import { errorsAt, errorsOf, validPlan } from '../../support/plan-text.ts'
import { suiteDirectory } from '../../support/temporary-directory.ts'

/** [what is wrong, the text replaced, what is written instead, the errors, each with what is under its caret] */
const mistakes: readonly [string, string, string, readonly string[]][] = [
  [
    'a missing key',
    'name: shop-dr\n',
    '',
    ['version : "name" is missing (Names the plan in reports.)'],
  ],
  [
    'a version of the future',
    'version: 1',
    'version: 2',
    ['2 version: 2 is not 1, the version of the plan language'],
  ],
  [
    'a number without a unit',
    'rpo: 15m',
    'rpo: 15',
    [
      '15 tiers.critical.rpo: 15 is not a duration such as 30s, 15m, 1h30m or 7d (Put it in quotes if it is text, or add the unit.)',
    ],
  ],
  [
    'a duration in words',
    'rpo: 15m',
    'rpo: 15 minutes',
    [
      '15 tiers.critical.rpo: "15 minutes" is not a duration (Write whole numbers with w, d, h, m, s or ms, the largest first: 30s 15m 1h30m 7d.)',
    ],
  ],
  [
    'an objective of no time',
    'rpo: 15m',
    'rpo: 0s',
    ['0s tiers.critical.rpo: "0s" is no time at all (Write a duration above zero.)'],
  ],
  [
    'a recall in percent',
    'recall: 0.95 }',
    'recall: 95 }',
    ['95 tiers.critical.recall: 95 is not a number above 0 and at most 1, such as 0.95'],
  ],
  [
    'a value that was forgotten',
    'owner: platform-team',
    'owner:',
    ['owner owner: there is no value (Write text.)'],
  ],
  [
    'a cron line with seconds',
    '"0 2 * * *"',
    '"0 0 2 * * *"',
    [
      '"0 0 2 * * *" schedules.nightly.cron: "0 0 2 * * *" has 6 fields; cron lines here have five and start with the minute (Leave the seconds out: "0 2 * * *".)',
    ],
  ],
  [
    'a cron line that is never due',
    '"0 2 * * *"',
    '"0 2 30 2 *"',
    [
      '"0 2 30 2 *" schedules.nightly.cron: "0 2 30 2 *" is a cron line that is never due (Check day and month.)',
    ],
  ],
  [
    'a misspelt zone',
    'Europe/Zurich',
    'Europe/Zürich',
    ['Europe/Z timezone: "Europe/Zürich" is not a known time zone (Did you mean "Europe/Zurich"?)'],
  ],
  [
    'an abbreviated zone',
    'Europe/Zurich',
    'CEST',
    [
      'CEST timezone: "CEST" is not a time zone (Write an IANA name such as Europe/Zurich, or UTC.)',
    ],
  ],
  [
    'an instant without an offset',
    'reviewedAt: 2026-11-01',
    'reviewedAt: 2026-11-01T10:00:00',
    [
      '2026-11-01T10:00:00 reviewedAt: "2026-11-01T10:00:00" is an instant without an offset (Write it with its offset from UTC: 2026-11-01T10:00:00+01:00, or …Z for UTC.)',
    ],
  ],
  [
    'a day that does not exist',
    'reviewedAt: 2026-11-01',
    'reviewedAt: 2026-11-31',
    ['2026-11-31 reviewedAt: "2026-11-31" is a day that does not exist (Check month and day.)'],
  ],
  [
    'a target that is embedded and served',
    'path: ./staging',
    'path: ./staging, url: "http://127.0.0.1:7700"',
    [
      'url targets.staging.url: "path" is given already (A path opens the engine here; a url is served.)',
    ],
  ],
  [
    'a target that is nowhere',
    ', path: ./staging',
    '',
    [
      'staging targets.staging: "path" or "url" is missing (A path opens the engine here; a url is served.)',
    ],
  ],
  [
    'another engine',
    'engine: vectra, path: ./staging',
    'engine: qdrant, path: ./staging',
    [
      'staging targets.staging: "url" is missing (Say where qdrant is.)',
      'path targets.staging.path: qdrant has no data directory here (Write url.)',
    ],
  ],
  [
    'an object store with its credentials',
    './backups',
    's3://AKIA:secret@bucket/vectra',
    [
      's3:// destinations.local.url: "s3://***********@bucket/vectra" carries a user name or a password (Credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or the machine’s role.)',
    ],
  ],
  [
    'another kind of store',
    './backups',
    'gs://bucket/vectra',
    [
      'gs://bucket/vectra destinations.local.url: "gs://bucket/vectra" is at "gs:", where this version cannot store (Write a path, a file:// URL with three slashes (file:///var/backups/vectra), s3://bucket/prefix, or rsync://host/path.)',
    ],
  ],
  [
    'a file URL with two slashes',
    './backups',
    'file://var/backups',
    [
      'file://var/backups destinations.local.url: "file://var/backups" is not a file:// URL of this machine (Write a path, a file:// URL with three slashes (file:///var/backups/vectra), s3://bucket/prefix, or rsync://host/path.)',
    ],
  ],
  [
    'a home directory',
    'path: ./staging',
    'path: ~/staging',
    [
      '~/staging targets.staging.path: "~/staging" starts with "~", which only a shell knows (Write ${env.HOME} instead of "~".)',
    ],
  ],
  [
    'an unknown target',
    'into: staging',
    'into: stagging',
    [
      'stagging drills.restore-test.steps[0].restore.into: there is no target "stagging" (Did you mean "staging"?)',
      'snapshot drills.restore-test.steps[1].check.against: no step before this one restores that collection into that target (Put the check after the restore, with the same target and the restored name.)',
    ],
  ],
  [
    'an unknown destination',
    'to: local',
    'to: offsite',
    [
      'offsite schedules.nightly.steps[0].backup.to: there is no destination "offsite" (The plan has local, second.)',
    ],
  ],
  [
    'an unknown collection',
    'collections: [products]',
    'collections: [products, product]',
    [
      'product schedules.nightly.steps[0].backup.collections[1]: there is no collection "product" (Did you mean "products"?)',
      '"${steps.backup.snapshot}" schedules.nightly.steps[1].verify.snapshot: step "backup" backs up several collections (Make a step of each collection.)',
    ],
  ],
  [
    'the same collection twice',
    'collections: [products]',
    'collections: [products, products]',
    [
      'products schedules.nightly.steps[0].backup.collections[1]: "products" stands in the list twice',
      '"${steps.backup.snapshot}" schedules.nightly.steps[1].verify.snapshot: step "backup" backs up several collections (Make a step of each collection.)',
    ],
  ],
  [
    'an unknown tier',
    'tier: critical',
    'tier: critcal',
    ['critcal collections.products.tier: there is no tier "critcal" (Did you mean "critical"?)'],
  ],
  [
    'a collection that no step makes',
    'drop: { target: staging, collection: restored',
    'drop: { target: staging, collection: restord',
    [
      'restord drills.restore-test.always[0].drop.collection: there is no collection "restord" (Did you mean "restored"?)',
    ],
  ],
  [
    'a misspelt step kind',
    '- backup: {',
    '- bakcup: {',
    [
      'bakcup schedules.nightly.steps[0].bakcup: unknown key "bakcup" (Did you mean "backup"?)',
      '"${steps.backup.snapshot}" schedules.nightly.steps[1].verify.snapshot: there is no step "backup" here (There is verify.)',
    ],
  ],
  [
    'a message through a channel that is not there',
    '- drop: { target: staging, collection: restored, ifExists: true }',
    '- notify: { channel: ops, message: "${run.error}" }',
    [
      'ops drills.restore-test.always[0].notify.channel: there is no channel "ops" (The plan has no channels.)',
    ],
  ],
  [
    'a step without a kind',
    '- drop: { target: staging, collection: restored, ifExists: true }',
    '- id: cleanup',
    [
      'id drills.restore-test.always[0]: a step needs a kind (Add one of import, backup, archive, verify, copy, prune, restore, check, drop, inject, canary, fence, promote, replicate, switch, probe, reconcile, approve, manual, notify, exec, http, wait.)',
    ],
  ],
  [
    'a step with two kinds',
    '- drop: { target: staging, collection: restored, ifExists: true }',
    '- drop: { target: staging, collection: restored }\n        exec: { command: [ls] }',
    [
      'drop drills.restore-test.always[0]: a step has one kind; this one has drop and exec (Make a step of each: start each with "- ".)',
    ],
  ],
  [
    'a word that YAML 1.1 took for true',
    'ifExists: true',
    'ifExists: yes',
    ['yes drills.restore-test.always[0].drop.ifExists: "yes" is not true or false (Write true.)'],
  ],
  [
    'a single name where a list belongs',
    'from: [local]',
    'from: local',
    [
      'local drills.restore-test.steps[0].restore.from: "local" is not a list of destinations (Write a list: [ … ], or one "- …" a line.)',
    ],
  ],
  [
    'a misspelt choice',
    'proves: [rto, recall]',
    'proves: [rto, recal]',
    [
      'recal drills.restore-test.proves[1]: "recal" is not one of rpo, rto, recall (Did you mean "recall"?)',
    ],
  ],
  [
    'a misspelt bound',
    'count: equal }',
    'count: { mn: 1 } }',
    ['mn drills.restore-test.steps[1].check.count.mn: unknown key "mn" (Did you mean "min"?)'],
  ],
  [
    'a count that is neither',
    'count: equal }',
    'count: many }',
    [
      'many drills.restore-test.steps[1].check.count: "many" is not `equal`, or bounds such as { min: 1 }',
    ],
  ],
  [
    'a comparison with nothing',
    'against: snapshot, ',
    '',
    [
      'count drills.restore-test.steps[1].check.count: "count" compares with a snapshot, and there is no "against" (Add against: snapshot.)',
    ],
  ],
  [
    'a check before its restore',
    'collection: restored, against',
    'collection: products, against',
    [
      'snapshot drills.restore-test.steps[1].check.against: no step before this one restores that collection into that target (Put the check after the restore, with the same target and the restored name.)',
    ],
  ],
  [
    'a name that leaves its directory',
    'as: restored',
    'as: ../restored',
    [
      '../restored drills.restore-test.steps[0].restore.as: "../restored" has characters other than A-Z a-z 0-9 _ . - or does not start with a letter, digit or _: not a collection name (Use 1 to 128 letters, digits, "_", "-" and single dots.)',
      'restored drills.restore-test.steps[1].check.collection: there is no collection "restored" (The plan has products, reviews, ../restored.)',
      'snapshot drills.restore-test.steps[1].check.against: no step before this one restores that collection into that target (Put the check after the restore, with the same target and the restored name.)',
      'restored drills.restore-test.always[0].drop.collection: there is no collection "restored" (The plan has products, reviews, ../restored.)',
    ],
  ],
  [
    'a collection with a reserved name',
    '  reviews:',
    '  verify:',
    [
      'verify collections.verify: "verify" is a subcommand of "collections backup": not a collection name (Use 1 to 128 letters, digits, "_", "-" and single dots.)',
    ],
  ],
  [
    'an import whose format nobody can tell',
    '- drop: { target: staging, collection: restored, ifExists: true }',
    '- import: { target: staging, collection: words, file: ./words.txt }',
    [
      './words.txt drills.restore-test.always[0].import.file: the ending of the file does not tell its format (Add format: jsonl, f32, fvecs or npy.)',
    ],
  ],
  [
    'raw vectors without a dimension',
    '- drop: { target: staging, collection: restored, ifExists: true }',
    '- import: { target: staging, collection: words, file: ./words.f32 }',
    [
      'import drills.restore-test.always[0].import: "dimension" is missing (A .f32 file does not tell it.)',
    ],
  ],
  [
    'a verify of one snapshot of all collections',
    'in: local, collection: products, snapshot',
    'in: local, snapshot',
    ['verify schedules.nightly.steps[1].verify: "snapshot" needs "collection" beside it'],
  ],
  [
    'an id twice',
    'to: local }\n',
    'to: local }\n        id: verify\n      - verify: { in: local }\n        id: verify\n',
    [
      'verify schedules.nightly.steps[1].id: another step here has the id "verify" already (Give each step of a schedule or drill its own id.)',
      '"${steps.backup.snapshot}" schedules.nightly.steps[2].verify.snapshot: there is no step "backup" here (There is verify.)',
    ],
  ],
  [
    'a timeout given twice',
    '- drop: { target: staging, collection: restored, ifExists: true }',
    '- exec: { command: [ls], timeout: 1m }\n        timeout: 2m',
    [
      'timeout drills.restore-test.always[0].timeout: the timeout is given twice, beside exec and inside it (Keep one of them.)',
    ],
  ],
  [
    'a wait for nothing and for two things',
    '- drop: { target: staging, collection: restored, ifExists: true }',
    '- wait: { timeout: 1m }\n      - wait: { lag: { collection: products, below: 1s }, for: 1m }',
    [
      'wait drills.restore-test.always[0].wait: it does not say what to wait for (Give one of lag: { collection: …, below: 1s } and for: 5m.)',
      'wait drills.restore-test.always[1].wait: it waits for two things at once (Give one of lag: { collection: …, below: 1s } and for: 5m.)',
      'products drills.restore-test.always[1].wait.lag.collection: nothing replicates products (Add it under replication:, or a replicate step before.)',
    ],
  ],
  [
    'a tier misspelt; one that has no objectives is a label',
    'tier: critical }',
    'tier: criticall }\n  drafts: { target: primary, tier: standard }',
    [
      'criticall collections.products.tier: there is no tier "criticall" (Did you mean "critical"?)',
    ],
  ],
  [
    'a timeout that no timer can hold',
    'proves:',
    'timeout: 30d\n    proves:',
    ['30d drills.restore-test.timeout: "30d" is longer than 7d (Write a duration of at most 7d.)'],
  ],
  [
    'a shell line',
    '- drop: { target: staging, collection: restored, ifExists: true }',
    '- exec: { command: "rm -rf /tmp/x" }',
    [
      '"rm -rf /tmp/x" drills.restore-test.always[0].exec.command: "rm -rf /tmp/x" is not a list of the program and its arguments (Write a list: [ … ], or one "- …" a line.)',
    ],
  ],
  [
    'side by side in side by side',
    '- drop: { target: staging, collection: restored, ifExists: true }',
    '- parallel: [ { parallel: [ { exec: { command: [ls] } } ] } ]',
    [
      'parallel drills.restore-test.always[0].parallel[0].parallel: a "parallel" does not stand in another (Steps side by side are one list: put them into the parallel around.)',
    ],
  ],
  [
    'an option that a parallel does not have',
    '- drop: { target: staging, collection: restored, ifExists: true }',
    '- parallel: [ { exec: { command: [ls] } } ]\n        timeout: 5m\n        backup: { collections: [products], to: local }',
    [
      'timeout drills.restore-test.always[0].timeout: "timeout" does not belong beside "parallel" (Give it to the steps inside, or make a step of its own.)',
      'backup drills.restore-test.always[0].backup: "backup" does not belong beside "parallel" (Give it to the steps inside, or make a step of its own.)',
    ],
  ],
  [
    'a variable in brackets without quotes',
    './backups',
    './backups-${env.X}',
    [
      '{env.X : a text with ${…} needs quotes inside brackets (Put the whole text in quotes: "x_${date}".)',
    ],
  ],
  [
    'a bracket too many',
    'proves: [rto, recall]',
    'proves: [rto, recall]]',
    ['] : "]" is not expected here (Check indentation, quotes and brackets from here upwards.)'],
  ],
  [
    'a bracket that is not closed',
    'proves: [rto, recall]',
    'proves: [rto, recall',
    [
      'steps : the "]" of a bracket before this is missing (Check indentation, quotes and brackets from here upwards.)',
    ],
  ],
  [
    'a line that is indented too far',
    'owner: platform-team',
    '  owner: platform-team',
    [
      'shop-dr : a mapping cannot start on this line (Check the indentation of this line and of the one before, or quote text that holds ": ".)',
    ],
  ],
  [
    'a missing colon',
    'owner: platform-team',
    'owner platform-team',
    ['owner : this is not "key: value" (Check for a missing colon, or the indentation.)'],
  ],
  [
    'a colon in a text',
    'owner: platform-team',
    'owner: platform: team',
    [
      'platform : a mapping cannot start on this line (Check the indentation of this line and of the one before, or quote text that holds ": ".)',
    ],
  ],
]

describe('a mistake in a plan', () => {
  const directory = suiteDirectory()

  it.each(mistakes)('is told: %s', async (_, search, replacement, expected) => {
    const text = validPlan.replace(search, () => replacement)
    expect(text).not.toBe(validPlan)
    expect(await errorsAt(directory.path, text)).toEqual(expected)
  })

  it('points at the line it stands in', async () => {
    const errors = await errorsOf(directory.path, validPlan.replace('to: local', 'to: loacl'))
    const line = validPlan.split('\n').findIndex((each) => each.includes('to: local')) + 1
    expect(errors).toEqual([expect.stringMatching(new RegExp(`^${line}:48 `))])
  })

  it('does not hide the others', async () => {
    const text = validPlan
      .replace('rpo: 15m', 'rpo: soon')
      .replace('tier: critical', 'tier: crtical')
      .replace('"0 2 * * *"', 'nightly')
      .replace('ifExists', 'ifexists')
      .replace('path: ./staging', 'path: "${env.NOWHERE}"')
    expect(await errorsOf(directory.path, text)).toHaveLength(5)
  })
})
