/** How the text of options becomes values, and mistakes that no command accepts. */
import { type Command, InvalidArgumentError } from 'commander'
import { fail } from '../../engine/index.ts'
import { readDuration } from '../plan/units.ts'

/**
 * A value given twice is a mistake that must not pick one of them silently, and `--state --json` one
 * that must not take a flag for a directory.
 */
export function refuseMistakes(command: Command): void {
  for (const option of command.options) {
    if (option.isBoolean()) continue
    const isList = option.variadic || option.long === '--answer' // one for each question
    let seen = false
    command.on(`option:${option.name()}`, (value: string) => {
      const flag = option.long ?? option.short ?? option.flags
      if (seen && !isList) fail('usage', `the option ${flag} is given twice`, 'Give it once.')
      if (value.startsWith('--')) {
        fail('usage', `the option ${flag} has no value: ${value} follows`, `Write ${flag} VALUE.`)
      }
      seen = true
    })
  }
  for (const child of command.commands) refuseMistakes(child)
}

/** `90d`, in milliseconds. */
export function durationOption(text: string): number {
  const { value, problem } = readDuration(text)
  if (problem === undefined && value !== undefined && value > 0) return value
  throw new InvalidArgumentError('Write a duration such as 90d, 12h or 1h30m.')
}

/** More rows than anybody reads. */
const mostCounted = 1_000

/** A whole number from 1 to 1,000. */
export function countOption(text: string): number {
  const count = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (count >= 1 && count <= mostCounted) return count
  throw new InvalidArgumentError(`Write a whole number from 1 to ${mostCounted}.`)
}

/** ISO 8601 with an offset, in epoch milliseconds. */
export function instantOption(text: string): number {
  const instant = Date.parse(text)
  if (/(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(instant)) return instant
  throw new InvalidArgumentError(
    'Write an instant with its offset, such as 2026-11-01T00:00:00Z or 2026-11-01T00:00+01:00.',
  )
}
