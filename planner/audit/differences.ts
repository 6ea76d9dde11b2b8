/**
 * What has changed since an earlier report: another file, or the window of the same length right before. Pure; plain
 * JSON. A report of an earlier version lacks sections: what cannot be compared is left out.
 */
import type { Audit } from './audit.ts'
import type { Loss } from './exposure.ts'
import type { VerdictKind } from './verdict.ts'

/** Of two values, which is nearer to what is wanted. */
export type Trend = 'better' | 'worse' | 'same' | 'new' | 'gone'

interface Change {
  readonly trend: Trend
}

export interface VerdictChange extends Change {
  readonly collection: string
  readonly objective: string
  readonly before: VerdictKind | null
  readonly after: VerdictKind | null
  readonly actualBefore: number | null
  readonly actualAfter: number | null
}

export interface ExposureChange extends Change {
  readonly collection: string
  readonly losses: readonly Loss[]
  readonly worstBeforeMs: number | null
  readonly worstAfterMs: number | null
  readonly inBreachBeforeMs: number
  readonly inBreachAfterMs: number
}

export interface ScheduleChange extends Change {
  readonly kind: string
  readonly name: string
  /** Due times that did not succeed. */
  readonly badBefore: number
  readonly badAfter: number
}

export interface Differences {
  readonly against: 'the window before' | 'an earlier report'
  readonly window: { readonly from: string; readonly to: string }
  /** Whether the plan is another file now. */
  readonly planChanged: boolean
  readonly verdicts: readonly VerdictChange[]
  readonly exposure: readonly ExposureChange[]
  readonly schedules: readonly ScheduleChange[]
  /** Ids of findings: open now and not then, open both times, open then and not now. */
  readonly findings: {
    readonly opened: readonly string[]
    readonly remaining: readonly string[]
    readonly closed: readonly string[]
  }
}

/** What of an audit is compared. */
export type Comparable = Pick<Audit, 'plan' | 'window' | 'verdicts' | 'sections'>

/** @param before the earlier one */
export function compareAudits(
  before: Comparable,
  after: Comparable,
  against: Differences['against'],
): Differences {
  const open = ({ sections }: Comparable): string[] =>
    (sections?.findings ?? []).filter(({ state }) => state === 'open').map(({ id }) => id)
  const [openThen, openNow] = [open(before), open(after)]
  return {
    against,
    window: before.window,
    planChanged: before.plan.sha256 !== after.plan.sha256,
    verdicts: verdictChanges(before, after),
    exposure: exposureChanges(before, after),
    schedules: scheduleChanges(before, after),
    findings: {
      opened: openNow.filter((id) => !openThen.includes(id)),
      remaining: openNow.filter((id) => openThen.includes(id)),
      closed: openThen.filter((id) => !openNow.includes(id)),
    },
  }
}

/** Pairs of what has the same key, in the order of the newer, then of the older. */
function pairs<T>(before: readonly T[], after: readonly T[], keyOf: (each: T) => string) {
  const then = new Map(before.map((each) => [keyOf(each), each]))
  const now = new Map(after.map((each) => [keyOf(each), each]))
  return [...new Set([...now.keys(), ...then.keys()])].map(
    (key) => [then.get(key), now.get(key)] as const,
  )
}

/** Less of it is better. */
function trendOf(before: number | undefined, after: number | undefined): Trend {
  if (before === undefined) return 'new'
  if (after === undefined) return 'gone'
  return after < before ? 'better' : after > before ? 'worse' : 'same'
}

const ranks: Readonly<Record<VerdictKind, number>> = { met: 0, unproven: 1, missed: 2 }

function verdictChanges(before: Comparable, after: Comparable): VerdictChange[] {
  const key = (each: Comparable['verdicts'][number]) => `${each.collection}\n${each.objective}`
  return pairs(before.verdicts, after.verdicts, key).flatMap(([then, now]) => {
    const named = now ?? then
    if (named === undefined) return []
    return [
      {
        ...{ collection: named.collection, objective: named.objective },
        ...{ before: then?.verdict ?? null, after: now?.verdict ?? null },
        ...{ actualBefore: then?.actual ?? null, actualAfter: now?.actual ?? null },
        trend: trendOf(then && ranks[then.verdict], now && ranks[now.verdict]),
      },
    ]
  })
}

function exposureChanges(before: Comparable, after: Comparable): ExposureChange[] {
  const [then, now] = [before.sections?.exposure ?? [], after.sections?.exposure ?? []]
  const key = (each: (typeof now)[number]) => `${each.collection}\n${each.losses.join(' ')}`
  return pairs(then, now, key).flatMap(([old, young]) => {
    const named = young ?? old
    if (named === undefined) return []
    return [
      {
        ...{ collection: named.collection, losses: named.losses },
        ...{ worstBeforeMs: old?.worstMs ?? null, worstAfterMs: young?.worstMs ?? null },
        ...{ inBreachBeforeMs: old?.inBreachMs ?? 0, inBreachAfterMs: young?.inBreachMs ?? 0 },
        trend: trendOf(old?.inBreachMs, young?.inBreachMs),
      },
    ]
  })
}

function scheduleChanges(before: Comparable, after: Comparable): ScheduleChange[] {
  const [then, now] = [before.sections?.schedules ?? [], after.sections?.schedules ?? []]
  const key = ({ sequence }: (typeof now)[number]) => `${sequence.kind}/${sequence.name}`
  return pairs(then, now, key).flatMap(([old, young]) => {
    const named = young ?? old
    if (named === undefined) return []
    const bad = (each: typeof old) => each && each.due - each.succeeded
    return [
      {
        ...{ kind: named.sequence.kind, name: named.sequence.name },
        ...{ badBefore: bad(old) ?? 0, badAfter: bad(young) ?? 0 },
        trend: trendOf(bad(old), bad(young)),
      },
    ]
  })
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whether `value` is a list of objects that hold these texts; a section that is not there is one too. */
const isListOf = (value: unknown, fits: (each: Readonly<Record<string, unknown>>) => boolean) =>
  value === undefined ||
  (Array.isArray(value) && value.every((each) => isObject(each) && fits(each)))

const hasTexts = (value: Readonly<Record<string, unknown>>, ...keys: readonly string[]): boolean =>
  keys.every((key) => typeof value[key] === 'string')

/** Whether something that was read as the report on a window can be compared: anybody may have written it. */
export function isComparable(value: unknown): value is Comparable {
  if (!isObject(value) || value['scope'] !== 'window') return false
  const { plan, window, verdicts, sections = {} } = value
  return (
    isObject(plan) &&
    hasTexts(plan, 'name', 'sha256') &&
    isObject(window) &&
    hasTexts(window, 'from', 'to') &&
    Array.isArray(verdicts) &&
    isListOf(verdicts, (each) => hasTexts(each, 'collection', 'objective', 'verdict')) &&
    isObject(sections) &&
    isListOf(
      sections['exposure'],
      (each) => hasTexts(each, 'collection') && Array.isArray(each['losses']),
    ) &&
    isListOf(
      sections['schedules'],
      ({ sequence }) => isObject(sequence) && hasTexts(sequence, 'kind', 'name'),
    ) &&
    isListOf(sections['findings'], (each) => hasTexts(each, 'id', 'state'))
  )
}
