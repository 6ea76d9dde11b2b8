import { describe, expect, test } from 'vitest'
import {
  documentationFindings,
  exportFindings,
  headerFindings,
  lengthFindings,
  lineCount,
  lineNotice,
  mirrorFindings,
  nameFindings,
} from './shape.ts'
import { expectNone, messagesOf, readProduct, readSources } from './source-files.ts'

/** Tests that no single file owns, and what they are about. */
const acrossFiles = {
  'engine/ann/graph-damage': 'what damaged and forged graph files do to loading and search',
  'engine/backup/encrypted': 'everything that is done with a repository, with an encrypted one',
  'engine/backup/hostile': 'repositories that an attacker wrote, with every hash right',
  'engine/backup/old-formats': 'directories and repositories that older versions wrote',
  'engine/backup/power-cut': 'what a power cut at each call of a backup leaves in its repository',
  'engine/backup/signed':
    'signatures of snapshots and archived log, and what restores make of them',
  'engine/backup/under-load': 'a backup while others write',
  'engine/server/half-open': 'nodes whose link looks open and carries nothing',
  'engine/replica/far-behind':
    'standbys that cannot keep up: slow links, full disks, log that is gone',
  'engine/replica/simulation':
    'clusters on virtual time, with every fault of the network and the disk',
  'engine/cli/collections': 'the commands over collections, together, as people use them',
  'engine/cli/durability': 'flags of durability, and what a failed fsync does to commands',
  'engine/cli/served-commands': 'every command, embedded and beside a server',
  'engine/server/hostile':
    'requests that nobody should send, over real sockets, to a server with all its routes',
  'engine/cli/usage': 'help, unknown commands and flags, exit codes of every command',
  'engine/backup/object-storage':
    'whole backups in object stores that lag, refuse, break and expire',
  'engine/collection/durability': 'what is on the disk when, and what a failed fsync does',
  'engine/collection/data-edges':
    'empty, odd and foreign data, from the write to the restored copy',
  'engine/collection/recovery': 'what a directory is after crashes and damage of each of its files',
  'engine/wal/interval': 'the durability that acknowledges before it syncs',
  'engine/transfer/binary-readers': 'the three binary formats against each other',
  'planner/cli/bucket-plan': 'plans whose destinations are buckets',
  'planner/cli/canaries': 'secrets and people, through everything that a plan can do with them',
  'planner/cli/copies-plan':
    'plans that archive, copy, prune and restore from several destinations, over real files',
  'planner/cli/own-questions':
    'golden queries of a file, from the backup to the check of what came back',
  'planner/cli/sealed-plan':
    'plans whose destinations are encrypted and signed, and secrets that show nowhere',
  'planner/compile/many': 'a plan as large as plans get, from its text to its explanation',
  'planner/plan/reference': 'the page with every key of the plan language, against the schemas',
  'planner/tabletop/standby-loss':
    'what a standby that takes over brings back, and how soon, from ledger or plan to the sums',
  'planner/run/when': 'steps that wait for a failure, or for none',
  'planner/run/render': 'the three ways of drawing a run, against each other',
}

const at = (path: string, text = '') => [{ path, text }]
const inA = (text: string) => at('engine/base/a.ts', text)

describe('names', () => {
  test('folders and files are kebab-case nouns, and none is a drawer', () => {
    expectNone(nameFindings([...readProduct(), ...readSources(['test'])]))
  })

  test.each([
    'engine/utils/a.ts',
    'engine/base/helpers.ts',
    'engine/common/a.ts',
    'planner/plan/types.ts',
    'engine/base/fooBar.ts',
    'engine/base/foo_bar.ts',
    'engine/base/Foo.ts',
  ])('%s is found', (path) => {
    expect(nameFindings(at(path))).toHaveLength(1)
  })

  test.each(['engine/base/thread-pool.ts', 'engine/format/common-prefix.ts'])(
    '%s is fine',
    (path) => {
      expectNone(nameFindings(at(path)))
    },
  )
})

