/**
 * What an audit can say for or against a control, each as one statement with the lines of the ledger behind it.
 * Pure. A statement supports only what was measured or is written in the plan; what is not known is missing.
 */
import type { Plan } from '../plan/plan.ts'
import { showCount, showMinutes } from '../step/quantity.ts'
import type { ComplianceReport } from './compliance-report.ts'
import type { LineReference } from './copies.ts'
import type { CopyReport } from './copy-report.ts'
import type { DrillReport } from './drills.ts'
import { type ExposureSeries, isPromised } from './exposure.ts'
import type { AuditFinding } from './findings.ts'
import type { CollectionRecoveries } from './recoveries.ts'
import type { SequenceReport } from './schedules.ts'
import type { Verdict } from './verdict.ts'

export type EvidenceKind =
  | 'objectives'
  | 'backups run'
  | 'copies verified'
  | 'copy elsewhere'
  | 'copy on other hardware'
  | 'exposure'
  | 'restore tests'
  | 'objectives met'
  | 'procedures'
  | 'review'
  | 'findings'
  | 'record'

export interface EvidenceStatement {
  readonly kind: EvidenceKind
  readonly supports: boolean
  /** One sentence. */
  readonly says: string
  readonly lines: readonly LineReference[]
}

/** The sections that evidence is taken from. */
export interface EvidenceSource {
  readonly exposure: readonly ExposureSeries[]
  readonly recoveries: readonly CollectionRecoveries[]
  readonly drills: readonly DrillReport[]
  readonly recoveryPoints: readonly CopyReport[]
  readonly schedules: readonly SequenceReport[]
  readonly findings: readonly AuditFinding[]
  readonly compliance: ComplianceReport
}

type Judge = (plan: Plan, sections: EvidenceSource, verdicts: readonly Verdict[]) => Statement
type Statement = Omit<EvidenceStatement, 'kind'>

/** Lines behind one statement; the sections have the others. */
const linesTold = 10

const say = (supports: boolean, says: string, lines: readonly LineReference[] = []): Statement => ({
  supports,
  says,
  lines: lines.slice(-linesTold).map(({ run, line }) => ({ run, line })),
})

const counted = ({ collections, compliance }: Plan): string[] =>
  [...collections.keys()].filter((name) => !compliance.exclusions.has(name))

/** Collections for which `has` does not hold. */
const without = (plan: Plan, has: (collection: string) => boolean): string[] =>
  counted(plan).filter((name) => !has(name))

