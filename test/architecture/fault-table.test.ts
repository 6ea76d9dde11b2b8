import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  endMarker,
  faultRows,
  faultTable,
  readFaultDocument,
  readFaultRows,
  startMarker,
  unknownCases,
  updateFaultDocument,
  withFaultTable,
} from '../support/fault-table.ts'
import { projectRoot } from './source-files.ts'

const architecture = join(projectRoot, 'ARCHITECTURE.md')

test('the table of survived faults in ARCHITECTURE.md is what the tests prove', () => {
  if (process.env['UPDATE_FAULT_TABLE'] === '1') updateFaultDocument(architecture)
  const { present, wanted } = readFaultDocument(architecture)
  expect(present, 'npm run fault-table brings it up to date').toBe(wanted)
})

test('every case that a test names is in the catalogue', () => {
  expect(unknownCases(readFaultRows())).toEqual([])
  expect(unknownCases([{ case: 99, path: 'test/a.test.ts', tests: 1 }])).toHaveLength(1)
})

test('rows are sorted by case, one for each case of a file', () => {
  const rows = faultRows([
    {
      path: 'test/b.test.ts',
      text: `test('case 21: a cut file is refused')\ndescribe.each(all)("case 4, case 5 and 13: it's fine")`,
    },
    {
      path: 'test/a.test.ts',
      text: "test.each([\n  1,\n])(\n  `case 21: ${name} is refused`\n)\nit('case 21: again')",
    },
    {
      path: 'test/c.test.ts',
      text: `// case 9: only a comment\ntest('in case 9: not at the start')\nconsole.log('case 9: printed')`,
    },
  ])
  expect(rows).toEqual([
    { case: 4, path: 'test/b.test.ts', tests: 1 },
    { case: 5, path: 'test/b.test.ts', tests: 1 },
    { case: 13, path: 'test/b.test.ts', tests: 1 },
    { case: 21, path: 'test/a.test.ts', tests: 2 },
    { case: 21, path: 'test/b.test.ts', tests: 1 },
  ])
})

test('the table has one line a case and says what is not proven yet', () => {
  const rows = [
    { case: 1, path: 'test/engine/wal/a.test.ts', tests: 2 },
    { case: 1, path: 'test/e2e/b.test.ts', tests: 1 },
  ]
  expect(faultTable(rows, { 1: 'it dies', 2: 'it burns' }).split('\n')).toEqual([
    '| case | fault | proven in |',
    '| ---: | --- | --- |',
    '| 1 | it dies | [wal/a](test/engine/wal/a.test.ts) × 2, [e2e/b](test/e2e/b.test.ts) |',
    '',
    'Not proven yet: 2.',
  ])
})

test('only the lines between the markers change', () => {
  const document = `# Title\n\n${startMarker}\nold\n${endMarker}\n\nThe end.\n`
  expect(withFaultTable(document, 'the table')).toBe(
    `# Title\n\n${startMarker}\nthe table\n${endMarker}\n\nThe end.\n`,
  )
  expect(() => withFaultTable('no markers', 'the table')).toThrow('lacks the lines')
})
