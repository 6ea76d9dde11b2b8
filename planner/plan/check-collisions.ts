/** Two schedules that are always due together: runs of one plan do not overlap, so one would be late each time. */
import { isJsonObject, type JsonValue } from '../../engine/index.ts'
import { nextDue, readCron } from './cron.ts'
import { childPointer } from './path-text.ts'
import type { ValueProblem } from './problem.ts'
import { memberOf } from './raw-steps.ts'
import { isZone } from './zone.ts'

/** The same plan is judged the same on any day: due times are compared from a day on that stays. */
const comparedFrom = Date.UTC(2026, 0, 1)
/** Lines that agree on so many due times in a row agree for ever, or as good as. */
const comparedTimes = 4

export function checkCollisions(plan: JsonValue): ValueProblem[] {
  const first = new Map<string, string>()
  const known = new Map<string, string | undefined>()
  return cronLines(plan).flatMap(({ name, line, zone, pointer }) => {
    const written = `${zone} ${line}`
    const times = known.has(written) ? known.get(written) : dueTimes(line, zone)
    known.set(written, times)
    const other = times === undefined ? undefined : first.get(times)
    if (times !== undefined && other === undefined) first.set(times, name)
    if (other === undefined) return []
    return [
      {
        rule: 'collision',
        pointer,
        atKey: false,
        message: `${name} is due whenever ${other} is, and runs of one plan do not overlap`,
        hint: 'Move one by some minutes, or put the steps of both into one.',
      },
    ]
  })
}

interface CronLine {
  readonly name: string
  readonly line: string
  readonly zone: string
  readonly pointer: string
}

function cronLines(plan: JsonValue): CronLine[] {
  const usual = memberOf(plan, 'timezone') ?? 'UTC'
  return ['schedules', 'drills'].flatMap((section) => {
    const named = memberOf(plan, section)
    return Object.entries(isJsonObject(named) ? named : {}).flatMap(([key, value]) => {
      const line = memberOf(value, 'cron')
      const zone = memberOf(value, 'timezone') ?? usual
      if (typeof line !== 'string' || typeof zone !== 'string') return []
      const name = `${section.slice(0, -1)} ${key}`
      const pointer = childPointer(childPointer(childPointer('', section), key), 'cron')
      return [{ name, line, zone, pointer }]
    })
  })
}

/** Undefined for a line or zone that is told to be wrong elsewhere. */
function dueTimes(line: string, zone: string): string | undefined {
  if (!isZone(zone) || readCron(line).problem !== undefined) return undefined
  const times: number[] = []
  let after = comparedFrom
  while (times.length < comparedTimes) {
    const due = nextDue(line, zone, after)
    if (due === undefined) break
    times.push(due)
    after = due
  }
  return times.join(' ')
}
