/** The files that the rules look at, and what a rule says about them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { type CodeView, viewCode } from './code-view.ts'

export const projectRoot = fileURLToPath(new URL('../..', import.meta.url))

/** A file by its path from the project's root, with `/` between the names. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

export interface Finding {
  readonly path: string
  readonly line?: number
  readonly message: string
}

/** Text of a file of the project. */
export const readProjectFile = (path: string): string =>
  readFileSync(join(projectRoot, path), 'utf8')

/** All files below `folders` whose name ends in `suffix`. */
export function readSources(folders: readonly string[], suffix = '.ts'): SourceFile[] {
  return folders.flatMap((folder) =>
    readdirSync(join(projectRoot, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(suffix))
      .map((entry) =>
        join(entry.parentPath, entry.name).slice(projectRoot.length).split(sep).join('/'),
      )
      .sort()
      .map((path) => ({ path, text: readProjectFile(path) })),
  )
}

/** The product: both halves. */
export const readProduct = (): SourceFile[] => readSources(['engine', 'planner'])

const views = new Map<string, CodeView>()

/** The scanned text of a file; scanned once. */
export function viewOf(file: SourceFile): CodeView {
  const known = views.get(file.text)
  if (known !== undefined) return known
  const view = viewCode(file.text)
  views.set(file.text, view)
  return view
}

/** Fails with one line a finding. */
export function expectNone(findings: readonly Finding[]): void {
  const lines = findings.map(({ path, line, message }) =>
    line === undefined ? `${path}: ${message}` : `${path}:${line}: ${message}`,
  )
  expect(lines.join('\n')).toBe('')
}

/** Messages of findings, for the self-tests of rules. */
export const messagesOf = (findings: readonly Finding[]): string[] =>
  findings.map(({ path, message }) => `${path}: ${message}`)
