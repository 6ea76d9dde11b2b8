/**
 * The `format`s of the schemas: texts with a meaning that a pattern cannot express. One reader each,
 * used to accept or refuse the text; the resolver reads the same text again for its value.
 */
import { nameProblem, reservedNames } from '../../engine/index.ts'
import { readCron } from './cron.ts'
import { readDate } from './instant.ts'
import { planLimits } from './limits.ts'
import { readEndpoint, readLocation, readPath } from './location.ts'
import { problem, type Reading, value } from './reading.ts'
import { readDuration, readRate } from './units.ts'
import { readZone } from './zone.ts'

export type FormatReader = (text: string) => Reading<unknown>

const hasVariables = (text: string): boolean => text.includes('${')

function readPositiveDuration(text: string): Reading<number> {
  const duration = readDuration(text)
  return duration.value === 0
    ? problem('is no time at all', 'Write a duration above zero.')
    : duration
}

function readTimeout(text: string): Reading<number> {
  const duration = readPositiveDuration(text)
  if (duration.problem === undefined && duration.value > planLimits.timeoutMs) {
    return problem('is longer than 7d', 'Write a duration of at most 7d.')
  }
  return duration
}

const nameHint = 'Use 1 to 128 letters, digits, "_", "-" and single dots.'

function readSnapshotId(text: string): Reading<string> {
  const reason = nameProblem(text)
  return reason === undefined ? value(text) : problem(`${reason}: not a snapshot id`, nameHint)
}

function readCollectionName(text: string): Reading<string> {
  if (reservedNames.includes(text)) {
    return problem('is a subcommand of "collections backup": not a collection name', nameHint)
  }
  const reason = nameProblem(text)
  return reason === undefined ? value(text) : problem(`${reason}: not a collection name`, nameHint)
}

/** With variables the name is known, and checked, when the step runs. */
const unlessTemplate =
  (reader: FormatReader): FormatReader =>
  (text) =>
    hasVariables(text) ? value(text) : reader(text)

/** A secret stands in the environment; a plan only says where. */
const readSecret: FormatReader = (text) =>
  /^\$\{env\.[A-Za-z_]\w*\}$/.test(text)
    ? value(text)
    : problem('is no environment variable', 'Keep the key out of the plan: write "${env.NAME}".')

export const formats: Readonly<Record<string, FormatReader>> = {
  duration: readPositiveDuration,
  timeout: readTimeout,
  rate: readRate,
  cron: readCron,
  timezone: readZone,
  'date-or-instant': readDate,
  secret: readSecret,
  path: unlessTemplate(readPath),
  endpoint: unlessTemplate(readEndpoint),
  location: unlessTemplate((text) => readLocation(text, '/')),
  'collection-name': readCollectionName,
  'collection-template': unlessTemplate(readCollectionName),
  'snapshot-template': unlessTemplate(readSnapshotId),
}
