/** Plans as damage, haste and malice leave them. */
import { readFileSync } from 'node:fs'
import { planCorpus } from './plan-corpus.ts'
import { validPlan } from './plan-text.ts'
import { referenceFile } from './reference-plan.ts'
import type { SeededRandom } from './seeded-random.ts'

const words: readonly string[] = [
  '{',
  '}',
  '[',
  ']',
  '- ',
  ': ',
  ', ',
  '? ',
  '&a ',
  '*a',
  '!t ',
  '|\n',
  '>\n',
  '"',
  "'",
  '#',
  '%',
  '@',
  '---\n',
  '...\n',
  '\t',
  '\n',
  '\r\n',
  '\0',
  '\ufeff',
  '\u2028',
  '\ud83d\ude00',
  '<<: ',
  'null',
  '~',
  'true',
  'yes',
  '.nan',
  '-.inf',
  '0o7',
  '1e999',
  '-1',
  '0',
  '9007199254740993',
  '15m',
  '1h30m',
  '0s',
  '@daily',
  '* * * * *',
  '${',
  '${env.X}',
  '${date}',
  '${steps.backup.snapshot}',
  '${steps.a.b}',
  '$${',
  '__proto__',
  'constructor',
  'toString',
  'parallel: ',
  'backup: ',
  'check: ',
  'latest',
  'equal',
  '..',
  '../../etc',
  's3://a@b',
  'file:///',
  'file:///%',
  's3://a/%ff',
  'rsync://a/%',
  'https://a/%ff',
]

type Mutation = (text: string, random: SeededRandom) => string

const at = (text: string, random: SeededRandom): number => random.integer(text.length + 1)

const cut = (text: string, random: SeededRandom): [number, number] => {
  const from = at(text, random)
  return [from, Math.min(text.length, from + random.integer(40))]
}

const swapLines: Mutation = (text, random) => {
  const lines = text.split('\n')
  const [one, other] = [random.integer(lines.length), random.integer(lines.length)]
  const first = lines[one] ?? ''
  lines[one] = lines[other] ?? ''
  lines[other] = first
  return lines.join('\n')
}

const mutations: readonly Mutation[] = [
  (text, random) => {
    const place = at(text, random)
    return text.slice(0, place) + random.pick(words) + text.slice(place)
  },
  (text, random) => {
    const [from, to] = cut(text, random)
    return text.slice(0, from) + text.slice(to)
  },
  (text, random) => {
    const [from, to] = cut(text, random)
    return text.slice(0, to) + text.slice(from, to) + text.slice(to)
  },
  swapLines,
  // a value or a key becomes something else
  (text, random) => {
    const tokens = [...text.matchAll(/[\w${}.@/-]+/g)]
    if (tokens.length === 0) return text
    const token = random.pick(tokens)
    const place = token.index
    return text.slice(0, place) + random.pick(words) + text.slice(place + token[0].length)
  },
  // a key or name becomes another one of the plan
  (text, random) => {
    const tokens = [...text.matchAll(/[A-Za-z][\w-]*/g)]
    if (tokens.length === 0) return text
    const token = random.pick(tokens)
    const other = random.pick(tokens)
    return text.slice(0, token.index) + other[0] + text.slice(token.index + token[0].length)
  },
]

const durations = ['1s', '59s', '15m', '36h', '7d', '52w', '3650d', '1h30m', '0m']

const replaceOne =
  (pattern: RegExp, by: (random: SeededRandom, found: string) => string): Mutation =>
  (text, random) => {
    const found = [...text.matchAll(pattern)]
    if (found.length === 0) return text
    const { 0: word, index } = random.pick(found)
    return text.slice(0, index) + by(random, word) + text.slice(index + word.length)
  }

/** What people do to a plan: many of these leave a valid one, which then is checked and explained. */
const edits: readonly Mutation[] = [
  replaceOne(/(?<=[ "])(\d+[smhdw])+\b/g, (random) => random.pick(durations)),
  replaceOne(/(?<=: )\d+(\.\d+)?\b/g, (random) => random.pick(['0', '1', '2', '0.5', '99', '1e6'])),
  replaceOne(/(?<=")[\d*/,-]+( [\d*/,-]+){4}(?=")/g, (random) =>
    random.pick([
      '* * * * *',
      '0 0 29 2 *',
      '30 2 * 3 0',
      '*/7 * * * *',
      '59 23 31 12 *',
      '0 0 1 1 1',
    ]),
  ),
  replaceOne(/\b(true|false)\b/g, (_, word) => (word === 'true' ? 'false' : 'true')),
  replaceOne(/\n[^\n]*(?=\n)/g, () => ''),
  replaceOne(/(?<=: )[A-Z][a-z]+\/[A-Z][a-z]+/g, (random) =>
    random.pick(['UTC', 'America/St_Johns', 'Pacific/Apia', 'Australia/Lord_Howe']),
  ),
  // one name becomes another one everywhere
  (text, random) => {
    const names = [...text.matchAll(/^ {2}([A-Za-z][\w-]*):/gm)].map(([, name = '']) => name)
    if (names.length === 0) return text
    const name = random.pick(names)
    return text.replaceAll(
      new RegExp(`\\b${name}\\b`, 'g'),
      random.pick(['x', 'nightly-2', 'toString', 'A1']),
    )
  },
]

const reference = readFileSync(referenceFile, 'utf8')

/** A plan, valid or of the corpus, in which a few things are changed. */
export const mutatePlan = (random: SeededRandom): Buffer => {
  const small = planCorpus.filter(({ bytes }) => bytes.length < 4_096)
  const whole = random.chance(0.1) ? reference : validPlan
  const start = random.chance(0.9) ? whole : random.pick(small).bytes.toString()
  let text = start
  const gentle = random.chance(0.2)
  for (let times = random.integer(4); times >= 0; times--)
    text = random.pick(gentle ? edits : mutations)(text, random)
  const bytes = Buffer.from(text)
  if (!gentle && random.chance(0.1) && bytes.length > 0) {
    const place = random.integer(bytes.length)
    bytes[place] = (bytes[place] ?? 0) ^ (1 << random.integer(8))
  }
  return bytes
}
