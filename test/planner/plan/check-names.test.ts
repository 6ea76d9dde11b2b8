import { describe } from 'vitest'
import { itTells, type Mistake } from '../../support/reference-mistakes.ts'

const mistakes: Mistake[] = [
  [
    'a role',
    'by: incident-commander, question',
    'by: incident-comander, question',
    [
      'incident-comander procedures.failover.steps[0].approve.by: there is no role "incident-comander" (Did you mean "incident-commander"?)',
    ],
  ],
  [
    'a contact',
    'primary: on-call-1,',
    'primary: on-call-11,',
    [
      'on-call-11 people.roles.incident-commander.primary: there is no contact "on-call-11" (Did you mean "on-call-1"?)',
    ],
  ],
  [
    'a channel',
    'channel: ops, when',
    'channel: opps, when',
    [
      'opps schedules.nightly.always[0].notify.channel: there is no channel "opps" (Did you mean "ops"?)',
    ],
  ],
  [
    'a procedure',
    'recover: failover',
    'recover: failovr',
    [
      'failovr scenarios.region-loss.recover: there is no procedure "failovr" (Did you mean "failover"?)',
    ],
  ],
  [
    'an alias',
    'alias: products-live, to: standby',
    'alias: products-life, to: standby',
    [
      'products-life procedures.failover.steps[3].switch.alias: there is no alias "products-life" (Did you mean "products-live"?)',
    ],
  ],
  [
    'a collection that is replicated',
    '  products: { from: primary, to',
    '  product: { from: primary, to',
    ['product replication.product: there is no collection "product" (Did you mean "products"?)'],
  ],
  [
    'a destination that keeps the ledger',
    'anchor: offsite',
    'anchor: onsite',
    ['onsite ledger.anchor: there is no destination "onsite" (Did you mean "offsite"?)'],
  ],
  [
    'an answer',
    '${ask.lastGoodAt}',
    '${ask.lastGodAt}',
    [
      '"${ask.lastGodAt}" procedures.clean-restore.steps[1].restore.at: nothing asks for "lastGodAt" here (Did you mean "lastGoodAt"?)',
    ],
  ],
  [
    'a target whose region is wanted',
    '${target.standby.region}',
    '${target.standbi.region}',
    [
      '" procedures.failover.steps[6].notify.message: there is no target "standbi" (Did you mean "standby"?)',
    ],
  ],
  [
    'a failure domain that is not said',
    '${target.standby.region}',
    '${target.standby.disk}',
    [
      '"Recommendations run from ${target.standby.disk}." procedures.failover.steps[6].notify.message: target standby does not say its disk (Add disk: … to target standby.)',
    ],
  ],
  [
    'an answer where nothing asks',
    'message: "failover ended"',
    'message: "failover ended ${ask.when}"',
    [
      '"failover ended ${ask.when}" procedures.failover.always[0].notify.message: nothing asks for "when" here (Add ask: { when: { question: … } } to the procedure.)',
    ],
  ],
  [
    'an escalation',
    'role: database-engineer }\n    - { after: 15m',
    'role: databse-engineer }\n    - { after: 15m',
    [
      'databse-engineer people.escalation[0].role: there is no role "databse-engineer" (Did you mean "database-engineer"?)',
    ],
  ],
]

describe('names of nothing', () => {
  itTells(mistakes)
})