describe('length', () => {
  test('no file is longer than a reader bears', () => {
    const files = readProduct()
    const long = files.filter((file) => lineCount(file) > lineNotice)
    for (const file of long) process.stdout.write(`${lineCount(file)} lines: ${file.path}\n`)
    expectNone(lengthFindings(files))
  })

  test('a file of 401 lines is found and one of 400 is fine', () => {
    expect(lengthFindings(inA('x\n'.repeat(401)))).toHaveLength(1)
    expectNone(lengthFindings(inA('x\n'.repeat(400))))
  })
})

describe('exports', () => {
  test('nothing is a default export, and only the doors re-export', () => {
    expectNone(exportFindings(readProduct()))
  })

  test.each([
    'export default function a() {}',
    'export default 1',
    'const a = 1\nexport { a as default }',
    `export * from './b.ts'`,
    `export { b } from './b.ts'`,
    `export type { B } from './b.ts'`,
  ])('%j is found', (text) => {
    expect(exportFindings(inA(text))).toHaveLength(1)
  })

  test('a third index.ts is found, and the doors may re-export', () => {
    expect(exportFindings(at('engine/base/index.ts'))).toHaveLength(1)
    expectNone(exportFindings(at('engine/index.ts', `export { b } from './base/b.ts'`)))
    expectNone(exportFindings(inA('export const a = 1\nexport { b }\n// export default c')))
  })
})

describe('comments', () => {
  test('every exported function and class has a doc comment', () => {
    expectNone(documentationFindings(readProduct()))
  })

  test('every file opens with what it owns', () => {
    expectNone(headerFindings(readProduct()))
  })

  const body = '{\n  return 1\n}'
  test.each([
    `export function a() ${body}`,
    `export async function a() ${body}`,
    `export function* a() ${body}`,
    `export const a = () => ${body}`,
    `export const a = async (b: string, c = f(1)): Promise<void> => ${body}`,
    'export const a = (value: unknown): value is string =>\n  f(value)',
    `export const a = <T>(b: T) => ${body}`,
    `export const a: Handler = (b) => ${body}`,
    `export const a: (b: string) => void = (b) => ${body}`,
    `export class A ${body}`,
    `/** about b */\nconst b = 1\nexport function a() ${body}`,
    `// not a doc comment\nexport function a() ${body}`,
  ])('%j is found', (text) => {
    const documented = '/** The header. */\n/** Guarantees z. */\nexport function z() {}\n'
    const file = at('engine/base/file.ts', documented + text)
    expect(messagesOf(documentationFindings(file))).toEqual([
      expect.stringMatching(/^engine\/base\/file\.ts: [aA] has no doc comment$/),
    ])
  })

  test.each([
    '/** Guarantees a. */\nexport function a() {}',
    '/**\n * Guarantees a.\n */\nexport const a = () => 1',
    '/** Overloads. */\nexport function a(b: string): void\nexport function a(b: unknown) {}',
    '/** The header speaks for the one function. */\nimport b\nexport function one() {}',
    '/** The header speaks for it. */\nimport b\nexport class A {}\n/** B. */\nexport class B {}',
    'export const a = (b: number): number => b + 1\n',
    'export const limits = { a: 1 } as const',
    'export const all = list.map((each) => each.name)',
    'export interface A { b(): void }',
    'function inner() {}',
  ])('%j is fine', (text) => {
    expectNone(documentationFindings(inA(text)))
  })

  test('a file without a header is found', () => {
    expect(headerFindings(inA(`import { b } from './b.ts'`))).toHaveLength(1)
    expectNone(headerFindings(inA('#!/usr/bin/env node\n/** Runs it. */\n')))
  })
})

describe('mirrors', () => {
  test('every test of the product stands where its source stands', () => {
    const tests = readSources(['test/engine', 'test/planner'], '.test.ts').map(({ path }) => path)
    const sources = readProduct().map(({ path }) => path)
    expectNone(mirrorFindings(tests, sources, Object.keys(acrossFiles)))
  })

  test('a test without its source is found', () => {
    const sources = ['engine/base/disk.ts']
    expectNone(mirrorFindings(['test/engine/base/disk.test.ts'], sources))
    expect(mirrorFindings(['test/engine/base/disc.test.ts'], sources)).toHaveLength(1)
    const story = 'engine/base/disc'
    expectNone(mirrorFindings(['test/engine/base/disc.test.ts'], sources, [story]))
    expect(mirrorFindings([], sources, [story])).toHaveLength(1)
  })
})
