/** Options and arguments that several commands share, and how their text becomes values. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { fail } from '../base/errors.ts'
import { defaults, limits } from '../base/limits.ts'
import { durabilityModes, indexKinds, metrics } from '../format/config.ts'
import type { PointId } from '../format/point.ts'
import { showBytes } from './quantity.ts'

export interface ConfigOptions {
  readonly dimension?: number
  readonly metric?: string
  readonly index?: string
  readonly m?: number
  readonly efConstruction?: number
  readonly ef?: number
  readonly lists?: number
  readonly nprobe?: number
  readonly durability?: string
  readonly syncInterval?: number
}

/** The settings that were given, by their names in a config. */
export const toConfigInput = ({ syncInterval, ...rest }: ConfigOptions) => ({
  metric: rest.metric,
  index: rest.index,
  m: rest.m,
  efConstruction: rest.efConstruction,
  ef: rest.ef,
  lists: rest.lists,
  nprobe: rest.nprobe,
  durability: rest.durability,
  intervalMs: syncInterval,
})

/** How a collection is indexed. No defaults here: what was said is known from what was not. */
export function addIndexOptions(command: Command, kind = 'hnsw'): Command {
  const text = `hnsw: a graph; ivf: lists of k-means; flat: exact, no index (default: ${kind})`
  const help = (what: string, value: number) => `${what} (default: ${value})`
  return command
    .addOption(new Option('--index <kind>', text).choices(indexKinds))
    .option('--m <n>', help('hnsw: links of an element', defaults.m), integer(2, limits.hnswM))
    .option(
      '--ef-construction <n>',
      help('hnsw: beam while building', defaults.efConstruction),
      integer(1, limits.hnswEfConstruction),
    )
    .option('--ef <n>', help('hnsw: beam of a search', defaults.ef), integer(1, limits.searchEf))
    .option(
      '--lists <n>',
      help('ivf: lists of a segment, fewer where it is small', defaults.lists),
      integer(1, limits.ivfLists),
    )
    .option(
      '--nprobe <n>',
      help('ivf: lists that a search looks into', defaults.nprobe),
      integer(1, limits.ivfLists),
    )
}

/** What a new collection is made with. */
export const addConfigOptions = (command: Command): Command =>
  addIndexOptions(
    command.addOption(
      new Option('--metric <metric>', 'how distance is measured (default: cosine)').choices(
        metrics,
      ),
    ),
  )
    .addOption(
      new Option(
        '--durability <mode>',
        'always: a write is on the disk before it is acknowledged; interval: soon after (default: always)',
      ).choices(durabilityModes),
    )
    .option(
      '--sync-interval <ms>',
      `interval: milliseconds of acknowledged writes that a power cut may take (default: ${defaults.durabilityIntervalMs})`,
      integer(1, limits.durabilityIntervalMs),
    )

const repeatable = new WeakSet<Option>()

/** An option that may be given several times, once with each value. */
export function listOption(flags: string, description: string): Option {
  const option = new Option(flags, description).argParser<string[]>((value, previous) => [
    ...(previous ?? []),
    value,
  ])
  repeatable.add(option)
  return option
}

const required = new WeakSet<Option>()

/**
 * An option that must be given. The parser's own kind of required option is asked for before unknown
 * options are looked at, and would hide `--dimensoin` behind a missing `--dimension`.
 */
export function requireOption(option: Option): Option {
  required.add(option)
  return option
}

/** Refuses a command that lacks a required option. Asked when everything else has been parsed. */
export function refuseMissing(program: Command): void {
  program.hook('preAction', (_, command) => {
    const missing = command.options.find(
      (option) =>
        required.has(option) && command.getOptionValue(option.attributeName()) === undefined,
    )
    if (missing === undefined) return
    const names: string[] = []
    for (let each: Command | null = command; each !== null; each = each.parent) {
      if (!each.name().startsWith(':')) names.unshift(each.name())
    }
    fail(
      'usage',
      `required option '${missing.flags}' not specified`,
      `See ${names.join(' ')} --help.`,
    )
  })
}

/**
 * A value given twice is a mistake that must not pick one of them silently, and `--destination --wait`
 * one that must not take a flag for a URL.
 */
export function refuseMistakes(command: Command): void {
  for (const option of command.options) {
    if (option.isBoolean() || option.negate) continue
    let seen = false
    command.on(`option:${option.name()}`, (value: string) => {
      const flag = option.long ?? option.short ?? option.flags
      if (seen && !repeatable.has(option)) {
        fail('usage', `the option ${flag} is given twice`, 'Give it once.')
      }
      if (value.startsWith('--')) {
        fail('usage', `the option ${flag} has no value: ${value} follows`, `Write ${flag} VALUE.`)
      }
      seen = true
    })
  }
  for (const child of command.commands) refuseMistakes(child)
}

