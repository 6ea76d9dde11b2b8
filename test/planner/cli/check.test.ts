import { readFile, writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { describe, expect, test } from 'vitest'
import { rules } from '../../../planner/check/registry.ts'
import { dr, smallPlan } from '../../support/dr-command.ts'
import { referenceEnvironment, referenceFile } from '../../support/reference-plan.ts'
import { sarifProblems } from '../../support/sarif-shape.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const quickstart = path.resolve(import.meta.dirname, '../../../plans/quickstart.yaml')
/** Findings do not depend on the day, as long as it is not years away. */
const day = Date.UTC(2026, 10, 26, 12)
const clock = { nowMs: () => day, nowUs: () => day * 1_000, monotonicMs: () => 0 }

/** `code line` of each finding, in a state directory without a ledger. */
async function codesOf(file: string, env: Record<string, string> = {}) {
  const state = await temporaryDirectory()
  const result = await dr(['check', file, '--json', '--state', state], { env, clock })
  const objects = result.objects()
  return {
    ...result,
    last: objects.at(-1),
    codes: objects.slice(0, -1).map(({ severity, code, line }) => `${severity} ${code} ${line}`),
  }
}

describe('the plans of this repository', () => {
  test('the quickstart is not backed up by the clock, and the rest are notes', async () => {
    const { exitCode, codes, last } = await codesOf(quickstart)
    expect(codes).toEqual([
      'error rpo-unbacked 23',
      'note review-never 1',
      'note ledger-unsigned 1',
      'note ledger-unanchored 1',
      'note rto-unmeasured 23',
      'note drill-always-latest 23',
      'note escalation-missing 93',
    ])
    expect(exitCode).toBe(3)
    expect(last).toMatchObject({ outcome: 'failed', error: { code: 'plan-falls-short' } })
  })

  test('the reference page shows every key, and what a real plan would not leave so', async () => {
    const { exitCode, codes } = await codesOf(referenceFile, referenceEnvironment)
    expect(codes.map((each) => each.replace(/ \d+$/, '')).filter(isOfThePlan)).toEqual(pinned)
    expect(exitCode).toBe(0)
  })
})

/** What targets offer is of the version, and not of the plan. */
const isOfThePlan = (code: string): boolean => code !== 'warning target-cannot'

const pinned = [
  'warning procedure-missing',
  'warning backup-missing',
  'warning objective-missing',
  'warning schedule-endless',
  'warning schedule-endless',
  'warning schedule-silent',
  'warning drill-leaves-data',
  'warning drill-leaves-data',
  'warning procedure-into-lost',
  'warning lag-seldom',
  'note unused-target',
  'note rto-unmeasured',
  'note verify-sampled',
  'note destination-untried',
  'note lock-against-retention',
  'note unused-destination',
  'note unused-destination',
  'note catch-up-missing',
  'note check-below-objective',
  'note drill-without-yes',
  'note procedure-unchecked',
  'note restore-one-source',
]

test('a finding says what, where, why and what to do, and the last line counts', async () => {
  const { file } = await smallPlan((text) => text.replace('rpo: 15m', 'rpo: 1h'))
  const { exitCode, stdout, stderr } = await dr(['check', file], { clock })
  expect(
    stdout,
  ).toContain(`${file}:7:3: error: points may lose 1 d of writes, and its RPO is 1 h [rpo-schedule]
    schedule nightly: cron "0 2 * * *", UTC
    longest pause: 1 d, from `)
  expect(stdout).toContain(
    '    1 d > 1 h\n  → Let a schedule with every: 30m archive points to backups',
  )
  expect(stdout.trimEnd().split('\n').at(-1)).toMatch(
    /small\.yaml: \d errors?, \d+ warnings, \d+ notes$/,
  )
  expect(stderr).toMatch(/^error: the plan .* falls short: .*\nhint: .+\n$/)
  expect(exitCode).toBe(3)
})

test('warnings exit 3 with --strict only', async () => {
  const { file } = await smallPlan((text) => text.replace('rpo: 15m, ', ''))
  expect((await dr(['check', file], { clock })).exitCode).toBe(0)
  expect((await dr(['check', file, '--strict'], { clock })).exitCode).toBe(3)
})

test('--format json gives one object a line, the outcome last, also for a plan that is none', async () => {
  const { file } = await smallPlan()
  const good = await dr(['check', file, '--format', 'json'], { clock })
  const objects = good.objects()
  expect(objects.slice(0, -1).every(({ event }) => event === 'finding')).toBe(true)
  expect(objects[0]).toMatchObject({ file, line: 7, column: 3, severity: 'error' })
  expect(objects.at(-1)).toMatchObject({ outcome: 'failed', error: { exitCode: 3 } })
  await writeFile(file, 'version: 2\n')
  const bad = await dr(['check', file, '--format', 'json'])
  expect(bad.exitCode).toBe(10)
  expect(bad.objects().at(-1)).toMatchObject({ outcome: 'failed', error: { code: 'plan-invalid' } })
})

describe('--format sarif', () => {
  test('is SARIF 2.1.0: every result names a rule of the driver, its level and its place', async () => {
    const { file } = await smallPlan()
    const { exitCode, stdout } = await dr(['check', file, '--format', 'sarif'], { clock })
    expect(exitCode).toBe(3)
    const log = JSON.parse(stdout)
    expect(sarifProblems(log)).toEqual([])
    const [run] = log.runs
    expect(run.tool.driver.rules).toHaveLength(rules.length)
    expect(run.results.length).toBeGreaterThan(3)
    for (const { ruleId, ruleIndex, level } of run.results) {
      expect(run.tool.driver.rules[ruleIndex]).toMatchObject({
        id: ruleId,
        defaultConfiguration: { level },
      })
    }
    expect(run.results[0].locations[0].physicalLocation.region).toEqual({
      startLine: 7,
      startColumn: 3,
    })
  })

  test('names files below the working directory as code hosts want them', async () => {
    const relative = path.relative('.', quickstart)
    const { stdout } = await dr(['check', relative, '--format', 'sarif'], { clock })
    const [{ locations }] = JSON.parse(stdout).runs[0].results
    expect(locations[0].physicalLocation.artifactLocation.uri).toBe('plans/quickstart.yaml')
  })

  test('shows the errors of a plan that is none', async () => {
    const { file } = await smallPlan((text) =>
      text.replace('target: local, obj', 'target: locla, obj'),
    )
    const { exitCode, stdout } = await dr(['check', file, '--format', 'sarif'])
    expect(exitCode).toBe(10)
    const log = JSON.parse(stdout)
    expect(sarifProblems(log)).toEqual([])
    expect(log.runs[0]).toMatchObject({
      invocations: [{ executionSuccessful: false }],
      results: [{ ruleId: 'plan-unknown-name', level: 'error' }],
    })
  })

  test('and --json exclude each other', async () => {
    const { file } = await smallPlan()
    expect((await dr(['check', file, '--json', '--format', 'sarif'])).exitCode).toBe(2)
  })
})

test('--rules needs no plan, and a check needs one', async () => {
  const { exitCode, stdout } = await dr(['check', '--rules'])
  expect(exitCode).toBe(0)
  for (const { code } of rules) expect(stdout).toContain(`| \`${code}\` |`)
  expect(await dr(['check'])).toMatchObject({ exitCode: 2, stdout: '' })
})

test('what the ledger measured counts, as far as the ledger holds', async () => {
  const { file, state } = await smallPlan((text) => text.replace('rto: 30m', 'rto: 1ms'))
  await dr(['drill', file, '--yes'])
  const measured = await dr(['check', file])
  expect(measured.stdout).toContain('[rto-measured]')
  const ledger = path.join(state, 'ledger.jsonl')
  await writeFile(ledger, (await readFile(ledger, 'utf8')).replace('"passed"', '"failed"'))
  const broken = await dr(['check', file])
  expect(broken.stderr).toContain('of the ledger does not fit')
  expect(broken.stdout).not.toContain('[rto-measured]')
})
