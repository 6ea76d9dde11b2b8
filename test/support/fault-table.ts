/**
 * The table of survived faults in ARCHITECTURE.md, made from the names of the tests that prove them.
 *
 * A test (or group of tests) whose name starts with `case 14:` proves case 14 of the fault catalogue;
 * `case 21, 22:` proves both. The table stands between two marker lines and nothing else in the document
 * is touched. `npm run fault-table` writes it; an architecture test fails while it is stale.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot, readSources, type SourceFile } from '../architecture/source-files.ts'

export interface FaultRow {
  readonly case: number
  /** What the test says happens. */
  readonly claim: string
  /** The test file, from the project's root. */
  readonly path: string
}

export const startMarker = '<!-- fault-table: npm run fault-table writes these lines -->'
export const endMarker = '<!-- end of fault-table -->'
/** The architecture's own tests plant cases that prove nothing. */
const testFolders = [
  'engine',
  'planner',
  'conformance',
  'crash',
  'e2e',
  'fuzz',
  'system',
  'support',
]
  .map((folder) => `test/${folder}`)
  .filter((folder) => existsSync(join(projectRoot, folder)))

const emptyDocument = `# Architecture\n\n## Faults we survive\n\n${startMarker}\n${endMarker}\n`

// a quoted text that begins with the numbers; a backslash escapes the character after it
const caseName = /(['"`])cases? (\d+(?:(?:, | and )\d+)*): ((?:\\.|(?!\1)[^\\\n])*)\1/g

/** One row for each case of each test name, by number, then file, then order in it. */
export function faultRows(files: readonly SourceFile[]): FaultRow[] {
  return files
    .flatMap(({ path, text }) =>
      [...text.matchAll(caseName)].flatMap(([, , numbers = '', claim = '']) =>
        numbers
          .split(/, | and /)
          .map((number) => ({ case: Number(number), claim: readable(claim), path })),
      ),
    )
    .sort((one, other) => one.case - other.case || (one.path < other.path ? -1 : 1))
}

/** Escapes undone; placeholders of test.each and templates are an ellipsis. */
const readable = (claim: string): string =>
  claim
    .replace(/\\(.)/g, '$1')
    .replace(/\$\{[^}]*\}|\$[a-zA-Z.]+|%[sdifjop#]/g, '…')
    .replaceAll('|', '\\|')

/** The rows as a Markdown table. */
export function faultTable(rows: readonly FaultRow[]): string {
  const lines = rows.map((row) => `| ${row.case} | ${row.claim} | \`${row.path}\` |`)
  return ['| case | what the test proves | test |', '| ---: | --- | --- |', ...lines].join('\n')
}

/** The document with the table between its markers. Throws when the markers are not there. */
export function withFaultTable(document: string, table: string): string {
  const start = document.indexOf(startMarker)
  const end = document.indexOf(endMarker)
  if (start < 0 || end < start)
    throw new Error(`the document lacks the lines ${startMarker}, ${endMarker}`)
  return `${document.slice(0, start + startMarker.length)}\n${table}\n${document.slice(end)}`
}

/** The document as it stands and as it should. */
export function readFaultDocument(path: string): { present: string; wanted: string } {
  const present = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const table = faultTable(faultRows(readSources(testFolders, '.test.ts')))
  return { present, wanted: withFaultTable(present === '' ? emptyDocument : present, table) }
}

/** Brings the table in the document up to date. */
export function updateFaultDocument(path: string): void {
  const { present, wanted } = readFaultDocument(path)
  if (present !== wanted) writeFileSync(path, wanted)
}
