import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { formatPlanErrors } from '../../planner/plan/plan-error.ts'
import { planCorpus } from '../support/plan-corpus.ts'
import { checkText, validPlan } from '../support/plan-text.ts'
import { processorMs } from '../support/processor-time.ts'
import { referenceEnvironment, referenceFile } from '../support/reference-plan.ts'
import { type SeededRandom, seededRandom } from '../support/seeded-random.ts'
import { suiteDirectory } from '../support/temporary-directory.ts'

const plans = Number(process.env['FUZZ_PLANS'] ?? 500)
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)

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

const reference = readFileSync(referenceFile, 'utf8')

const mutate = (random: SeededRandom): Buffer => {
  const small = planCorpus.filter(({ bytes }) => bytes.length < 4_096)
  const whole = random.chance(0.1) ? reference : validPlan
  const start = random.chance(0.9) ? whole : random.pick(small).bytes.toString()
  let text = start
  for (let times = random.integer(4); times >= 0; times--)
    text = random.pick(mutations)(text, random)
  const bytes = Buffer.from(text)
  if (random.chance(0.1) && bytes.length > 0) {
    const place = random.integer(bytes.length)
    bytes[place] = (bytes[place] ?? 0) ^ (1 << random.integer(8))
  }
  return bytes
}

describe('mutated plans', () => {
  const directory = suiteDirectory()

  it(`case 90: ${plans} of them never crash or hang the reader (FUZZ_SEED=${seed})`, async () => {
    const random = seededRandom(seed)
    // the first plan of a process also starts the parser's thread and compiles the schema
    expect((await checkText(directory.path, validPlan)).kind).toBe('valid')
    let valid = 0
    for (let index = 0; index < plans; index++) {
      const bytes = mutate(random)
      const env = { ...referenceEnvironment, X: 'x' }
      const startedMs = processorMs()
      const check = await checkText(directory.path, bytes, env)
      const tookMs = processorMs() - startedMs
      const where = `FUZZ_SEED=${seed}, plan ${index}:\n${bytes.toString()}`
      expect(tookMs, where).toBeLessThan(2_000)
      if (check.kind === 'valid') {
        valid++
        continue
      }
      expect(check.errors.length, where).toBeGreaterThan(0)
      for (const error of check.errors) {
        expect(error.message, where).not.toContain('the YAML parser gave up')
        expect(error.line, where).toBeGreaterThan(0)
        expect(error.caret, where).toBeGreaterThan(0)
        expect(error.message, where).not.toContain('undefined')
      }
      // no control character but the line break may reach a terminal
      expect(formatPlanErrors(check.errors), where).not.toMatch(/[^\P{Cc}\n]/u)
    }
    // mutations that change nothing of importance show that the others are refused for a reason
    expect(valid).toBeGreaterThan(0)
    expect(valid).toBeLessThan(plans / 2)
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
  })
})
