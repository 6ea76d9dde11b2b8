/**
 * Retention rules, as people know them from restic: a snapshot stays when any rule keeps it. Pure: snapshots
 * and rules in, for each snapshot what becomes of it and why.
 *
 * - Every collection, and of it every history, is looked at by itself: a rule for seven days keeps seven days
 *   of each. "Newest" means the highest LSN, so that a clock that was wrong hides nothing.
 * - `last: 3` keeps the three newest. `daily: 7` keeps the newest of each of the last seven days **that have
 *   one**; so do the other periods. `within` keeps what was taken in so long a time before the newest one, not
 *   before now: a clock that is years ahead removes nothing early. `tags` keeps all that have one of them.
 * - A snapshot that was found damaged is counted by no rule, and stays until it is removed by name:
 *   it must not take the place of a good one.
 * - What is pinned stays. So does the newest good snapshot of a collection, if no rule keeps a good one.
 */
import { fail } from '../base/errors.ts'
import { type Calendar, openCalendar, type Period, periods } from './calendar.ts'

export interface KeepRules extends Partial<Readonly<Record<Period, number>>> {
  readonly last?: number
  readonly withinMs?: number
  readonly tags?: readonly string[]
}

/** A snapshot as retention sees it. */
export interface Candidate {
  readonly collection: string
  readonly snapshotId: string
  readonly uuid: string
  /** Number and id of the history, as in paths. */
  readonly epoch: string
  readonly lsn: number
  /** When its state was the newest, epoch ms: what days and weeks are counted by. */
  readonly asOfMs: number
  readonly createdMs: number
  /** Points. */
  readonly count: number
  readonly tags: readonly string[]
  /** Why it is pinned; undefined when it is not. */
  readonly pinned: string | undefined
  /** Whether a verification found it damaged and no later one found it whole, or its signature is wrong. */
  readonly isBad: boolean
}

export interface Decision<T extends Candidate = Candidate> {
  readonly snapshot: T
  readonly keep: boolean
  /** At least one. */
  readonly reasons: readonly string[]
}

/** @throws `usage` when no rule would keep anything, or a number is not above 0 */
export function checkRules(rules: KeepRules): KeepRules {
  const { last, withinMs, tags = [] } = rules
  const counts = [last, withinMs, ...periods.map((period) => rules[period])]
  const given = counts.filter((each) => each !== undefined)
  if (given.some((each) => !Number.isSafeInteger(each) || each <= 0)) {
    fail('usage', 'a retention rule keeps nothing', 'Give whole numbers above 0, or leave it away.')
  }
  if (given.length === 0 && tags.length === 0) {
    fail(
      'usage',
      'no retention rule is given: everything would be removed',
      'Say what to keep, for example --keep-last 3 --keep-daily 7 --keep-monthly 12.',
    )
  }
  return rules
}

/**
 * What becomes of each snapshot, in the order in which they were given.
 * @throws `usage` for an empty set of rules or an unknown zone
 */
export function applyRules<T extends Candidate>(
  snapshots: readonly T[],
  rules: KeepRules,
  zone: string,
): readonly Decision<T>[] {
  checkRules(rules)
  const reasons = new Map<T, string[]>(snapshots.map((each) => [each, []]))
  const note = (snapshot: T, reason: string) => reasons.get(snapshot)?.push(reason)
  for (const each of snapshots) {
    if (each.pinned !== undefined) note(each, `pinned: ${each.pinned}`)
    if (each.isBad) note(each, 'it was found damaged, so no rule counts it')
  }
  const good = snapshots.filter((each) => !each.isBad)
  const histories = groupBy(good, (each) => `${each.collection}/${each.uuid}/${each.epoch}`)
  const calendar = openCalendar(zone)
  for (const history of histories) applyToHistory(newestFirst(history), rules, calendar, note)
  for (const collection of groupBy(good, (each) => `${each.collection}/${each.uuid}`)) {
    if (collection.some((each) => (reasons.get(each)?.length ?? 0) > 0)) continue
    const ends = groupBy(collection, (each) => each.epoch).flatMap(
      (own) => newestFirst(own)[0] ?? [],
    )
    const newest = ends.reduce((a, b) => (a.createdMs >= b.createdMs ? a : b))
    note(newest, 'the last good snapshot of its collection')
  }
  return snapshots.map((snapshot) => {
    const found = reasons.get(snapshot) ?? []
    const keep = found.length > 0
    return { snapshot, keep, reasons: keep ? found : ['no rule keeps it'] }
  })
}

function applyToHistory<T extends Candidate>(
  history: readonly T[],
  rules: KeepRules,
  calendar: Calendar,
  note: (snapshot: T, reason: string) => void,
): void {
  const { last = 0, withinMs, tags = [] } = rules
  for (const [index, each] of history.slice(0, last).entries()) {
    note(each, `last ${index + 1} of ${last}`)
  }
  for (const period of periods) {
    const wanted = rules[period] ?? 0
    const seen = new Set<string>()
    for (const each of history) {
      const stretch = calendar.stretch(period, each.asOfMs)
      if (seen.size >= wanted) break
      if (seen.has(stretch)) continue
      seen.add(stretch)
      note(each, `${period} ${stretch} (${seen.size} of ${wanted})`)
    }
  }
  const newestMs = Math.max(...history.map((each) => each.asOfMs))
  for (const each of history) {
    if (withinMs !== undefined && each.asOfMs >= newestMs - withinMs) {
      note(each, 'within the time kept before the newest')
    }
    for (const tag of each.tags.filter((own) => tags.includes(own))) note(each, `tag ${tag}`)
  }
}

/** Newest first; of the same state the one that was taken last. */
export const newestFirst = <T extends Candidate>(history: readonly T[]): readonly T[] =>
  [...history].sort((a, b) => b.lsn - a.lsn || b.createdMs - a.createdMs || compareIds(b, a))

const compareIds = (a: Candidate, b: Candidate): number => (a.snapshotId < b.snapshotId ? -1 : 1)

/** The groups of items with the same key, in the order of their first ones. */
export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): readonly T[][] {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return [...groups.values()]
}
