/**
 * Hostile and broken plan files: what was measured to hang, exhaust or kill a YAML parser, and what
 * people get wrong. Each says what has to be told about it.
 */
import { planLimits } from '../../planner/plan/limits.ts'
import { validPlan } from './plan-text.ts'

export interface CorpusCase {
  readonly name: string
  readonly bytes: Buffer
  readonly code: 'plan-invalid' | 'plan-too-large'
  /** Part of the message of one of the errors, and where that stands. */
  readonly message: string
  readonly line?: number
  readonly column?: number
}

const kib = planLimits.fileBytes / 1024
const size = planLimits.fileBytes

const fill = (piece: string): string => piece.repeat(Math.floor(size / piece.length))

const lines = (make: (index: number) => string, bytes: number = size): string => {
  let text = ''
  for (let index = 0; text.length < bytes - 64; index++) text += make(index)
  return text
}

const bomb = (levels: number): string => {
  const levelLine = (level: number): string =>
    `l${level}: &l${level} [${Array(9)
      .fill(`*l${level - 1}`)
      .join(', ')}]\n`
  const levelsAbove = Array.from({ length: levels - 1 }, (_, index) => levelLine(index + 1))
  return `l0: &l0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n${levelsAbove.join('')}`
}

const mergeChain = (length: number): string =>
  `a0: &a0 { k: 1 }\n${Array.from({ length }, (_, i) => `a${i + 1}: &a${i + 1}\n  <<: *a${i}\n`).join('')}`

/** The valid plan with `text` put where the line that starts with `line` is. */
const instead = (line: string, text: string): string =>
  validPlan
    .split('\n')
    .map((each) => (each.startsWith(line) ? text : each))
    .join('\n')

const tooLarge = (name: string, text: string, message: string): CorpusCase => ({
  name,
  bytes: Buffer.from(text),
  code: 'plan-too-large',
  message,
})

const invalid = (
  name: string,
  text: string | Buffer,
  message: string,
  line?: number,
  column?: number,
): CorpusCase => ({
  name,
  bytes: Buffer.from(text),
  code: 'plan-invalid',
  message,
  ...(line !== undefined && { line }),
  ...(column !== undefined && { column }),
})

const steps = (count: number): string =>
  `schedules:\n  s:\n    steps:\n${'      - {}\n'.repeat(count)}`

