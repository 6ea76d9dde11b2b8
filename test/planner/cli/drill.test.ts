import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { nodeDisk, OperatingError, systemClock } from '../../../engine/index.ts'
import { DirectoryLock } from '../../../engine/operations.ts'
import { dr, smallPlan } from '../../support/dr-command.ts'

const ledgerOf = async (state: string) =>
  (await readFile(path.join(state, 'ledger.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((each) => path.join(each.parentPath, each.name))
}

test('a drill passes, prints its verdicts, writes its report and its ledger, and does so again', async () => {
  const { file, state } = await smallPlan()
  const first = await dr(['drill', file, '--yes'])
  expect(first.stderr).toContain('ok      check')
  expect(first).toMatchObject({ exitCode: 0 })
  expect(first.stdout).toMatch(/RPO +points +met/)
  expect(first.stdout).toMatch(/RTO +points +met/)
  expect(first.stdout).toMatch(/recall@3 +points +met/)
  const [run = ''] = await readdir(path.join(state, 'reports'))
  expect((await readdir(path.join(state, 'reports', run))).sort()).toEqual([
    'report.html',
    'report.json',
    'report.md',
  ])
  const report = JSON.parse(await readFile(path.join(state, 'reports', run, 'report.json'), 'utf8'))
  expect(report).toMatchObject({ verdict: 'met', totals: { met: 3 } })

  expect(await dr(['drill', file, '--yes', 'lost'])).toMatchObject({ exitCode: 0 })
  const kinds = (await ledgerOf(state)).map(({ kind }) => kind)
  expect(kinds.filter((kind) => kind === 'run-ended')).toHaveLength(2)
  expect(kinds.filter((kind) => kind === 'step')).toHaveLength(14)
  expect(await dr(['ledger', 'verify', file])).toMatchObject({ exitCode: 0 })
  expect((await dr(['explain', file, '--drill', 'lost'])).stdout).toContain(
    'measured: median of 2 runs',
  )
})

test('evidence in the ledger has the hash of the artefact on disk', async () => {
  const { file, state } = await smallPlan()
  await dr(['drill', file, '--yes'])
  const { sha256Hex } = await import('../../../engine/index.ts')
  const records = (await ledgerOf(state)).filter(({ kind }) => kind === 'step')
  const evidence = records
    .flatMap(({ record }) => record.evidence as { artefact: string; sha256: string }[])
    .filter(({ artefact }) => artefact.startsWith('runs/'))
  expect(evidence.length).toBeGreaterThan(0)
  for (const { artefact, sha256 } of evidence) {
    expect(sha256Hex(await readFile(path.join(state, artefact)))).toBe(sha256)
  }
})

test('with --json every line is an object, and the last says the outcome and the verdicts', async () => {
  const { file } = await smallPlan()
  const result = await dr(['drill', file, '--yes', '--json'])
  const objects = result.objects()
  expect(objects[0]).toMatchObject({ event: 'run-started' })
  expect(objects.at(-1)).toMatchObject({
    outcome: 'done',
    plan: 'small',
    audit: { totals: { met: 3, missed: 0, unproven: 0 } },
  })
  expect(result.stderr).toBe('')
})

test('with --quiet only the results are printed', async () => {
  const { file } = await smallPlan()
  const { stderr, stdout } = await dr(['drill', file, '--yes', '--quiet'])
  expect(stderr).toBe('')
  expect(stdout).toContain('RTO')
})

test('case 79: an objective that is missed by a passing drill exits 3 and says which', async () => {
  const { file } = await smallPlan((text) => text.replace('rto: 30m', 'rto: 1ms'))
  const { exitCode, stdout, stderr } = await dr(['drill', file, '--yes'])
  expect(exitCode).toBe(3)
  expect(stdout).toMatch(/RTO +points +missed/)
  expect(stderr).toContain('error: rto of points is missed')
})

test('case 79: a drill restores to scratch, compares count, digest and 100 fixed queries, and the ledger says so with RTO and RPO', async () => {
  const { file, state, directory } = await smallPlan((text) =>
    text.replace('sample: 8', 'sample: 100'),
  )
  const more = Array.from({ length: 100 }, (_, i) => ({ id: 50 + i, vector: [i, 1, i % 7] }))
  const data = path.join(directory, 'data', 'points.jsonl')
  await appendFile(data, more.map((point) => `${JSON.stringify(point)}\n`).join(''))
  expect(await dr(['drill', file, '--yes'])).toMatchObject({ exitCode: 0 })
  const lines = await ledgerOf(state)
  const check = lines.find(({ record }) => record?.kind === 'check' && record.outcome === 'passed')
  const { outputs } = check.record
  const points: { what: string; passed: boolean }[] = outputs.points
  const whats = points.map(({ what }) => what).join(' ')
  for (const what of ['count', 'digest', 'recall']) expect(whats).toContain(what)
  expect(points.every(({ passed }) => passed)).toBe(true)
  const [run = ''] = await readdir(path.join(state, 'runs'))
  const kept = await filesBelow(path.join(state, 'runs', run))
  const measured = kept.find((each) => each.endsWith('measurement.json')) ?? ''
  expect(await readFile(measured, 'utf8')).toContain('"queries":100')
  expect(lines.at(-1)).toMatchObject({ kind: 'run-ended', outcome: 'passed' })
  const [reported = ''] = await readdir(path.join(state, 'reports'))
  const file2 = path.join(state, 'reports', reported, 'report.json')
  const report = await readFile(file2, 'utf8')
  for (const objective of ['rto', 'rpo']) expect(report).toContain(`"${objective}"`)
})

test('case 80: a drill on a damaged backup fails, exits 15, and the clean-up runs', async () => {
  const { file, state, directory } = await smallPlan((text) =>
    text.replace(
      '      - inject:',
      `      - exec: { command: [node, ./damage.mjs] }\n      - inject:`,
    ),
  )
  await writeFile(
    path.join(directory, 'damage.mjs'),
    `import { readdirSync, writeFileSync } from 'node:fs'
     for (const entry of readdirSync('backups/objects', { recursive: true, withFileTypes: true }))
       if (entry.isFile()) writeFileSync(entry.parentPath + '/' + entry.name, 'rot')`,
  )
  const { exitCode, stderr, stdout } = await dr(['drill', file, '--yes'])
  expect(exitCode).toBe(15)
  expect(stderr).toContain('FAILED  restore')
  expect(stderr).toContain('ok      drop')
  expect(stderr).toMatch(/error: drill lost failed at step restore: .+\nhint: /)
  expect(stdout).toMatch(/RTO +points +missed/)
  const last = (await ledgerOf(state)).at(-1)
  expect(last).toMatchObject({ kind: 'run-ended', outcome: 'failed' })
})

test('a schedule runs without verdicts', async () => {
  const { file, state } = await smallPlan()
  const { exitCode, stdout } = await dr(['run', file])
  expect(exitCode).toBe(0)
  expect(stdout).not.toContain('RTO')
  expect((await ledgerOf(state))[0]).toMatchObject({
    sequence: { kind: 'schedule', name: 'nightly' },
  })
})

test('a schedule prunes and verifies a sample, and keeps the reasons', async () => {
  const { file, state } = await smallPlan((text) =>
    text.replace(
      'schedules:',
      `schedules:
  tidy:
    cron: "0 5 * * *"
    steps:
      - prune: { in: backups, keep: { last: 1, tags: [audit] } }
      - verify: { in: backups, depth: content, sample: 50% }
`,
    ),
  )
  for (let day = 0; day < 2; day++) {
    expect((await dr(['run', file, '--schedule', 'nightly'])).exitCode).toBe(0)
  }
  const explained = await dr(['explain', file, '--schedule', 'tidy'])
  expect(explained.stdout).toContain('Remove snapshots from backups, but keep 1 last, tag audit')
  expect(explained.stdout).toMatch(/repository forget .*backups --keep-last 1 .*--prune/)
  const { exitCode, stderr } = await dr(['run', file, '--schedule', 'tidy'])
  expect([exitCode, stderr]).toEqual([0, expect.stringMatching(/ok {6}prune/)])
  const steps = (await ledgerOf(state)).filter((line) => line['kind'] === 'step')
  expect(steps.slice(-2).map(({ record }) => record)).toMatchObject([
    {
      outputs: { kept: 1, locked: 0 },
      evidence: [{ artefact: expect.stringMatching(/prune.json$/) }],
    },
    { outputs: { depth: 'content', readShare: expect.any(Number), damage: [] } },
  ])
})

test('a name that is not there, and no name where there are several', async () => {
  const { file } = await smallPlan((text) =>
    text.replace(
      'schedules:',
      'schedules:\n  weekly: { cron: "0 3 * * 0", steps: [ drop: { target: local, collection: points, ifExists: true } ] }',
    ),
  )
  expect((await dr(['run', file])).exitCode).toBe(2)
  const wrong = await dr(['run', file, '--schedule', 'weakly'])
  expect(wrong).toMatchObject({ exitCode: 14 })
  expect(wrong.stderr).toContain('weekly, nightly')
  expect((await dr(['drill', file, '--yes', 'lots'])).exitCode).toBe(14)
})

test('of several drills one that fails does not keep the next from running', async () => {
  const { file, state } = await smallPlan((text) =>
    text.replace(
      'drills:',
      `drills:
  broken: { steps: [ exec: { command: [node, -e, "process.exit(3)"] } ] }
  fine: { steps: [ exec: { command: [node, -e, "0"] } ] }`,
    ),
  )
  const { exitCode, stderr } = await dr(['drill', file, '--yes', 'broken', 'fine'])
  expect(exitCode).toBe(15)
  expect(stderr).toContain('error: drill broken failed at step exec')
  const ended = (await ledgerOf(state)).filter(({ kind }) => kind === 'run-ended')
  expect(ended.map(({ outcome }) => outcome)).toEqual(['failed', 'passed'])
})

test('a drill that touches production data is refused without a terminal', async () => {
  const { file, directory } = await smallPlan()
  const { exitCode, stderr } = await dr(['drill', file])
  expect(exitCode).toBe(2)
  expect(stderr).toContain('--yes')
  expect(await readdir(directory)).not.toContain('store')
  expect((await dr(['drill', file, '--yes'])).exitCode).toBe(0)
})

test('a drill that touches production data asks at a terminal', async () => {
  const { file, directory } = await smallPlan()
  const asked: string[] = []
  const answer = (text: string) => async (question: string) => {
    asked.push(question)
    return text
  }
  expect((await dr(['drill', file], { ask: answer('no') })).exitCode).toBe(2)
  expect(await readdir(directory)).not.toContain('store')
  expect((await dr(['drill', file], { ask: answer('yes') })).exitCode).toBe(0)
  expect(asked[0]).toContain('production data')
})

test('two runs of a plan do not overlap: the second exits 11 and names the holder', async () => {
  const { file, state } = await smallPlan()
  const directory = path.join(state, 'locks', 'small')
  await nodeDisk.makeDirectory(directory)
  const lock = await DirectoryLock.take(nodeDisk, systemClock, directory)
  const { exitCode, stderr } = await dr(['drill', file, '--yes'])
  expect(exitCode).toBe(11)
  expect(stderr).toContain(`process ${process.pid}`)
  await lock.release()
  expect((await dr(['drill', file, '--yes'])).exitCode).toBe(0)
})

test('a signal exits 130 after the clean-up, and the ledger says so', async () => {
  const { file, state } = await smallPlan()
  const stop = new AbortController()
  stop.abort(new OperatingError('interrupted', 'stopped by SIGINT', 'Again.'))
  const { exitCode, stderr } = await dr(['drill', file, '--yes'], { stopSignal: stop.signal })
  expect(exitCode).toBe(130)
  expect(stderr).toContain('ok      drop')
  expect((await ledgerOf(state)).at(-1)).toMatchObject({ outcome: 'interrupted' })
})

test('the state directory goes where --state says', async () => {
  const { file, directory } = await smallPlan()
  const state = path.join(directory, 'elsewhere')
  expect((await dr(['drill', file, '--yes', '--state', state])).exitCode).toBe(0)
  expect(await readdir(directory)).not.toContain('.vectra-dr')
  expect((await dr(['ledger', 'verify', file, '--state', state])).exitCode).toBe(0)
  expect((await dr(['ledger', 'verify', file])).exitCode).toBe(14)
})

test('case 94: the value of a variable is in no output, ledger, artefact or report', async () => {
  const secret = 'swordfish-9/+?'
  const { file, state } = await smallPlan((text) =>
    text.replace(
      '      - inject:',
      '      - exec: { command: [node, -e, "console.log(process.argv[1], process.env.TOKEN)", "${env.TOKEN}"], env: { TOKEN: "${env.TOKEN}" } }\n      - inject:',
    ),
  )
  const env = { PATH: process.env['PATH'], TOKEN: secret }
  const result = await dr(['drill', file, '--yes', '--json'], { env })
  expect(result.exitCode).toBe(0)
  const forms = [
    secret,
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64'),
    Buffer.from(secret).toString('base64url'),
  ]
  const texts = [result.stdout, result.stderr]
  for (const each of await filesBelow(state)) texts.push(await readFile(each, 'utf8'))
  expect(texts.join('\n')).toContain('***')
  for (const form of forms) expect(texts.filter((text) => text.includes(form))).toEqual([])
})
