import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { describe, expect, it } from 'vitest'
import { exitCodes } from '../../engine/index.ts'
import { formatPlanErrors } from '../../planner/plan/plan-error.ts'
import type { PlanError } from '../../planner/plan/problem.ts'
import { tellCount } from '../support/counts.ts'
import { type CommandResult, dr } from '../support/dr-command.ts'
import { planCorpus } from '../support/plan-corpus.ts'
import { validPlan } from '../support/plan-text.ts'
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

const mutate = (random: SeededRandom): Buffer => {
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

/** What a command line may end with: everything in the catalogue but a bug. */
const endings = new Set<number>(Object.values(exitCodes).filter((code) => code !== exitCodes.bug))

/** A command of the command line, in this process, and that it ended as commands may. */
async function command(argv: readonly string[], where: string): Promise<CommandResult> {
  const startedMs = processorMs()
  const result = await dr(argv, { env: { ...referenceEnvironment, X: 'x' } })
  const tookMs = processorMs() - startedMs
  const what = `${argv[0]}, ${where}\n${result.stderr}`
  expect(tookMs, what).toBeLessThan(2_000)
  expect(endings, `exit ${result.exitCode}: ${what}`).toContain(result.exitCode)
  // no control character but the line break may reach a terminal
  expect(result.stderr, what).not.toMatch(/[^\P{Cc}\n]/u)
  expect(result.stdout, what).not.toMatch(/[^\P{Cc}\n]/u)
  return result
}

/** The errors of a plan, each complete. */
function checkErrors({ objects }: CommandResult, where: string): void {
  const { error } = objects().at(-1) as { error: { code: string; details: PlanError[] } }
  expect(['plan-invalid', 'plan-too-large'], where).toContain(error.code)
  expect(error.details.length, where).toBeGreaterThan(0)
  for (const { message, line, caret } of error.details) {
    expect(message, where).not.toContain('the YAML parser gave up')
    expect(line, where).toBeGreaterThan(0)
    expect(caret, where).toBeGreaterThan(0)
    expect(message, where).not.toContain('undefined')
  }
  expect(formatPlanErrors(error.details), where).not.toMatch(/[^\P{Cc}\n]/u)
}

describe('mutated plans', () => {
  const directory = suiteDirectory()

  it(`case 90: ${plans} of them never crash or hang the command line (FUZZ_SEED=${seed})`, async () => {
    const random = seededRandom(seed)
    const file = path.join(directory.path, 'plan.yaml')
    // the first plan of a process also starts the parser's thread, compiles the schema and loads the commands
    await writeFile(file, validPlan)
    for (const name of ['validate', 'check', 'explain', 'runbook']) await dr([name, file])
    let valid = 0
    for (let index = 0; index < plans; index++) {
      const bytes = mutate(random)
      await writeFile(file, bytes)
      const where = `FUZZ_SEED=${seed}, plan ${index}:\n${bytes.toString()}`
      const validated = await command(['validate', file, '--json'], where)
      if (validated.exitCode !== exitCodes.done) {
        expect(validated.exitCode, where).toBe(exitCodes.planInvalid)
        checkErrors(validated, where)
        continue
      }
      valid++
      const checked = await command(['check', file], where)
      expect([exitCodes.done, exitCodes.objectiveMissed], where).toContain(checked.exitCode)
      const explained = await command(['explain', file], where)
      expect(explained.exitCode, `${where}\n${explained.stderr}`).toBe(exitCodes.done)
      const page = await command(['runbook', file], where)
      expect(page.exitCode, `${where}\n${page.stderr}`).toBe(exitCodes.done)
    }
    tellCount({ kind: 'mutated plan', what: 'validate', count: plans, seed })
    tellCount({
      kind: 'mutated plan',
      what: 'check, explain and runbook of valid ones',
      count: valid,
      seed,
    })
    // mutations that change nothing of importance show that the others are refused for a reason
    expect(valid).toBeGreaterThan(0)
    expect(valid).toBeLessThan(plans / 2)
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
  })
})
