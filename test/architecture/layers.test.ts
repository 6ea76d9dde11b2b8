import { describe, expect, test } from 'vitest'
import { cycleFindings, danglingFindings, layerFindings, loadedWith } from './layers.ts'
import { expectNone, messagesOf, readProduct, type SourceFile } from './source-files.ts'

const file = (path: string, text: string): SourceFile => ({ path, text })

describe('layers', () => {
  test('every file imports its own folder or a lower one', () => {
    expectNone(layerFindings(readProduct()))
  })

  test.each([
    ['engine/base/a.ts', `import { b } from '../wal/b.ts'`, 'wal lies above base'],
    ['engine/base/a.ts', `import type { B } from '../wal/b.ts'`, 'wal lies above base'],
    ['engine/base/a.ts', `type B = import('../wal/b.ts').B`, 'wal lies above base'],
    ['engine/base/a.ts', `export { b } from '../wal/b.ts'`, 'wal lies above base'],
    ['engine/base/a.ts', `const b = await import('../wal/b.ts')`, 'wal lies above base'],
    [
      'engine/base/a.ts',
      `import {\n  b,\n  // why\n  c,\n} from '../wal/b.ts'`,
      'wal lies above base',
    ],
    ['engine/cli/a.ts', `import { b } from '../../planner/plan/b.ts'`, 'does not know the planner'],
    [
      'planner/cli/a.ts',
      `import { b } from '../../engine/base/b.ts'`,
      'instead of engine/index.ts or engine/operations.ts or engine/outside.ts or engine/threads.ts',
    ],
    ['planner/plan/a.ts', `import '../cli/b.ts'`, 'cli lies above plan'],
    ['engine/cli/a.ts', `import { b } from '../index.ts'`, 'own half'],
    ['engine/cli/a.ts', `import { b } from '../operations.ts'`, 'own half'],
    ['engine/cli/a.ts', `import { b } from '../../test/b.ts'`, 'outside the two halves'],
    ['engine/drawer/a.ts', '', 'no place in the layers'],
    ['engine/a.ts', '', 'no place in the layers'],
  ])('%s with %j is found', (path, text, message) => {
    expect(messagesOf(layerFindings([file(path, text)]))).toEqual([
      expect.stringContaining(message),
    ])
  })

  test.each([
    ['engine/cli/a.ts', `import { b } from '../base/b.ts'`],
    ['engine/cli/a.ts', `import { b } from './b.ts'`],
    ['engine/index.ts', `export { b } from './cli/b.ts'`],
    ['planner/plan/a.ts', `import { b } from '../../engine/index.ts'`],
    ['planner/target/a.ts', `import { b } from '../../engine/operations.ts'`],
    ['planner/plan/a.ts', `import { b } from '../../engine/outside.ts'`],
    ['planner/plan/a.ts', `import { b } from '../../engine/threads.ts'`],
    ['engine/base/a.ts', `// import { b } from '../wal/b.ts'`],
    ['engine/base/a.ts', `/* import { b } from '../wal/b.ts' */`],
    ['engine/base/a.ts', `const text = "import { b } from '../wal/b.ts'"`],
    ['engine/base/a.ts', `import path from 'node:path'`],
  ])('%s with %j is fine', (path, text) => {
    expectNone(layerFindings([file(path, text)]))
  })
})

describe('doors', () => {
  test('the first door of the engine loads the kernel and the readers of texts, and nothing else', () => {
    const loaded = [...loadedWith(readProduct(), 'engine/index.ts')].sort()
    expect(loaded.filter((path) => !path.startsWith('engine/base/'))).toEqual([
      'engine/backup/moment.ts',
      'engine/destination/rsync-url.ts',
      'engine/destination/s3-url.ts',
      'engine/index.ts',
    ])
  })

  test('what begins a plan loads next to nothing', () => {
    expect([...loadedWith(readProduct(), 'planner/plan/begin-plan.ts')].sort()).toEqual([
      'engine/base/disk-error.ts',
      'engine/base/disk.ts',
      'engine/base/errors.ts',
      'engine/base/limits.ts',
      'engine/base/thread-pool.ts',
      'engine/threads.ts',
      'planner/plan/begin-plan.ts',
      'planner/plan/limits.ts',
      'planner/plan/parse-plan.ts',
      'planner/plan/plan-text.ts',
      'planner/plan/read-plan.ts',
    ])
  })

  test('what a command needs to print its help loads neither the engine nor a parser', () => {
    const loaded = [...loadedWith(readProduct(), 'planner/cli/main.ts')]
    expect(
      loaded.filter((path) => /operations|plan-schema|parse-yaml|registry/.test(path)),
    ).toEqual([])
  })

  test('values are loaded through any number of files, types and later imports are not', () => {
    const files = [
      file('engine/base/a.ts', `import { b } from './b.ts'\nimport type { T } from './t.ts'`),
      file('engine/base/b.ts', `export { c } from './c.ts'\nexport type { T } from './t.ts'`),
      file('engine/base/c.ts', `const later = () => import('./later.ts')`),
    ]
    const loaded = [...loadedWith(files, 'engine/base/a.ts')]
    expect(loaded).toEqual(['engine/base/a.ts', 'engine/base/b.ts', 'engine/base/c.ts'])
  })
})

describe('cycles', () => {
  test('no file imports itself by way of others', () => {
    expectNone(cycleFindings(readProduct()))
  })

  test('a cycle of three is found once, through type imports and re-exports', () => {
    const findings = cycleFindings([
      file('engine/base/a.ts', `import type { B } from './b.ts'`),
      file('engine/base/b.ts', `export { c } from './c.ts'`),
      file('engine/base/c.ts', `import { a } from './a.ts'\nimport { d } from './d.ts'`),
      file('engine/base/d.ts', ''),
    ])
    expect(messagesOf(findings)).toEqual([
      'engine/base/a.ts: import cycle engine/base/a.ts → engine/base/b.ts → engine/base/c.ts → engine/base/a.ts',
    ])
  })

  test('a diamond is not a cycle', () => {
    const diamond = [
      file('engine/base/a.ts', `import './b.ts'\nimport './c.ts'`),
      file('engine/base/b.ts', `import './d.ts'`),
      file('engine/base/c.ts', `import './d.ts'`),
      file('engine/base/d.ts', ''),
    ]
    expectNone(cycleFindings(diamond))
  })
})

describe('relative imports', () => {
  test('each names a file that is there', () => {
    expectNone(danglingFindings(readProduct()))
  })

  test('a missing file and a missing ending are found', () => {
    const findings = danglingFindings([
      file('engine/base/a.ts', `import { b } from './b'\nimport { c } from './c.ts'`),
      file('engine/base/b.ts', ''),
    ])
    expect(findings.map(({ line }) => line)).toEqual([1, 2])
  })
})
