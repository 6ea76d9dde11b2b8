/**
 * The table of survived faults in ARCHITECTURE.md, made from the names of the tests that prove them.
 *
 * A test (or group of tests) whose name starts with `case 14:` proves case 14 of the fault catalogue;
 * `case 21, case 22:` proves both. The table stands between two marker lines and nothing else in the document
 * is touched. `npm run fault-table` writes it; an architecture test fails while it is stale.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot, readSources, type SourceFile } from '../architecture/source-files.ts'
import { faultCatalogue } from './fault-catalogue.ts'

export interface FaultRow {
  readonly case: number
  /** The test file, from the project's root. */
  readonly path: string
  /** Tests or groups of it that name the case. */
  readonly tests: number
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

// a text at the start of a call of test, it or describe, or of what their `each` gives back
const caseName =
  /(?:\b(?:test|it|describe)(?:\.\w+)*|[\])`])\(\s*(['"`])cases? (\d+(?:(?:, | and )(?:case )?\d+)*): /g

/** One row for each case of each test name, by number, then file. */
export function faultRows(files: readonly SourceFile[]): FaultRow[] {
  const rows = new Map<string, FaultRow>()
  for (const { path, text } of files) {
    for (const [, , numbers = ''] of text.matchAll(caseName)) {
      for (const number of (numbers.match(/\d+/g) ?? []).map(Number)) {
        const key = `${number} ${path}`
        rows.set(key, { case: number, path, tests: (rows.get(key)?.tests ?? 0) + 1 })
      }
    }
  }
  return [...rows.values()].sort(
    (one, other) => one.case - other.case || (one.path < other.path ? -1 : 1),
  )
}

/** The rows as a Markdown table with one line a case, and the numbers that no test proves yet. */
export function faultTable(
  rows: readonly FaultRow[],
  catalogue: Readonly<Record<number, string>> = faultCatalogue,
): string {
  const lines: string[] = []
  const open: string[] = []
  for (const [number, fault] of Object.entries(catalogue)) {
    const proofs = rows.filter((row) => row.case === Number(number)).map(proofOf)
    if (proofs.length === 0) open.push(number)
    else lines.push(`| ${number} | ${fault} | ${proofs.join(', ')} |`)
  }
  const table = ['| case | fault | proven in |', '| ---: | --- | --- |', ...lines].join('\n')
  return open.length === 0 ? table : `${table}\n\nNot proven yet: ${open.join(', ')}.`
}

const proofOf = ({ path, tests }: FaultRow): string => {
  const name = path.replace(/^test\/(engine\/|planner\/)?/, '').replace(/\.test\.ts$/, '')
  return `[${name}](${path})${tests > 1 ? ` × ${tests}` : ''}`
}

/** Cases that tests name and the catalogue does not have. */
export const unknownCases = (
  rows: readonly FaultRow[],
  catalogue: Readonly<Record<number, string>> = faultCatalogue,
): FaultRow[] => rows.filter((row) => catalogue[row.case] === undefined)

/** The document with the table between its markers. Throws when the markers are not there. */
export function withFaultTable(document: string, table: string): string {
  const start = document.indexOf(startMarker)
  const end = document.indexOf(endMarker)
  if (start < 0 || end < start)
    throw new Error(`the document lacks the lines ${startMarker}, ${endMarker}`)
  return `${document.slice(0, start + startMarker.length)}\n${table}\n${document.slice(end)}`
}

/** All rows of the project's tests. */
export const readFaultRows = (): FaultRow[] => faultRows(readSources(testFolders, '.test.ts'))

/** The document as it stands and as it should. */
export function readFaultDocument(path: string): { present: string; wanted: string } {
  const present = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const table = faultTable(readFaultRows())
  return { present, wanted: withFaultTable(present === '' ? emptyDocument : present, table) }
}

/** Brings the table in the document up to date. */
export function updateFaultDocument(path: string): void {
  const { present, wanted } = readFaultDocument(path)
  if (present !== wanted) writeFileSync(path, wanted)
}
