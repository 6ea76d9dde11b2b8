/**
 * The longest time between two due moments of the rhythms of a plan, in real time: changes of the clock
 * count with what they add. Pure; `at` is where it begins to look.
 *
 * Cron lines are asked through `plan/cron.ts`. From a due moment `t` on, with `g` the longest pause so
 * far, the last due moment before `t + g` is the next to look at: no pause longer than `g` lies between.
 * Minutes repeat within the hour, hours within the day, days within the month: so short pauses are
 * looked for a short while and long ones for more than a year, as far as the line names hours, days and months,
 * and around each change of the clock again.
 */
import { nextDue, previousDue } from '../plan/cron.ts'
import type { Rhythm } from '../plan/plan.ts'

export interface Pause {
  readonly lengthMs: number
  /** Absent for a steady beat. */
  readonly between?: { readonly from: number; readonly to: number }
}

type CronRhythm = Extract<Rhythm, { readonly kind: 'cron' }>

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
const yearMs = 366 * dayMs

/** Pauses longer than `floorMs` are looked for over `overMs`. */
const looks = [
  { floorMs: 0, overMs: 2 * hourMs, most: 130 },
  { floorMs: hourMs, overMs: 2 * dayMs, most: 60 },
  { floorMs: dayMs, overMs: 32 * dayMs, most: 40 },
  { floorMs: 7 * dayMs, overMs: yearMs + 40 * dayMs, most: 60 },
] as const

/** The longest pause when all of the rhythms do the same work; undefined when there is none. */
export function longestPause(rhythms: readonly Rhythm[], at: number): Pause | undefined {
  const beats = rhythms.flatMap((each) => (each.kind === 'every' ? [each.everyMs] : []))
  const crons = rhythms.filter((each) => each.kind === 'cron')
  const cron = crons.length === 0 ? undefined : longestOfCrons(crons, at)
  const beat = beats.length === 0 ? undefined : { lengthMs: Math.min(...beats) }
  if (cron === undefined || beat === undefined) return beat ?? cron
  return beat.lengthMs <= cron.lengthMs ? beat : cron
}

function longestOfCrons(crons: readonly CronRhythm[], at: number): Pause | undefined {
  const next = (from: number): number | undefined =>
    least(crons.map(({ line, timezone }) => nextDue(line, timezone, from)))
  const previous = (from: number): number | undefined =>
    most(crons.map(({ line, timezone }) => previousDue(line, timezone, from)))
  const start = next(at)
  if (start === undefined) return undefined
  let longest: Pause = { lengthMs: 0 }
  const look = (from: number, until: number, floorMs: number, steps: number): void => {
    let due = from
    for (let step = 0; step < steps && due < until; step++) {
      const reach = Math.max(longest.lengthMs, floorMs)
      const last = reach === 0 ? due : (previous(due + reach) ?? due)
      if (last > due) {
        due = last
        continue
      }
      const following = next(due)
      if (following === undefined) return
      if (following - due > longest.lengthMs) {
        longest = { lengthMs: following - due, between: { from: due, to: following } }
      }
      due = following
    }
  }
  const last = Math.max(...crons.map(({ line }) => lastLook(line)))
  for (const { floorMs, overMs, most: steps } of looks.slice(0, last)) {
    look(start, start + overMs, floorMs, steps)
  }
  for (const zone of new Set(crons.map(({ timezone }) => timezone))) {
    for (const change of clockChanges(zone, at, at + yearMs)) {
      const from = previous(change - Math.min(longest.lengthMs, 2 * dayMs)) ?? start
      look(from, change + Math.min(longest.lengthMs, 2 * dayMs), longest.lengthMs, 20)
    }
  }
  return longest.lengthMs === 0 ? undefined : longest
}

/** How many of the looks a line needs: one that names no day is the same every day. */
function lastLook(line: string): number {
  if (/^@(hourly|daily|midnight)$/.test(line)) return 2
  if (line.startsWith('@')) return line === '@weekly' ? 3 : 4
  const [, hour, day, month, weekday] = line.trim().split(/\s+/)
  if (day !== '*' || month !== '*') return 4
  if (weekday !== '*') return 3
  return hour === '*' ? 1 : 2
}

const known = (values: readonly (number | undefined)[]): number[] =>
  values.flatMap((value) => (value === undefined ? [] : [value]))

function least(values: readonly (number | undefined)[]): number | undefined {
  const given = known(values)
  return given.length === 0 ? undefined : Math.min(...given)
}

function most(values: readonly (number | undefined)[]): number | undefined {
  const given = known(values)
  return given.length === 0 ? undefined : Math.max(...given)
}

/** Instants at which clocks in `timezone` are put forward or back, to the minute. */
function clockChanges(timezone: string, from: number, to: number): number[] {
  if (timezone === 'UTC') return []
  const format = new Intl.DateTimeFormat('en', { timeZone: timezone, timeZoneName: 'longOffset' })
  const offset = (at: number): string =>
    format.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? ''
  const changes: number[] = []
  const stepMs = 14 * dayMs
  for (let at = from; at < to; at += stepMs) {
    const before = offset(at)
    if (offset(at + stepMs) === before) continue
    let low = at
    let high = at + stepMs
    while (high - low > minuteMs) {
      const middle = (low + high) / 2
      if (offset(middle) === before) low = middle
      else high = middle
    }
    changes.push(high)
  }
  return changes
}

/** The shortest of the next pauses of a cron line. */
export function shortestPause({ line, timezone }: CronRhythm, at: number): number | undefined {
  let due = nextDue(line, timezone, at)
  let shortest: number | undefined
  for (let count = 0; count < 10 && due !== undefined; count++) {
    const following = nextDue(line, timezone, due)
    if (following === undefined) break
    shortest = Math.min(shortest ?? Number.POSITIVE_INFINITY, following - due)
    due = following
  }
  return shortest
}
