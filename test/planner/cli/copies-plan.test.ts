import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { dr, smallPlan } from '../../support/dr-command.ts'

interface Step {
  readonly step: string
  readonly outcome: string
  readonly outputs: Record<string, unknown>
  readonly evidence: readonly { readonly artefact: string; readonly sha256: string }[]
  readonly remarks: readonly string[]
  readonly error?: { readonly code: string }
}

/** What the steps of the newest run left, by id. */
async function recordsOf(state: string): Promise<Map<string, Step>> {
  const lines = (await readFile(path.join(state, 'ledger.jsonl'), 'utf8')).trimEnd().split('\n')
  const entries = lines.map((line) => JSON.parse(line))
  const run = entries.at(-1).run
  return new Map(
    entries
      .filter((entry) => entry.kind === 'step' && entry.run === run)
      .map(({ record }) => [record.step, record]),
  )
}

/** A plan with a second destination and these steps in its one schedule. */
const planWith = async (steps: readonly string[]) => {
  const plan = await smallPlan((text) =>
    text
      .replace(
        'backups: { url: ./backups }',
        'backups: { url: ./backups }\n  second: { url: ./second }',
      )
      .replace(/ {6}- import: .*\n {6}- backup: .*\n/, () =>
        steps.map((step) => `      - ${step}\n`).join(''),
      )
      .replace(/drills:[\s\S]*/, ''),
  )
  const more = Array.from({ length: 7 }, (_, i) => ({ id: 100 + i, vector: [1, i, 2] }))
  const file = path.join(plan.directory, 'data', 'more.jsonl')
  await writeFile(file, more.map((point) => `${JSON.stringify(point)}\n`).join(''))
  return plan
}

const load = 'import: { target: local, collection: points, file: ./data/points.jsonl }'
const loadMore = 'import: { target: local, collection: points, file: ./data/more.jsonl }'
const backup = (id: string) => `backup: { collections: [points], to: backups, id: ${id} }`
const archive = 'archive: { collections: [points], to: backups }'
const copy = 'copy: { from: backups, to: second, collection: points, snapshot: latest }'

test('archives are replayed to the moment that a restore names', async () => {
  const into = (name: string) => `into: local, as: ${name} }\n        id: ${name}`
  const { file, state } = await planWith([
    load,
    backup('first'),
    `${archive}\n        id: before`,
    loadMore,
    `${archive}\n        id: after`,
    `restore: { from: [backups], collection: points, at: latest, ${into('newest')}`,
    `restore: { from: [backups], collection: points, at: "lsn:\${steps.before.lsn}", ${into('old')}`,
    'check: { target: local, collection: newest, count: { min: 57, max: 57 } }',
    'check: { target: local, collection: old, count: { min: 50, max: 50 }, against: snapshot, digest: equal }',
    'verify: { in: backups }',
  ])
  const result = await dr(['run', file])
  expect([result.exitCode, result.stderr]).toEqual([0, expect.any(String)])
  const records = await recordsOf(state)
  const lsn = Number(records.get('before')?.outputs['lsn'])
  expect(records.get('after')?.outputs).toMatchObject({ destination: 'backups', records: 1 })
  expect(Number(records.get('after')?.outputs['lsn'])).toBe(lsn + 1)
  // what the audit counts as read back
  const range = { firstLsn: lsn + 1, lastLsn: lsn + 1 }
  expect(records.get('after')?.outputs).toMatchObject({ archives: [{ readBack: range }] })
  expect(records.get('verify')?.outputs).toMatchObject({
    log: { ranges: [{ firstLsn: lsn, lastLsn: lsn + 1 }], damaged: [] },
  })
  expect(records.get('newest')?.outputs).toMatchObject({
    at: 'latest',
    lsn: lsn + 1,
    moment: { snapshotLsn: lsn, replayedRecords: 1, beyondRecords: 0 },
  })
  expect(records.get('old')?.outputs).toMatchObject({ at: `lsn:${lsn}`, lsn })
  expect(records.get('old')?.remarks).toContain('left out: 1 record beyond LSN 1')
})

test('a copy is proven at the far end, sent once, and restored from where the first lost an object', async () => {
  const { file, directory, state } = await planWith([
    load,
    backup('first'),
    `${copy}\n        id: sent`,
    `${copy}\n        id: again`,
    'verify: { in: second, collection: points, snapshot: latest, depth: content }',
    'exec: { command: [node, ./damage.js] }',
    'restore: { from: [backups, second], collection: points, into: local, as: healed }',
    'check: { target: local, collection: healed, against: snapshot, count: equal, digest: equal }',
  ])
  // every object of the first destination is lost
  const code = `const fs = require('fs')
for (const each of fs.readdirSync('backups/objects')) fs.rmSync('backups/objects/' + each, { recursive: true })`
  await writeFile(path.join(directory, 'damage.js'), code)
  const result = await dr(['run', file])
  expect([result.exitCode, result.stderr]).toEqual([0, expect.any(String)])
  const records = await recordsOf(state)
  expect(records.get('sent')?.outputs).toMatchObject({
    ...{ from: 'backups', to: 'second', snapshot: 'first', copied: 1, present: 0, failed: 0 },
    snapshots: [{ collection: 'points', snapshotId: 'first', readShare: 1 }],
  })
  expect(Number(records.get('sent')?.outputs['objects'])).toBeGreaterThan(0)
  expect(records.get('again')?.outputs).toMatchObject({ copied: 0, present: 1, objects: 0 })
  expect(records.get('sent')?.evidence.map(({ artefact }) => artefact)).toContain(
    'second:snapshots/points/first.json',
  )
  expect(await readdir(path.join(directory, 'second', 'snapshots', 'points'))).toEqual([
    'first.json',
  ])
})

