/** Every rule, in the order of its room. A new rule is a line in its room, its test, and its line in FINDINGS.md. */
import { domainRules } from './domains.ts'
import { drillConductRules } from './drill-conduct.ts'
import { drillRules } from './drills.ts'
import type { Rule } from './finding.ts'
import { offerRules } from './offers.ts'
import { peopleRules } from './people.ts'
import { procedureRules } from './procedures.ts'
import { protectionRules } from './protection.ts'
import { recordRules } from './record.ts'
import { retentionRules } from './retention.ts'
import { rpoRules } from './rpo.ts'
import { rtoRules } from './rto.ts'
import { scheduleRules } from './schedules.ts'
import { standbyRules } from './standby.ts'
import { unusedRules } from './unused.ts'
import { verificationRules } from './verification.ts'

export interface RuleGroup {
  readonly name: string
  readonly rules: readonly Rule[]
}

export const ruleGroups: readonly RuleGroup[] = [
  { name: 'How much may be lost', rules: rpoRules },
  { name: 'How long it takes', rules: rtoRules },
  { name: 'What survives what', rules: domainRules },
  { name: 'Whether copies are good', rules: verificationRules },
  { name: 'How far back', rules: retentionRules },
  { name: 'How copies are protected', rules: protectionRules },
  { name: 'What drills prove', rules: [...drillRules, ...drillConductRules] },
  { name: 'What runs by the clock', rules: scheduleRules },
  { name: 'Standbys', rules: standbyRules },
  { name: 'What people do', rules: procedureRules },
  { name: 'Who answers', rules: peopleRules },
  { name: 'The plan and its record', rules: [...recordRules, ...offerRules, ...unusedRules] },
]

export const rules: readonly Rule[] = ruleGroups.flatMap((group) => group.rules)
