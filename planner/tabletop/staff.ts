/** People in a story: their hours, when they are away, who holds which role. */
import { minutesOfWeek, weekOf } from '../check/office-hours.ts'
import type { Plan } from '../plan/plan.ts'
import type { Scenario } from '../plan/scenario.ts'
import { Absence } from './absence.ts'
import { slotOf } from './draw.ts'
import { failingSpans, type Without } from './places.ts'
import type { WeekClocks } from './week-clocks.ts'

const minuteMs = 60_000
const never = 0xffff

/** Milliseconds of a week. */
export const weekMs = minutesOfWeek * minuteMs

/** Somebody who may be called. Asking when they are there does not allocate. */
export class Person {
  readonly key: string
  /** In words why nobody should wait for them, where that is so. */
  readonly goneBecause: string | undefined
  /** Of how long they take to answer. */
  readonly slot: number
  readonly #absence: Absence
  /** By minute of the week, how many minutes until they are on duty. */
  readonly #wait: Uint16Array

  constructor(key: string, hours: string, absence: Absence, goneBecause?: string) {
    this.key = key
    this.slot = slotOf(`answer of ${key}`)
    this.goneBecause = goneBecause
    this.#absence = absence
    this.#wait = waits(weekOf(hours))
  }

  /**
   * The first instant from `atMs` on at which they are there, both since the disaster; infinite when never.
   * @param disasterAt epoch milliseconds
   * @param clocks by which they have their hours
   */
  thereAt(atMs: number, disasterAt: number, clocks: WeekClocks): number {
    let at = atMs
    while (at < Number.POSITIVE_INFINITY) {
      const back = this.#absence.overAt(at)
      if (back === Number.POSITIVE_INFINITY) return back
      const backAt = disasterAt + back
      const minutes = Math.floor(clocks.shownAt(backAt) / minuteMs)
      const wait = this.#wait[minutes % minutesOfWeek] ?? never
      if (wait === never) return Number.POSITIVE_INFINITY
      const next =
        wait === 0 ? back : clocks.nextAt((minutes + wait) * minuteMs, backAt) - disasterAt
      if (next === at) return at
      at = next
    }
    return at
  }
}

function waits(week: Uint8Array): Uint16Array {
  const found = new Uint16Array(minutesOfWeek).fill(never)
  let wait = never
  // twice round, so that the end of the week knows its beginning
  for (let minute = 2 * minutesOfWeek - 1; minute >= 0; minute--) {
    if (week[minute % minutesOfWeek] === 1) wait = 0
    else if (wait !== never) wait++
    found[minute % minutesOfWeek] = wait
  }
  return found
}

/** Everybody in the plan. Who has no hours is taken to answer at all hours. */
export const peopleIn = (
  { people }: Plan,
  scenario: Scenario,
  without: readonly Without[],
): readonly Person[] =>
  [...people.contacts.values()].map(({ key, hours = '24x7' }) => {
    const isTaken = without.some(({ what, name }) => what === 'contact' && name === key)
    const spans = isTaken
      ? [{ fromMs: 0, toMs: Number.POSITIVE_INFINITY }]
      : failingSpans(scenario, 'contact', key)
    const isGone = spans.some(({ toMs }) => toMs === Number.POSITIVE_INFINITY)
    const because = isTaken ? 'taken away by --without' : isGone ? 'does not answer' : undefined
    return new Person(key, hours, new Absence(spans), because)
  })