test('a copy from a damaged destination fails with the damage, and the record says what was sent', async () => {
  const { file, directory, state } = await planWith([copy])
  const before = await planWith([load, backup('first')])
  expect((await dr(['run', before.file])).exitCode).toBe(0)
  await rm(path.join(before.directory, 'backups', 'objects'), { recursive: true })
  const text = (await readFile(file, 'utf8')).replace('./backups', `${before.directory}/backups`)
  await writeFile(file, text)
  const { exitCode } = await dr(['run', file])
  expect(exitCode).toBe(15)
  const record = (await recordsOf(state)).get('copy')
  expect(record).toMatchObject({ outcome: 'failed', outputs: { copied: 0, failed: 1 } })
  expect(['damaged', 'missing-file']).toContain(record?.error?.code)
  expect(await readdir(path.join(directory, 'second'))).not.toContain('snapshots')
})

test('a random snapshot is chosen by a seed that the record keeps, and again by the same seed', async () => {
  const random = (seed: string) =>
    `restore: { from: [backups], collection: points, snapshot: { random: 1h${seed} }, into: local, as: chosen, replace: true }`
  const { file, state } = await planWith([
    load,
    ...['one', 'two', 'three'].map((id) => `${backup(id)}\n        id: ${id}`),
    random('').replace('[backups]', '[second, backups]'), // nothing is there yet
  ])
  expect((await dr(['run', file])).exitCode).toBe(0)
  const first = (await recordsOf(state)).get('restore')?.outputs
  expect(first?.['chosen']).toMatchObject({ seed: expect.any(Number), among: 3 })
  const [seed = ''] = /(?<="seed":)\d+/.exec(JSON.stringify(first)) ?? []
  expect(['one', 'two', 'three']).toContain(first?.['snapshot'])
  const text = await readFile(file, 'utf8')
  await writeFile(
    file,
    text
      .replace('[second, backups]', '[backups]')
      .replace(random(''), random(`, seed: ${seed}`))
      .replace(/ {6}- (import|backup): .*\n( {8}id: .*\n)?/g, ''),
  )
  expect((await dr(['run', file])).exitCode).toBe(0)
  expect((await recordsOf(state)).get('restore')?.outputs).toMatchObject({
    snapshot: first?.['snapshot'],
    chosen: { seed: Number(seed), among: 3 },
  })
})

test('a random snapshot of a time without any is an error that says so', async () => {
  const { file, state } = await planWith([
    load,
    backup('first'),
    'restore: { from: [backups], collection: points, snapshot: { random: 1ms }, into: local, as: chosen }',
  ])
  expect((await dr(['run', file])).exitCode).toBe(15)
  expect((await recordsOf(state)).get('restore')?.error?.code).toBe('snapshot-not-found')
})

test('prune keeps what any rule keeps', async () => {
  const { file, directory, state } = await planWith([
    load,
    ...['one', 'two', 'three'].map((id) => `${backup(id)}\n        id: ${id}`),
    'prune: { in: backups, collection: points, keep: { last: 1, hourly: 1, daily: 1, weekly: 1, monthly: 1, yearly: 1, tags: [audit] } }\n        id: few',
  ])
  expect((await dr(['run', file])).exitCode).toBe(0)
  expect((await recordsOf(state)).get('few')?.outputs).toMatchObject({ kept: 1, removed: 2 })
  expect(await readdir(path.join(directory, 'backups', 'snapshots', 'points'))).toEqual([
    'three.json',
  ])
})

test('what a target does not offer is refused before anything runs', async () => {
  const { file, state, directory } = await planWith([load, 'fence: { target: local }'])
  const { exitCode, stderr } = await dr(['run', file])
  expect(exitCode).toBe(2)
  expect(stderr).toContain('step fence is not offered by this target: local (vectra) cannot fence')
  expect(await readdir(directory)).not.toContain('store')
  await expect(readFile(path.join(state, 'ledger.jsonl'))).rejects.toThrow('ENOENT')
})

test('another database is refused before the run, a server that does not answer ends the step', async () => {
  const { file } = await planWith([backup('first')])
  const text = await readFile(file, 'utf8')
  for (const [engine, code, problem] of [
    ['vectra', 15, 'does not answer'],
    ['qdrant', 2, 'not offered by this target'],
  ] as const) {
    const target = `local: { engine: ${engine}, url: "http://127.0.0.1:9" }`
    await writeFile(file, text.replace(/local: \{ engine.*\}/, target))
    const { exitCode, stderr } = await dr(['run', file])
    expect([exitCode, stderr]).toEqual([code, expect.stringContaining(problem)])
  }
})