/** A parser of decimal integers from `min` to `max`; `1e3`, `+5` and ` 5` are refused. */
export const integer =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text)
    if (/^[0-9]+$/.test(text) && value >= min && value <= max) return value
    throw new InvalidArgumentError(`Give an integer from ${min} to ${max}.`)
  }

/** JSON on the command line. `what` names the option in messages. */
export function parseJson(text: string, what: string, hint: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return fail('usage', `${what} is not JSON: ${text.slice(0, 80)}`, hint)
  }
}

/** A program and its arguments as a JSON list. @throws `usage` */
export function parseWords(
  text: string,
  flag: string,
  example: readonly string[],
): readonly [string, ...string[]] {
  const shown = `[${example.map((word) => JSON.stringify(word)).join(', ')}]`
  const hint = `Write the program and its arguments as JSON: ${flag} '${shown}'.`
  const words = parseJson(text, flag, hint)
  const isList = Array.isArray(words) && words.every((word) => typeof word === 'string')
  const [program, ...args] = isList ? words : []
  return program === undefined
    ? fail('usage', `${flag} is no list of words`, hint)
    : [program, ...args]
}

/** A vector as JSON: `[0.1, 0.2]`. Its values are checked by the collection. */
export function parseVector(text: string): number[] {
  const hint = "Write the vector as JSON in quotes: --vector '[0.1, 0.2]'."
  const value = parseJson(text, '--vector', hint)
  if (!Array.isArray(value)) return fail('usage', '--vector is not a list', hint)
  return value
}

/**
 * An id on the command line: digits are an integer, JSON in quotes is text, anything else is text as
 * it stands.
 * @throws `usage` for text that looks like one thing and would be another
 */
export function parseId(text: string): PointId {
  if (/^[0-9]+$/.test(text)) {
    const value = Number(text)
    if (Number.isSafeInteger(value) && String(value) === text) return value
    return fail(
      'usage',
      `the id ${text} is no integer below 2^53 in its shortest form`,
      `If it is text, quote it as JSON: '"${text}"'.`,
    )
  }
  if (!text.startsWith('"')) return text
  const value = parseJson(text, `the id ${text}`, `Quote it as JSON: '"42"'.`)
  return typeof value === 'string' ? value : fail('usage', `the id ${text} is not text`, '')
}

/** An id as {@link parseId} reads it back. */
export const showId = (id: PointId): string =>
  typeof id === 'string' && /^[0-9"]/.test(id) ? JSON.stringify(id) : String(id)

/** A parser of a share such as `5%` or `0.5%`; a number above 0, up to 1. */
export function percent(text: string): number {
  const value = Number(text.slice(0, -1))
  if (/^[0-9]+(\.[0-9]+)?%$/.test(text) && value > 0 && value <= 100) return value / 100
  throw new InvalidArgumentError('Give a share such as 5%, above 0% and up to 100%.')
}

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A parser of durations such as `5s`, `1m30s`, `500ms`, from `minMs` to `maxMs`; in milliseconds. */
export const duration =
  (minMs: number, maxMs: number) =>
  (text: string): number => {
    const match = /^(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?(?:([0-9]+)ms)?$/.exec(
      text,
    )
    const [, d = 0, h = 0, m = 0, s = 0, ms = 0] = (match ?? []).map((each) => Number(each ?? 0))
    const value = d * unitMs.d + h * unitMs.h + m * unitMs.m + s * unitMs.s + ms
    if (text !== '' && match !== null && value >= minMs && value <= maxMs) return value
    throw new InvalidArgumentError('Give a duration such as 5s, 1m30s or 500ms.')
  }

const unitBytes = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
}

const bytesOf = (text: string, pattern: RegExp): number => {
  const [, count = '', unit = ''] = pattern.exec(text) ?? []
  return Number(count) * (Object.entries(unitBytes).find(([name]) => name === unit)?.[1] ?? 0)
}

/** A parser of sizes such as `64MiB`, from `minBytes` to `maxBytes`; in bytes. */
export const size =
  (minBytes: number, maxBytes: number) =>
  (text: string): number => {
    const value = bytesOf(text, /^([0-9]+)([A-Za-z]+)$/)
    if (value >= minBytes && value <= maxBytes) return value
    const bounds = `from ${showBytes(minBytes)} to ${showBytes(maxBytes)}`
    throw new InvalidArgumentError(`Give a size such as 256MiB or 4GiB, ${bounds}.`)
  }

/** A parser of rates such as `200MiB/s`, in bytes per second. */
export function bandwidth(text: string): number {
  const value = bytesOf(text, /^([0-9]+)([A-Za-z]+)\/s$/)
  if (value > 0 && Number.isSafeInteger(value)) return value
  throw new InvalidArgumentError('Give a rate such as 200MiB/s or 500kB/s.')
}
