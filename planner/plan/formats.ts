/**
 * The `format`s of the schemas: texts with a meaning that a pattern cannot express. One reader each,
 * used to accept or refuse the text; the resolver reads the same text again for its value.
 */
import {
  isOperatingError,
  type Moment,
  nameProblem,
  parseMoment,
  reservedNames,
} from '../../engine/index.ts'
import { readCron } from './cron.ts'
import { readDate, readInstant } from './instant.ts'
import { planLimits } from './limits.ts'
import {
  readEndpoint,
  readLocation,
  readPath,
  readServiceAddress,
  readWebAddress,
} from './location.ts'
import { problem, type Reading, value } from './reading.ts'
import { readDuration, readFrequency, readRate } from './units.ts'
import { isZone, readZone } from './zone.ts'

export type FormatReader = (text: string) => Reading<unknown>

const hasVariables = (text: string): boolean => text.includes('${')

function readPositiveDuration(text: string): Reading<number> {
  const duration = readDuration(text)
  return duration.value === 0
    ? problem('is no time at all', 'Write a duration above zero.')
    : duration
}

/** From the start of something: zero is the start. */
const readOffset: FormatReader = (text) =>
  text === '0' ? problem('has no unit', 'Write 0m.') : readDuration(text)

const day = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)'
const time = '(?:[01][0-9]|2[0-3]):[0-5][0-9]'
const hoursPattern = new RegExp(
  `^(?:24x7|(?:${day}(?:-${day})? ${time}-(?:${time}|24:00)(?:, ?(?!$)|$))+)$`,
)

const readHours: FormatReader = (text) =>
  text.length <= 200 && hoursPattern.test(text)
    ? value(text)
    : problem('are no hours', 'Write 24x7, or days and times: "Mon-Fri 08:00-18:00".')

function readMoment(text: string): Reading<Moment> {
  try {
    return value(parseMoment(text))
  } catch (error) {
    if (!isOperatingError(error, 'usage')) throw error
    return problem('is no moment', error.hint)
  }
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

/** Formats that are quicker to accept than to explain. */
const quickFormats: Readonly<Record<string, (text: string) => boolean>> = {
  timezone: isZone,
}

/** Settings by their format, once their variables are filled in. */
export const settingReaders: Readonly<Record<string, FormatReader>> = {
  path: readPath,
  location: (text) => readLocation(text, '/'),
  endpoint: readEndpoint,
  'web-address': readWebAddress,
  'service-address': readServiceAddress,
}

export const formats: Readonly<Record<string, FormatReader>> = {
  duration: readPositiveDuration,
  offset: readOffset,
  frequency: readFrequency,
  hours: readHours,
  timeout: readTimeout,
  rate: readRate,
  cron: readCron,
  timezone: readZone,
  'date-or-instant': readDate,
  instant: readInstant,
  secret: readSecret,
  path: unlessTemplate(readPath),
  'web-address': unlessTemplate(readWebAddress),
  'service-address': unlessTemplate(readServiceAddress),
  'moment-template': unlessTemplate(readMoment),
  endpoint: unlessTemplate(readEndpoint),
  location: unlessTemplate((text) => readLocation(text, '/')),
  'collection-name': readCollectionName,
  'collection-template': unlessTemplate(readCollectionName),
  'snapshot-template': unlessTemplate(readSnapshotId),
}

/** Whether a text has a format: what the schemas are validated with. */
export const acceptedBy: Readonly<Record<string, (text: string) => boolean>> = Object.fromEntries(
  Object.entries(formats).map(([name, reader]) => [
    name,
    quickFormats[name] ?? ((text: string) => reader(text).problem === undefined),
  ]),
)
