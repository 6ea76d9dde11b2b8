/** How files are named, how long they are, and what they may export. */
import { lineAt } from './code-view.ts'
import { importsOf } from './imports.ts'
import { type Finding, type SourceFile, viewOf } from './source-files.ts'

/** Above this a file is refused; above the other it is printed, for somebody to think about. */
export const lineLimit = 400
export const lineNotice = 250

const drawers = /^(utils?|helpers?|common|types?|misc|shared|lib)(\.|$)/
const kebabFile = /^[a-z0-9]+(-[a-z0-9]+)*(\.test)?\.ts$/
const doors = [
  'engine/index.ts',
  'engine/operations.ts',
  'engine/outside.ts',
  'engine/threads.ts',
  'planner/index.ts',
]

export const lineCount = (file: SourceFile): number => file.text.trimEnd().split('\n').length

/** Folders and files that say nothing about what is in them, or say it in another case. */
export function nameFindings(files: readonly SourceFile[]): Finding[] {
  return files.flatMap(({ path }) => {
    const names = path.split('/')
    const drawer = names.find((name) => drawers.test(name))
    if (drawer !== undefined) return [{ path, message: `${drawer} is a drawer, not a room` }]
    if (!kebabFile.test(names.at(-1) ?? '')) return [{ path, message: 'is not kebab-case' }]
    return []
  })
}

export function lengthFindings(files: readonly SourceFile[]): Finding[] {
  return files
    .filter((file) => lineCount(file) > lineLimit)
    .map((file) => ({
      path: file.path,
      message: `has ${lineCount(file)} lines, more than ${lineLimit}: split it by idea`,
    }))
}

/** Default exports, and re-exports anywhere but in the doors. */
export function exportFindings(files: readonly SourceFile[]): Finding[] {
  return files.flatMap((file) => {
    const { code } = viewOf(file)
    const findings: Finding[] = [
      ...code.matchAll(/\bexport\s+default\b|\bas\s+default\b(?=[^;]*\})|\bexport\s*=/g),
    ].map((match) => ({
      path: file.path,
      line: lineAt(code, match.index),
      message: 'has a default export',
    }))
    if (doors.includes(file.path)) return findings
    if (/(^|\/)index\.ts$/.test(file.path)) {
      findings.push({ path: file.path, message: 'is a third index.ts' })
    }
    for (const { kind, specifier, line } of importsOf(file)) {
      if (kind !== 'export') continue
      findings.push({ path: file.path, line, message: `re-exports ${specifier}: import it there` })
    }
    return findings
  })
}

const exportedFunction =
  /^export\s+(?:(?:async\s+)?function\s*\*?\s*(?<name>\w+)|const\s+(?<constant>\w+)(?:\s*:[^=]*?(?:=>[^=]*?)?)?\s*=\s*(?:async\s+)?(?:<[^>]*>\s*)?(?:\([^()]*(?:\([^()]*\)[^()]*)*\)[^=\n]*|\w+\s*)=>|(?:abstract\s+)?class\s+(?<class>\w+))/gm

const kebabOf = (name: string): string => name.replace(/(?<!^)(?=[A-Z])/g, '-').toLowerCase()

/**
 * Exported functions and classes without a comment that says what they guarantee. The header speaks for
 * the one function of a file and for the class that the file is named after; an arrow function of one
 * line says itself what it does.
 */
export function documentationFindings(files: readonly SourceFile[]): Finding[] {
  return files.flatMap((file) => {
    const { code } = viewOf(file)
    const seen = new Map<string, number>() // a further overload needs no further comment
    for (const { groups, index } of code.matchAll(exportedFunction)) {
      const name = groups?.['name'] ?? groups?.['constant'] ?? groups?.['class'] ?? ''
      if (!seen.has(name)) seen.set(name, index)
    }
    const fileName = file.path.replace(/^.*\//, '').replace(/\.ts$/, '')
    return [...seen].flatMap(([name, offset]) => {
      const documented = /\*\/\s*$/.test(file.text.slice(0, offset))
      const byHeader = hasHeader(file) && (seen.size === 1 || kebabOf(name) === fileName)
      const oneLine = /^export const [^\n]*=>[^\n]*[^\n{(,=>\s](\n|$)(?! )/.test(code.slice(offset))
      if (documented || byHeader || oneLine) return []
      return [
        { path: file.path, line: lineAt(code, offset), message: `${name} has no doc comment` },
      ]
    })
  })
}

const hasHeader = ({ text }: SourceFile): boolean => /^(#!.*\n)?\s*\/(\*\*|\/)/.test(text)

/** Files that do not open with a comment saying what they own. */
export function headerFindings(files: readonly SourceFile[]): Finding[] {
  return files
    .filter((file) => !hasHeader(file))
    .map(({ path }) => ({ path, message: 'does not open with a comment that says what it owns' }))
}

/**
 * Tests whose source file is not there. `acrossFiles` names those that tell the story of several files of
 * their folder, by path without `test/` and the ending; one that is no longer there is found as well.
 */
export function mirrorFindings(
  tests: readonly string[],
  sources: readonly string[],
  acrossFiles: readonly string[] = [],
): Finding[] {
  const known = new Set([...sources, ...acrossFiles.map((name) => `${name}.ts`)])
  const sourceOf = (path: string): string =>
    path.replace(/^test\//, '').replace(/\.test\.ts$/, '.ts')
  const missing = tests
    .filter((path) => !known.has(sourceOf(path)))
    .map((path) => ({ path, message: `mirrors no source: ${sourceOf(path)} is not there` }))
  const stale = acrossFiles
    .filter((name) => !tests.includes(`test/${name}.test.ts`) || sources.includes(`${name}.ts`))
    .map((name) => ({
      path: `test/${name}.test.ts`,
      message: 'is listed as across files for nothing',
    }))
  return [...missing, ...stale]
}
