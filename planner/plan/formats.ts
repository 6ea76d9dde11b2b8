/**
 * The `format`s of the schemas: texts with a meaning that a pattern cannot express. One reader each,
 * used to accept or refuse the text; the resolver reads the same text again for its value.
 */
import { nameProblem } from '../../engine/index.ts'
import { readCron } from './cron.ts'
import { readDate } from './instant.ts'
import { planLimits } from './limits.ts'
import { readLocation, readPath } from './location.ts'
import { problem, type Reading, value } from './reading.ts'
import { readDuration } from './units.ts'
import { readZone } from './zone.ts'

export type FormatReader = (text: string) => Reading<unknown>

const hasVariables = (text: string): boolean => text.includes('${')

function readPositiveDuration(text: string): Reading<number> {
  const duration = readDuration(text)
  return duration.value === 0 ? problem('is no time at all', 'Write a duration above zero.') : duration
}

function readTimeout(text: string): Reading<number> {
  const duration = readPositiveDuration(text)
  if (duration.problem === undefined && duration.value > planLimits.timeoutMs) {
    return problem('is longer than 7d', 'Write a duration of at most 7d.')
  }
  return duration
}

const readName =
  (what: 'collection name' | 'snapshot id'): FormatReader =>
  (text) => {
    const reason = nameProblem(text, what)
    if (reason === undefined) return value(text)
    return problem(
      `is not a ${what}: it ${reason}`,
      'Use 1 to 128 letters, digits, "_", "-" and single dots.',
    )
  }

/** With variables the name is known, and checked, when the step runs. */
const unlessTemplate =
  (reader: FormatReader): FormatReader =>
  (text) =>
    hasVariables(text) ? value(text) : reader(text)

export const formats: Readonly<Record<string, FormatReader>> = {
  duration: readPositiveDuration,
  timeout: readTimeout,
  cron: readCron,
  timezone: readZone,
  'date-or-instant': readDate,
  path: unlessTemplate(readPath),
  location: unlessTemplate((text) => readLocation(text, '/')),
  'collection-name': readName('collection name'),
  'collection-template': unlessTemplate(readName('collection name')),
  'snapshot-template': unlessTemplate(readName('snapshot id')),
}
