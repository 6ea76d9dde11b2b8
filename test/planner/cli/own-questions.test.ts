/** Golden queries of a plan's own file, from the backup to the check of what came back. */
import { readFile, writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { dr, smallPlan } from '../../support/dr-command.ts'

const questions = Array.from({ length: 6 }, (_, i) => ({
  id: `question ${i}`,
  vector: [Math.sin(i), Math.cos(i), 1],
}))

const planWith = async (write: readonly object[]) => {
  const plan = await smallPlan((text) =>
    text
      .replace('golden: { sample: 8, k: 3 }', 'golden: { file: ./questions.jsonl, k: 3 }')
      .replace(/drills:[\s\S]*/, '')
      .replace(
        /( +- backup: .*\n)/,
        `$1      - verify: { in: backups, collection: points, snapshot: latest, depth: content }
      - restore: { from: [backups], collection: points, into: local, as: copy }
      - check: { target: local, collection: copy, against: snapshot, recall: { min: 0.9 } }
        id: recorded
      - check: { target: local, collection: points, recall: { min: 0.9 } }
        id: anew
`,
      ),
  )
  const lines = write.map((each) => `${JSON.stringify(each)}\n`).join('')
  await writeFile(path.join(plan.directory, 'questions.jsonl'), lines)
  return plan
}

interface Line {
  readonly kind: string
  readonly record?: {
    readonly step: string
    readonly outputs: Record<string, unknown>
    readonly error?: { readonly code: string; readonly message: string }
  }
}

const recordsOf = async (state: string) =>
  new Map(
    (await readFile(path.join(state, 'ledger.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n')
      .flatMap((line) => {
        const { record } = JSON.parse(line) as Line // our own lines
        return record === undefined ? [] : [[record.step, record] as const]
      }),
  )

test('questions of a file are recorded with their answers, and what came back is held against them', async () => {
  const { file, state, directory } = await planWith(questions)
  const result = await dr(['run', file])
  expect([result.exitCode, result.stderr]).toEqual([0, expect.any(String)])
  const records = await recordsOf(state)
  const asked = { queries: 6, k: 3, recall: 1 }
  expect(records.get('recorded')?.outputs).toMatchObject({ ...asked, truth: 'snapshot' })
  expect(records.get('anew')?.outputs).toMatchObject({ ...asked, truth: 'exact search' })
  const snapshot = String(records.get('backup')?.outputs['snapshot'])
  const manifest = path.join(directory, 'backups/snapshots/points', `${snapshot}.json`)
  const { golden, version } = JSON.parse(await readFile(manifest, 'utf8'))
  expect(version).toBe(3)
  expect(golden.queries.map(({ id }: { id: string }) => id)).toEqual(questions.map(({ id }) => id))
  const explained = await dr(['explain', file])
  expect(explained.stdout).toContain('--golden-file ./questions.jsonl --golden-k 3')
})

test('a question of another dimension fails the backup, with its line', async () => {
  const { file, state } = await planWith([...questions, { id: 'flat', vector: [1, 2] }])
  expect((await dr(['run', file])).exitCode).toBe(15)
  const error = (await recordsOf(state)).get('backup')?.error
  expect(error?.code).toBe('invalid-vector')
  expect(error?.message).toMatch(/questions\.jsonl line 7: it has 2 values/)
})