const judges: Readonly<Record<EvidenceKind, Judge>> = {
  objectives(plan) {
    const lacking = without(plan, (name) => {
      const { rpoMs, rtoMs } = plan.collections.get(name)?.objectives ?? {}
      return rpoMs !== undefined && rtoMs !== undefined
    })
    return lacking.length === 0
      ? say(true, 'the plan sets RPO and RTO for every collection that is not excluded')
      : say(false, `the plan sets no RPO or no RTO for ${lacking.join(', ')}`)
  },

  'backups run'(_, { schedules }) {
    const clocked = schedules.filter(({ sequence }) => sequence.kind === 'schedule')
    const sum = (key: 'due' | 'succeeded') => clocked.reduce((all, each) => all + each[key], 0)
    if (sum('due') === 0) return say(false, 'no schedule was due in the window')
    const lines = clocked.flatMap(({ failing }) =>
      failing.flatMap(({ run, line }) => (run !== null && line !== null ? [{ run, line }] : [])),
    )
    return say(
      sum('succeeded') === sum('due'),
      `of ${sum('due')} scheduled runs that were due ${sum('succeeded')} succeeded`,
      lines,
    )
  },

  'copies verified'(plan, { recoveryPoints }) {
    const lacking = without(plan, (name) =>
      recoveryPoints.some((each) => each.collection === name && each.verifiedSince !== null),
    )
    const checks = recoveryPoints.flatMap(({ lastCheck }) =>
      lastCheck === null ? [] : [lastCheck],
    )
    return lacking.length === 0
      ? say(true, 'every collection has a newest copy that was read and found whole', checks)
      : say(false, `no newest copy of ${lacking.join(', ')} was read and found whole`, checks)
  },

  'copy elsewhere': (plan, sections) =>
    survives(plan, sections, ['region', 'account', 'vendor'], 'region, account or vendor'),

  'copy on other hardware': (plan, sections) =>
    survives(plan, sections, ['node', 'disk'], 'node and disk'),

  exposure(plan, { exposure }) {
    const own = exposure.filter((series) => isPromised(series) && series.rpoMs !== null)
    const bad = own.filter(({ verdict }) => verdict !== 'met')
    const names = new Set(own.map(({ collection }) => collection))
    const lacking = without(plan, (name) => names.has(name))
    if (lacking.length > 0) {
      return say(false, `no exposure can be held against an RPO for ${lacking.join(', ')}`)
    }
    if (bad.length === 0) return say(true, 'exposure stayed within the RPO for the whole window')
    const worst = bad.map(
      ({ collection, losses, inBreachMs }) =>
        `${collection} (${losses.join(', ')}) for ${showMinutes(inBreachMs)}`,
    )
    return say(
      false,
      `exposure was beyond the RPO: ${worst.join('; ')}`,
      bad.flatMap(({ breaches }) =>
        breaches.flatMap(({ incidents }) =>
          incidents.flatMap(({ run, line }) => (run && line ? [{ run, line }] : [])),
        ),
      ),
    )
  },

  'restore tests'(plan, { recoveries, drills }) {
    const passed = recoveries.map(({ collection, runs }) => ({
      collection,
      runs: runs.filter(
        ({ sequence, outcome }) => sequence.kind === 'drill' && outcome === 'passed',
      ),
    }))
    const lacking = without(plan, (name) =>
      passed.some(({ collection, runs }) => collection === name && runs.length > 0),
    )
    const lines = passed.flatMap(({ runs }) => runs)
    if (lacking.length > 0) {
      return say(false, `no drill of the window restored ${lacking.join(', ')} and passed`, lines)
    }
    const overdue = drills.filter(({ overdueSince }) => overdueSince !== null)
    const count = new Set(lines.map(({ run }) => run)).size
    return overdue.length > 0
      ? say(false, `overdue: ${overdue.map(({ drill }) => `drill ${drill}`).join(', ')}`, lines)
      : say(true, `${showCount(count, 'drill')} restored every collection and passed`, lines)
  },

  'objectives met'(_, __, verdicts) {
    const bad = verdicts.filter(({ verdict }) => verdict !== 'met')
    const lines = verdicts.flatMap(({ evidence }) => evidence)
    if (verdicts.length === 0) return say(false, 'there is no objective to be met')
    return bad.length === 0
      ? say(true, `${showCount(verdicts.length, 'objective')} measured and met`, lines)
      : say(
          false,
          bad
            .map(
              ({ objective, collection, verdict }) => `${objective} of ${collection}: ${verdict}`,
            )
            .join(', '),
          lines,
        )
  },

  procedures({ procedures, people }) {
    const alone = [...people.roles.values()].filter(({ deputies }) => deputies.length === 0)
    if (procedures.size === 0) return say(false, 'the plan has no procedure for people to follow')
    if (people.roles.size === 0) return say(false, 'the plan names no roles')
    return alone.length > 0
      ? say(false, `without a deputy: ${alone.map(({ name }) => name).join(', ')}`)
      : say(
          true,
          `${showCount(procedures.size, 'procedure')} written down, each role with a deputy`,
        )
  },

  review(_, { compliance, findings }) {
    const { reviewedAt, reviewAgeMs } = compliance
    if (reviewedAt === null || reviewAgeMs === null) {
      return say(false, 'the plan does not say when it was reviewed')
    }
    const isStale = findings.some(({ id }) => id === 'review')
    return say(!isStale, `the plan was reviewed ${showMinutes(reviewAgeMs)} before the end`)
  },

  findings(_, { findings }) {
    const open = findings.filter(({ state }) => state === 'open')
    const late = open.filter(({ isLate }) => isLate)
    const owners = new Set(findings.map(({ owner }) => owner))
    return late.length > 0
      ? say(
          false,
          `${showCount(late.length, 'finding')} open beyond the due date`,
          late.flatMap(({ shownBy }) => shownBy),
        )
      : say(
          true,
          `findings have an owner (${[...owners].join(', ') || 'none open'}) and none is late; ${open.length} open`,
        )
  },

  record(_, { compliance: { ledger } }) {
    const lacking = [
      ...(ledger.isSigned ? [] : ['not signed']),
      ...(ledger.anchor === null ? ['not anchored elsewhere'] : []),
    ]
    return lacking.length === 0
      ? say(true, 'the ledger is chained, signed and anchored elsewhere')
      : say(false, `the ledger is chained, but ${lacking.join(' and ')}`)
  },
}

function survives(
  plan: Plan,
  { exposure }: EvidenceSource,
  losses: readonly string[],
  named: string,
): Statement {
  const lacking = without(plan, (name) => {
    const kept = exposure
      // a replica is no verified copy
      .filter(({ collection, served, copiesAlone, ...all }) => {
        const { currentMs } = copiesAlone ?? all
        return collection === name && served.length > 0 && currentMs !== null
      })
      .flatMap((series) => series.losses)
      .filter((loss) => losses.includes(loss))
    return losses.includes('node') ? kept.length === losses.length : kept.length > 0
  })
  return lacking.length === 0
    ? say(
        true,
        `every collection has a verified copy, brought by the clock, that survives a loss of ${named}`,
      )
    : say(
        false,
        `no verified copy of ${lacking.join(', ')}, brought by the clock, is known to survive a loss of ${named}`,
      )
}

/** The statement of one kind. */
export const judgeEvidence = (
  kind: EvidenceKind,
  plan: Plan,
  sections: EvidenceSource,
  verdicts: readonly Verdict[],
): EvidenceStatement => ({ kind, ...judges[kind](plan, sections, verdicts) })