export const planCorpus: readonly CorpusCase[] = [
  tooLarge('alias bomb', bomb(9), 'more than 80000 values'),
  tooLarge('many aliases', `a: &a x\nb: [${'*a, '.repeat(200)}]\n`, 'more than 100 aliases'),
  invalid('64 KiB of keys', lines((i) => `k${i}: 1\n`).slice(0, 65_544), 'unknown key "k1"', 2, 1),
  tooLarge(
    `${kib} KiB of keys`,
    lines((i) => `k${i}: 1\n`),
    'more than 25000 keys',
  ),
  tooLarge(
    `${kib} KiB of anchors`,
    lines((i) => `- &a${i} x\n`),
    'more than 100 anchors',
  ),
  tooLarge('1,000 brackets', '['.repeat(1_000), 'nested deeper than 50'),
  tooLarge('5,000 brackets', '['.repeat(5_000), 'nested deeper than 50'),
  tooLarge(`${kib} KiB of brackets`, fill('['), 'nested deeper than 50'),
  tooLarge(`${kib} KiB of braces`, fill('{a: '), 'nested deeper than 50'),
  tooLarge('brackets with comments that close them', fill('[ # ]\n'), 'nested deeper than 50'),
  tooLarge('brackets with texts that close them', fill('[ "]",\n'), 'nested deeper than 50'),
  tooLarge(`${kib} KiB of list dashes`, fill('- '), 'nested deeper than 50'),
  tooLarge(`${kib} KiB of question marks`, fill('? '), 'nested deeper than 50'),
  tooLarge(
    'deep indentation',
    Array.from({ length: 600 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
    'nested deeper than 50',
  ),
  tooLarge(`${kib} KiB of list items`, fill('- a\n'), 'words and signs'),
  tooLarge(`${kib} KiB of closing brackets`, fill(']'), 'words and signs'),
  invalid(`${kib} KiB of directives`, fill('%\n'), 'no YAML directives', 1, 1),
  tooLarge(`${kib} KiB of empty lines`, fill('\n'), 'words and signs'),
  invalid(`${kib} KiB of quotes`, fill('"'), 'one quoted text follows another', 1, 3),
  tooLarge(`${kib} KiB of commas`, `[${fill(',')}`.slice(0, size), 'words and signs'),
  tooLarge(
    `${kib} KiB of bad escapes`,
    `a: "${fill('\\z')}`.slice(0, size - 1),
    'a text of more than',
  ),
  tooLarge(
    `${kib} KiB of one quoted text`,
    `a: "${fill('a\n ')}`.slice(0, size - 1),
    'a text of more',
  ),
  tooLarge('16 KiB of commas in lines', `[${fill(`${','.repeat(1_000)}\n`)}`.slice(0, size), ''),
  tooLarge('more steps than anybody follows', steps(5_000), 'more than 4000 steps'),
  invalid('3,000 steps of no kind', steps(3_000), 'a step needs a kind', 4, 9),
  invalid(
    'names of nothing',
    `collections:\n${lines((i) => `  d${i}: { target: t${i}${'x'.repeat(50)} }\n`)}`,
    'there is no target "t0x',
    2,
    17,
  ),
  tooLarge(
    'more schedules than anybody follows',
    `schedules:\n${lines((i) => `  s${i}: { timezone: Europe/Zurick${i} }\n`, size / 2)}`,
    'more than 1000 schedules',
  ),
  invalid('an alias to nothing', 'name: *x\n', 'there is no anchor "&x"', 1, 7),
  invalid('an alias that holds itself', 'name: &a [*a]\n', 'holds itself', 1, 11),
  invalid('a merge key', instead('name:', 'name: &n x\n<<: *n'), 'merge keys', 3, 1),
  invalid('a chain of 90 merge keys', mergeChain(90), 'merge keys', 3, 3),
  invalid('a custom tag', instead('name:', 'name: !js/function x'), 'the tag !js/function', 2, 7),
  invalid('a standard tag', instead('name:', 'name: !!str x'), 'the tag !!str', 2, 7),
  invalid('a binary tag', instead('name:', 'name: !!binary aGk='), 'the tag !!binary', 2, 7),
  invalid('NaN', instead('reviewedAt:', 'reviewedAt: .nan'), '.nan is not a number', 4, 13),
  invalid('infinity', instead('reviewedAt:', 'reviewedAt: -.inf'), '-.inf is not a number', 4, 13),
  invalid(
    'a YAML 1.1 octal number',
    instead('version:', 'version: 01'),
    '01 means different',
    1,
    10,
  ),
  invalid('a YAML 1.2 octal number', instead('version:', 'version: 0o1'), '0o1 means', 1, 10),
  invalid('a hexadecimal number', instead('version:', 'version: 0x1'), '0x1 means', 1, 10),
  invalid(
    'a number with too many digits',
    instead('version:', `version: ${'9'.repeat(40)}`),
    'too large',
  ),
  invalid(
    'a tab as indentation',
    instead('  local:', '\tlocal: { url: ./backups }'),
    'a tab stands',
  ),
  invalid(
    'invalid UTF-8',
    Buffer.from([0x61, 0x3a, 0x20, 0xff, 0xfe, 0x0a]),
    'not valid UTF-8',
    1,
    4,
  ),
  invalid('a cut UTF-8 sequence', Buffer.from([0x61, 0x3a, 0x0a, 0x62, 0xe2, 0x82]), 'UTF-8', 2, 2),
  invalid('UTF-16', Buffer.from(`\ufeff${validPlan}`, 'utf16le'), 'UTF-16', 1, 1),
  invalid('NUL', instead('name:', 'name: a\0b'), 'control character NUL', 2, 8),
  invalid('an escape sequence', instead('name:', 'name: \u001b[31mred'), 'U+001B', 2, 7),
  invalid('a carriage return alone', 'version: 1 # x\rname: y\n', 'U+000D', 1, 15),
  invalid('two documents', `${validPlan}---\nname: other\n`, 'a plan is one document'),
  invalid('a directive', `%YAML 1.1\n---\n${validPlan}`, 'no YAML directives', 1, 1),
  invalid(
    'duplicate keys',
    instead('name:', 'name: a\nname: b'),
    'the key "name" stands here twice',
    3,
    1,
  ),
  invalid('duplicate keys, one quoted', instead('name:', 'name: a\n"name": b'), 'twice', 3, 1),
  invalid('a list as a key', instead('name:', '? [a]\n: b'), 'a key must be text'),
  invalid('an escaped NUL', instead('owner:', 'owner: "a\\0b"'), 'a NUL character', 3, 8),
  invalid('half a character', instead('owner:', 'owner: "\\ud800"'), 'lone surrogate', 3, 8),
  invalid('nothing', '', 'there is no value', 1, 1),
  invalid('a comment only', '# hello\n', 'there is no value'),
  invalid('a text only', 'hello\n', '"hello" is not a plan', 1, 1),
  invalid('a list only', '- a\n', 'a list is not a plan', 1, 1),
  invalid('JSON that is cut', '{"version": 1, "name": "x"', '', 1),
  invalid('a wrong type', instead('owner:', 'owner: [me]'), 'a list is not text', 3, 8),
  invalid(
    'an unknown field',
    instead('owner:', 'owner: me\nonwer: me'),
    'unknown key "onwer"',
    4,
    1,
  ),
]
