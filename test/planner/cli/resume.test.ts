import { appendFile, readFile, writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { nodeDisk, systemClock } from '../../../engine/index.ts'
import { DirectoryLock } from '../../../engine/operations.ts'
import { dr, smallPlan } from '../../support/dr-command.ts'

const ledgerOf = async (state: string) =>
  (await readFile(path.join(state, 'ledger.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

/** The ledger as it was when `last` had been written: a process that dies there leaves no more. */
async function cutAfter(
  state: string,
  last: (entry: Record<string, unknown>) => boolean,
): Promise<string> {
  const entries = await ledgerOf(state)
  const at = entries.findIndex(last)
  expect(at).toBeGreaterThanOrEqual(0)
  const ledger = path.join(state, 'ledger.jsonl')
  const lines = (await readFile(ledger, 'utf8')).split('\n').slice(0, at + 1)
  await writeFile(ledger, `${lines.join('\n')}\n`)
  const { sha256Hex } = await import('../../../engine/index.ts')
  const head = { head: 1, line: at + 1, sha256: sha256Hex(lines.at(-1) ?? '') }
  await writeFile(`${ledger}.head`, `${JSON.stringify(head)}\n`)
  return String(entries[0]['run'])
}

const ended = (step: string) => (entry: Record<string, unknown>) =>
  entry['kind'] === 'step' && (entry['record'] as { step: string }).step === step
const started = (step: string) => (entry: Record<string, unknown>) =>
  entry['kind'] === 'step-started' && entry['step'] === step

test('a run goes on where its process died, and its verdicts count the time in between', async () => {
  // the clean-up of the first run would have taken away what the second one checks
  const { file, state } = await smallPlan((text) => text.replace(/ {4}always:\n.+\n/, ''))
  expect((await dr(['drill', file, '--yes'])).exitCode).toBe(0)
  const run = await cutAfter(state, started('check'))
  const { exitCode, stderr, stdout } = await dr(['resume', file, run])
  expect(exitCode).toBe(0)
  expect(stderr).toContain(`run ${run}, resumed; it was started at 20`)
  expect(stderr).toContain('before: ok      restore')
  expect(stderr).toContain('interrupted; examined: a check only looks')
  expect(stdout).toMatch(/RTO +points +met/)
  expect(stdout).toMatch(/RTO of points: the run was interrupted after .+ that time counts/)
  const entries = await ledgerOf(state)
  expect(entries.filter(({ kind }) => kind === 'run-started')).toHaveLength(1)
  expect(entries.at(-1)).toMatchObject({ kind: 'run-ended', outcome: 'passed', run })
  expect((await dr(['ledger', 'verify', file])).exitCode).toBe(0)
  const shown = (await dr(['ledger', 'show', file])).stdout
  expect(shown).toMatch(/resumed; check is repeated: a check only looks/)
  const report = await readFile(path.join(state, 'reports', run, 'report.md'), 'utf8')
  expect(report).toContain('passed, resumed once')
  const audited = await dr(['audit', file, '--format', 'md'])
  // 3: nobody has verified the backup, so what it exposes in the window is not proven
  expect(audited).toMatchObject({ exitCode: 3, stdout: expect.stringContaining('resumed once') })
})

test('without an id the only run without an end is meant; without such a run there is nothing', async () => {
  const { file, state } = await smallPlan()
  await dr(['run', file])
  const run = await cutAfter(state, ended('import'))
  const result = await dr(['resume', file, '--json'])
  expect(result.exitCode).toBe(0)
  expect(result.objects()[0]).toMatchObject({ event: 'run-started', run, resumed: true })
  expect(result.objects()).toContainEqual(
    expect.objectContaining({ event: 'step-ended', earlier: true, step: 'import' }),
  )
  expect(result.objects().at(-1)).toMatchObject({ outcome: 'done', run, resumed: true })
  const again = await dr(['resume', file])
  expect(again.exitCode).toBe(14)
})

test('a run that ended is not resumed, an unknown one is not found, and the hint says what to do', async () => {
  const { file, state } = await smallPlan()
  await dr(['run', file])
  const [{ run }] = await ledgerOf(state)
  const over = await dr(['resume', file, run])
  expect(over.exitCode).toBe(2)
  expect(over.stderr).toContain(`error: run ${run} ended: passed`)
  expect(over.stderr).toContain(`hint: Run it anew: vectra-dr run ${file} --schedule nightly.`)
  const unknown = await dr(['resume', file, '20200101-000000-0000'])
  expect(unknown.exitCode).toBe(14)
  expect(unknown.stderr).toContain('has no run 20200101-000000-0000 of plan small')
})

test('a run that still goes on is no run to resume: exit 11 with its holder', async () => {
  const { file, state } = await smallPlan()
  await dr(['run', file])
  const run = await cutAfter(state, ended('import'))
  const lock = await DirectoryLock.take(nodeDisk, systemClock, path.join(state, 'locks', 'small'))
  const { exitCode, stderr } = await dr(['resume', file, run])
  expect(exitCode).toBe(11)
  expect(stderr).toContain(`process ${process.pid}`)
  await lock.release()
  expect((await dr(['resume', file, run])).exitCode).toBe(0)
})

test('another plan than that of the run is refused, and accepted when somebody says so', async () => {
  const { file, state } = await smallPlan()
  await dr(['run', file])
  const run = await cutAfter(state, ended('import'))
  const [{ planSha256 }] = await ledgerOf(state)
  await appendFile(file, '# a remark\n')
  const refused = await dr(['resume', file, run])
  expect(refused.exitCode).toBe(2)
  expect(refused.stderr).toContain(`hint: Put back the file with SHA-256 ${planSha256}`)
  expect(refused.stderr).toContain('--changed-plan')
  expect((await dr(['resume', file, run, '--changed-plan'])).exitCode).toBe(0)
})

test('a run that a later one of its kind has overtaken is not resumed', async () => {
  const { file, state } = await smallPlan()
  await dr(['run', file])
  const run = await cutAfter(state, ended('import'))
  const next = await dr(['run', file])
  expect(next.stderr).toContain(`remark: run ${run} of schedule nightly has no end`)
  const { exitCode, stderr } = await dr(['resume', file, run])
  expect(exitCode).toBe(2)
  expect(stderr).toMatch(
    /error: run .+ of schedule nightly was started after run .+ was interrupted/,
  )
})

test('a ledger that does not hold is no ground to go on from: exit 13', async () => {
  const { file, state } = await smallPlan()
  await dr(['run', file])
  const run = await cutAfter(state, ended('import'))
  const ledger = path.join(state, 'ledger.jsonl')
  await writeFile(ledger, (await readFile(ledger, 'utf8')).replace('"passed"', '"failed"'))
  expect((await dr(['resume', file, run])).exitCode).toBe(13)
})

const withProgram = (text: string) =>
  text.replace(
    '      - backup: { collections: [points], to: backups, id: "points_${run}" }\ndrills',
    '      - exec: { command: [node, ./count.mjs] }\n        id: purge\n      - backup: { collections: [points], to: backups, id: "points_${run}" }\ndrills',
  )

test('a program that was interrupted is repeated or taken as done when somebody says so, never by itself', async () => {
  const { file, state, directory } = await smallPlan(withProgram)
  await writeFile(
    path.join(directory, 'count.mjs'),
    `import { appendFileSync } from 'node:fs'; appendFileSync('count', 'x')`,
  )
  const count = async () => (await readFile(path.join(directory, 'count'), 'utf8')).length
  for (const [word, runs] of [
    ['--repeat', 2],
    ['--done', 1],
  ] as const) {
    await writeFile(path.join(directory, 'count'), '')
    await dr(['run', file, '--state', `${state}${word}`])
    const run = await cutAfter(`${state}${word}`, started('purge'))
    const resume = ['resume', file, run, '--state', `${state}${word}`]
    const refused = await dr(resume)
    expect(refused.exitCode).toBe(2)
    expect(refused.stderr).toMatch(/error: step purge of steps was begun at .+ nobody can tell/)
    expect(refused.stderr).toMatch(/hint: .+--done purge .+--repeat purge .+Nothing was run/)
    expect(await count()).toBe(1)
    const both = await dr([...resume, '--done', 'purge', '--repeat', 'purge'])
    expect(both.exitCode).toBe(2)
    expect((await dr([...resume, word, 'purge'])).exitCode).toBe(0)
    expect(await count()).toBe(runs)
  }
  const asked: string[] = []
  const ask = async (question: string) => {
    asked.push(question)
    return 'repeat'
  }
  await dr(['run', file])
  await cutAfter(state, started('purge'))
  expect((await dr(['resume', file], { ask })).exitCode).toBe(0)
  expect(asked).toEqual([expect.stringContaining('Step purge was interrupted')])
})
