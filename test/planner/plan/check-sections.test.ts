import { describe } from 'vitest'
import { itTells, type Mistake } from '../../support/reference-mistakes.ts'

const mistakes: Mistake[] = [
  [
    'an embedded target with a token',
    'path: ./reference-data/staging,',
    'path: ./reference-data/staging, token: "${env.VECTRA_TOKEN}",',
    ['token targets.staging.token: "token" goes with a url (A path needs none.)'],
  ],
  [
    'a served target with the key of another database',
    'engine: vectra, url: "http://127.0.0.1:7701",',
    'engine: vectra, url: "http://127.0.0.1:7701", apiKey: "${env.QDRANT_API_KEY}",',
    ['apiKey targets.standby.apiKey: "apiKey" is for another database (Write token.)'],
  ],
  [
    'another database with a token',
    'apiKey: "${env.QDRANT_API_KEY}"',
    'token: "${env.QDRANT_API_KEY}"',
    ['token targets.catalogue.token: "token" is for the bundled engine (Write apiKey.)'],
  ],
  [
    'questions that are a file and a sample',
    'k: 5 }',
    'k: 5, sample: 9 }',
    [
      'sample collections.reviews.golden.sample: queries of a file are no sample (Keep one of them.)',
    ],
  ],
  [
    'one alias of two collections',
    '    golden: { file:',
    '    alias: products-live\n    golden: { file:',
    [
      'products-live collections.reviews.alias: another collection has the alias "products-live" (Keep one of them.)',
    ],
  ],
  [
    'a schedule without a rhythm',
    '    every: 30s\n',
    '',
    [
      'log schedules.log: "cron" or "every" is missing (cron: "0 2 * * *" for times of the day, every: 30s for a steady beat.)',
    ],
  ],
  [
    'a schedule with two',
    '    every: 30s\n',
    '    every: 30s\n    cron: "@daily"\n',
    [
      'every schedules.log.every: "cron" is given already (cron: "0 2 * * *" for times of the day, every: 30s for a steady beat.)',
    ],
  ],
  [
    'a jitter without a clock',
    '  fresh-start:\n',
    '  fresh-start:\n    jitter: 5m\n',
    [
      'jitter drills.fresh-start.jitter: "jitter" is for the clock (cron: "0 2 * * *" for times of the day, every: 30s for a steady beat.)',
    ],
  ],
  [
    'a channel that goes nowhere',
    '{ webhook: "${env.OPS_WEBHOOK}", allowPrivate: true }',
    '{ allowPrivate: true }',
    ['ops channels.ops: "webhook" or "exec" is missing (A channel goes one way.)'],
  ],
  [
    'a channel that goes two ways',
    'exec: [./post-status.sh, "${env.STATUS_PAGE}"]',
    'exec: [./post-status.sh], webhook: "${env.OPS_WEBHOOK}"',
    ['exec channels.status-page.exec: "webhook" is given already (A channel goes one way.)'],
  ],
  [
    'a target that follows itself',
    'to: [standby], mode',
    'to: [standby, primary], mode',
    ['primary replication.products.to[1]: primary cannot follow itself (Name another target.)'],
  ],
  [
    'somebody who deputises for himself',
    'deputies: [on-call-2] }\n    database',
    'deputies: [on-call-1] }\n    database',
    [
      'on-call-1 people.roles.incident-commander.deputies[0]: on-call-1 deputises for itself (Name somebody else.)',
    ],
  ],
  [
    'an event in which two things fail',
    'fail: { contact: on-call-1 }',
    'fail: { contact: on-call-1, target: standby }',
    [
      'target scenarios.region-loss.injects[1].fail.target: "contact" is given already (Make an event of each.)',
    ],
  ],
  [
    'an event in which nothing fails',
    'fail: { target: standby, for: 2m }',
    'fail: { for: 2m }',
    [
      'fail scenarios.region-loss.injects[3].fail: "contact" or "destination" or "target" is missing (Make an event of each.)',
    ],
  ],
  [
    'a collection that is excluded twice',
    'reason: rebuilt every night }]',
    'reason: rebuilt every night }, { collection: scratch, reason: again }]',
    [
      'scratch compliance.exclusions[1].collection: an exclusion before this one names "scratch" (Keep one of them.)',
    ],
  ],
  [
    'a lag that nobody has',
    'lag: { collection: products',
    'lag: { collection: reviews',
    [
      'reviews procedures.failback.steps[1].wait.lag.collection: nothing replicates reviews (Add it under replication:, or a replicate step before.)',
    ],
  ],
]

describe('mistakes between the keys of a section', () => {
  itTells(mistakes)
})
