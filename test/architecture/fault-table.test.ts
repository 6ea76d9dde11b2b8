import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  endMarker,
  faultRows,
  faultTable,
  readFaultDocument,
  startMarker,
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

test('rows are sorted by case, one for each number of a name', () => {
  const rows = faultRows([
    {
      path: 'test/b.test.ts',
      text: `test('case 21: a cut file is refused')\ndescribe("case 4, 5 and 13: it's fine")`,
    },
    { path: 'test/a.test.ts', text: 'test.each(all)(`case 21: ${name} of $size | %s is refused`)' },
    {
      path: 'test/c.test.ts',
      text: `// case 9: only a comment\ntest('in case 9: not at the start')`,
    },
  ])
  expect(rows).toEqual([
    { case: 4, claim: "it's fine", path: 'test/b.test.ts' },
    { case: 5, claim: "it's fine", path: 'test/b.test.ts' },
    { case: 13, claim: "it's fine", path: 'test/b.test.ts' },
    { case: 21, claim: '… of … \\| … is refused', path: 'test/a.test.ts' },
    { case: 21, claim: 'a cut file is refused', path: 'test/b.test.ts' },
  ])
})

test('only the lines between the markers change', () => {
  const document = `# Title\n\n${startMarker}\nold\n${endMarker}\n\nThe end.\n`
  const table = faultTable([{ case: 1, claim: 'it comes back', path: 'test/a.test.ts' }])
  expect(withFaultTable(document, table)).toBe(
    `# Title\n\n${startMarker}\n| case | what the test proves | test |\n| ---: | --- | --- |\n| 1 | it comes back | \`test/a.test.ts\` |\n${endMarker}\n\nThe end.\n`,
  )
  expect(() => withFaultTable('no markers', table)).toThrow('lacks the lines')
})
