import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { documentFindings } from './documents.ts'
import { expectNone, messagesOf, projectRoot, readProjectFile } from './source-files.ts'

const names = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md']

test('files and scripts that the documents speak of are there', () => {
  const documents = names
    .filter((path) => existsSync(join(projectRoot, path)))
    .map((path) => ({ path, text: readProjectFile(path) }))
  const { scripts } = JSON.parse(readProjectFile('package.json')) as { scripts: object } // our own file
  // what a run leaves is shown in examples and is not part of the project
  const exists = (path: string) =>
    path.includes('.vectra-dr/') || existsSync(join(projectRoot, path))
  expectNone(documentFindings(documents, exists, Object.keys(scripts)))
})

test('a file and a script that are not there are found', () => {
  const text = [
    'See `engine/base/disk.ts`, [the plan](plans/a.yaml) and `npm run check`.',
    'See `engine/base/disc.ts`, [the plan](plans/b.yaml) and `npm run chek`.',
    'Add `schemas/steps/<kind>.schema.json` and `<name>.ts`; `/test/engine/a.ts` is somewhere else.',
  ].join('\n')
  const present = ['engine/base/disk.ts', 'plans/a.yaml']
  const findings = documentFindings(
    [{ path: 'README.md', text }],
    (path) => present.includes(path),
    ['check'],
  )
  expect(messagesOf(findings)).toEqual([
    'README.md: speaks of engine/base/disc.ts, which is not there',
    'README.md: speaks of plans/b.yaml, which is not there',
    'README.md: speaks of plans/b.yaml, which is not there',
    'README.md: speaks of npm run chek, which is not a script',
  ])
})
