/**
 * Which evidence of an audit speaks to which control of which framework, and which is missing. Pure.
 *
 * It is evidence, not certification: whether a control is met is for people to say, who look at more than a
 * ledger. What a control asks for is told in words of our own; the reference names where it stands.
 */
import type { Framework, Plan } from '../plan/plan.ts'
import {
  type EvidenceKind,
  type EvidenceSource,
  type EvidenceStatement,
  judgeEvidence,
} from './evidence.ts'
import type { Verdict } from './verdict.ts'

export interface Control {
  readonly framework: Framework
  /** As the framework counts it: `A1.2`. */
  readonly control: string
  /** What it asks for, in our words. */
  readonly asks: string
  readonly reference: string
  readonly needs: readonly EvidenceKind[]
}

const soc2 = 'AICPA Trust Services Criteria (2017, points of focus of 2022)'
const iso27001 = 'ISO/IEC 27001:2022, Annex A'
const nist = 'NIST SP 800-53 Rev. 5'
const dora = 'Regulation (EU) 2022/2554'

export const controls: readonly Control[] = [
  {
    ...{ framework: 'soc2', control: 'A1.2', reference: `${soc2}, A1.2` },
    asks: 'backups and the means to recover are in place, run and are watched',
    needs: ['backups run', 'copies verified', 'copy elsewhere', 'exposure'],
  },
  {
    ...{ framework: 'soc2', control: 'A1.3', reference: `${soc2}, A1.3` },
    asks: 'recovery is tested, and the tests show that objectives are met',
    needs: ['restore tests', 'objectives met', 'findings'],
  },
  {
    ...{ framework: 'iso22301', control: '8.5', reference: 'ISO 22301:2019, clause 8.5' },
    asks: 'continuity is exercised by a programme, and what exercises show is put right',
    needs: ['restore tests', 'objectives met', 'findings', 'review'],
  },
  {
    ...{ framework: 'iso27001', control: 'A.5.29', reference: `${iso27001}, 5.29` },
    asks: 'information stays protected while things are disrupted',
    needs: ['procedures', 'copies verified', 'record'],
  },
  {
    ...{ framework: 'iso27001', control: 'A.5.30', reference: `${iso27001}, 5.30` },
    asks: 'technology is ready for continuity: planned to objectives, and tested against them',
    needs: ['objectives', 'procedures', 'restore tests', 'objectives met'],
  },
  {
    ...{ framework: 'iso27001', control: 'A.8.13', reference: `${iso27001}, 8.13` },
    asks: 'copies are made as agreed, kept apart, and tested',
    needs: ['backups run', 'copies verified', 'copy elsewhere', 'restore tests'],
  },
  {
    ...{ framework: 'iso27001', control: 'A.8.14', reference: `${iso27001}, 8.14` },
    asks: 'there is enough redundancy for what has to stay available',
    needs: ['copy on other hardware', 'copy elsewhere'],
  },
  {
    ...{ framework: 'nist-800-53', control: 'CP-2', reference: `${nist}, CP-2` },
    asks: 'a contingency plan has objectives, roles and a review',
    needs: ['objectives', 'procedures', 'review'],
  },
  {
    ...{ framework: 'nist-800-53', control: 'CP-4', reference: `${nist}, CP-4` },
    asks: 'the plan is tested at intervals, and what tests show is corrected',
    needs: ['restore tests', 'objectives met', 'findings'],
  },
  {
    ...{ framework: 'nist-800-53', control: 'CP-6', reference: `${nist}, CP-6` },
    asks: 'copies are kept at another site that does not share its dangers',
    needs: ['copy elsewhere', 'copies verified'],
  },
  {
    ...{ framework: 'nist-800-53', control: 'CP-9', reference: `${nist}, CP-9` },
    asks: 'data is backed up as often as objectives ask, and backups are protected and tested',
    needs: ['backups run', 'copies verified', 'exposure', 'restore tests'],
  },
  {
    ...{ framework: 'nist-800-53', control: 'CP-10', reference: `${nist}, CP-10` },
    asks: 'the system is brought back to a known state within its objectives',
    needs: ['restore tests', 'objectives met', 'procedures'],
  },
  {
    ...{ framework: 'dora', control: 'Article 11', reference: `${dora}, Article 11` },
    asks: 'response and recovery are planned, tested, reviewed and recorded',
    needs: ['procedures', 'restore tests', 'review', 'findings', 'record'],
  },
  {
    ...{ framework: 'dora', control: 'Article 12', reference: `${dora}, Article 12` },
    asks: 'backups are made, kept apart and tested; recovery meets time and point objectives',
    needs: [
      ...(['objectives', 'backups run', 'copies verified', 'copy elsewhere'] as const),
      ...(['restore tests', 'objectives met', 'exposure'] as const),
    ],
  },
]

export interface ControlReport extends Omit<Control, 'needs'> {
  /** `supported`: all that is asked of the ledger supports it. */
  readonly state: 'supported' | 'partly supported' | 'not supported'
  readonly supporting: readonly EvidenceStatement[]
  readonly missing: readonly EvidenceStatement[]
}

/** Controls of the frameworks that the plan names. */
export function reportControls(
  plan: Plan,
  sections: EvidenceSource,
  verdicts: readonly Verdict[],
): ControlReport[] {
  const known = new Map<EvidenceKind, EvidenceStatement>()
  const statement = (kind: EvidenceKind): EvidenceStatement => {
    const found = known.get(kind) ?? judgeEvidence(kind, plan, sections, verdicts)
    known.set(kind, found)
    return found
  }
  return controls
    .filter(({ framework }) => plan.compliance.frameworks.includes(framework))
    .map(({ needs, ...control }) => {
      const all = needs.map(statement)
      const supporting = all.filter(({ supports }) => supports)
      const missing = all.filter(({ supports }) => !supports)
      const state =
        missing.length === 0
          ? 'supported'
          : supporting.length === 0
            ? 'not supported'
            : 'partly supported'
      return { ...control, state, supporting, missing }
    })
}
