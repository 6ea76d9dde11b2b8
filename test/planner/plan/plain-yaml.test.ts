import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Parser } from 'yaml'
import { composeYaml, parseYaml } from '../../../planner/plan/parse-yaml.ts'
import { readPlainYaml } from '../../../planner/plan/plain-yaml.ts'
import { largePlan } from '../../support/large-plan.ts'
import { mutatePlan } from '../../support/mutated-plan.ts'
import { planCorpus } from '../../support/plan-corpus.ts'
import { type SeededRandom, seededRandom } from '../../support/seeded-random.ts'

const isPlain = (text: string): boolean =>
  readPlainYaml([...new Parser().parse(text)]) !== undefined

const plainTexts = [
  'a: 1\n',
  '---\na: 1\n',
  '# one\na: b # two\n\n# three\n',
  'a: { b: [c, "d"], "e": \'f\' }\n',
  'a: {}\nb: []\nc: [ ]\nd: { }\n',
  'a: [1, -2, 0.5, 1e3, true, null, ~, 1h]\n',
  'a: [b, c,]\nd: { e: f, }\n',
  'a: [\n  b, # one\n  c\n  # two\n]\n',
  'a:\n- b\n- c: d\n  e: f\n',
  'a:\n  - - b\n    - c\n  # one\n',
  'a: |\n  b\n   c\n\nd: >-\n  e\n  f\n',
  "a: \"b\\n\\u00e9\"\nb: 'it''s'\nc: d\n  e\n",
  'a: b\r\nc:\r\n  - d\r\n',
  'a b: c d e',
]

const otherTexts = [
  '',
  'a\n',
  '- a\n',
  '{ a: 1 }\n',
  'a:\n',
  'a: 1\na: 2\n',
  'a: 1\n1: 2\n',
  '<<: b\n',
  'constructor: b\n',
  '? a\n: b\n',
  'a: &b c\n',
  'a: *b\n',
  'a: !!str b\n',
  '%YAML 1.2\n---\na: b\n',
  'a: b\n---\nc: d\n',
  'a: b\n...\n',
  'a: b: c\n',
  'a: - b\n',
  'a:\n\tb: c\n',
  'a: b\n c: d\n',
  'a: "b\n',
  'a: "\\q"\n',
  'a: "\\0"\n',
  'a: "\\ud800"\n',
  'a: [b\n',
  'a: [b c: d]\n',
  'a: [,]\n',
  'a: [b,, c]\n',
  'a: { b }\n',
  'a: { b: }\n',
  'a: "b"#c\n',
  'a: @b\n',
  'a: 01\n',
  'a: 0x1\n',
  'a: .nan\n',
  'a: 9007199254740993\n',
  `${'a'.repeat(2_000)}: b\n`,
]

const pieces = (
  'a|b: |c:|d: 1|"e"|: |:|, |,|- |-|? |{ |{|}| }|[|[ |]|\n|\n|\n|\n  |\n  |\n    |\n      |\n |\t| |  |# x|# y\n|#z|>-\n|---\n|...\n|' +
  '--- |&x |*x|!t |~|null|true|1|-1|0|01|1.5|.5|5.|1e3|0x1|.nan|-.inf|No|h: {i: 1, j: [k, l]}\n|m:\n  n: o\n|p:\n- q\n- r: s\n  t: u\n|' +
  'y: "a\n  b"\n|z: a b\n  c\n|10: x\n|<<: y\n|"\\n"|"\\q"|%|@|\r\n|é|\u2028|a: b: c|e f|"g" : h\n|? i\n: j\n'
)
  .split('|')
  .concat('|\n', '|+\n', '|2\n', 'v: |\n  w\n  x\n')

const heap = (random: SeededRandom): string =>
  Array.from({ length: 1 + random.integer(14) }, () => random.pick(pieces)).join('')

describe('the short way through a plan', () => {
  it('is taken for plain YAML, and gives what the composer gives', () => {
    for (const text of plainTexts) {
      expect(isPlain(text), text).toBe(true)
      expect(parseYaml(text), text).toEqual(composeYaml(text))
    }
  })

  it('is left for everything else', () => {
    for (const text of otherTexts) {
      expect(isPlain(text), text).toBe(false)
      expect(parseYaml(text), text).toEqual(composeYaml(text))
    }
  })

  it('is taken for every example, and for a large plan', () => {
    const folder = new URL('../../../plans/', import.meta.url)
    const examples = readdirSync(folder).filter((name) => name.endsWith('.yaml'))
    expect(examples.length).toBeGreaterThan(0)
    for (const name of examples) {
      const text = readFileSync(new URL(name, folder), 'utf8')
      expect(isPlain(text), name).toBe(true)
      expect(parseYaml(text), name).toEqual(composeYaml(text))
    }
    expect(isPlain(largePlan())).toBe(true)
  })

  it('case 90: gives the same as the composer, problems and places too, whatever the text', () => {
    const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
    const random = seededRandom(seed)
    const corpus = planCorpus.filter(({ bytes }) => bytes.length < 4_096)
    const runs = Number(process.env['FUZZ_PLANS'] ?? 300)
    const texts = [
      ...corpus.map(({ bytes }) => bytes.toString()),
      ...Array.from({ length: runs / 10 }, () => mutatePlan(random).toString()),
      ...Array.from({ length: runs }, () => `${random.pick(['', 'k: v\n'])}${heap(random)}`),
    ]
    for (const text of texts) {
      const [short, long] = [parseYaml(text), composeYaml(text)]
      const where = `FUZZ_SEED=${seed}: ${JSON.stringify(text)}`
      expect(short, where).toStrictEqual(long)
      // the order of keys is that of the offsets
      expect(JSON.stringify(short.value), where).toBe(JSON.stringify(long.value))
    }
    expect(texts.filter(isPlain).length).toBeGreaterThan(runs / 50)
  })
})
