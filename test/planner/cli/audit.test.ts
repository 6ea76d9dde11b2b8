import { readdir, readFile, writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { dr, smallPlan } from '../../support/dr-command.ts'
import { oscalProblems } from '../../support/oscal-shape.ts'

test('an audit of an empty ledger finds everything unproven and exits 3', async () => {
  const { file } = await smallPlan()
  const { exitCode, stdout, stderr } = await dr(['audit', file])
  expect(exitCode).toBe(3)
  expect(stdout.match(/^(RPO|RTO|recall@10) .* unproven /gm)).toHaveLength(3)
  expect(stderr).toContain('rpo of points is unproven')
})

/** What is never verified is unproven, whatever a drill restores. */
const verifying = (text: string) =>
  text.replace('      - inject:', '      - verify: { in: backups }\n      - inject:')

test('an audit after a drill that passed finds everything met, with a report', async () => {
  const { file, directory } = await smallPlan(verifying)
  await dr(['drill', file, '--yes'])
  const out = path.join(directory, 'out')
  const { exitCode, stdout } = await dr(['audit', file, '--out', out])
  expect(exitCode).toBe(0)
  expect(stdout).toContain('report.html')
  expect(stdout).toMatch(/^exposure .*\n.*no bound .* met, the first copy came in time$/m)
  const page = await readFile(path.join(out, 'report.md'), 'utf8')
  expect(page).toContain('Met without a bound: until the first copy there was none')
  expect((await readdir(out)).sort()).toEqual(['report.html', 'report.json', 'report.md'])
  const report = JSON.parse(await readFile(path.join(out, 'report.json'), 'utf8'))
  // the first run of a plan began before the first line of its ledger
  expect(report.sections.drills[0]).toMatchObject({ done: 1, passed: 1, failed: 0 })
})

test('the same window gives the same bytes, whatever happened afterwards', async () => {
  const { file } = await smallPlan()
  await dr(['drill', file, '--yes'])
  const window = ['--from', '2020-01-01T00:00:00Z', '--to', new Date().toISOString()]
  const formats = ['md', 'html', 'json']
  const print = () =>
    Promise.all(
      formats.map(async (each) => (await dr(['audit', file, ...window, '--format', each])).stdout),
    )
  const before = await print()
  expect(before.every((text) => text.length > 500)).toBe(true)
  await dr(['drill', file, '--yes'])
  expect(await print()).toEqual(before)
})

test('the report goes out in every form, and is compared with an earlier one', async () => {
  const { file, directory } = await smallPlan(
    (text) => `${verifying(text)}compliance: { frameworks: [nist-800-53] }\n`,
  )
  await dr(['drill', file, '--yes'])
  const out = path.join(directory, 'out')
  const first = await dr(['audit', file, '--out', out])
  const told = ['RPO', 'exposure', 'drill', 'recovery point', 'schedule', 'controls:', 'report:']
  const places = told.map((part) => first.stdout.search(new RegExp(`^${part}`, 'm')))
  expect(places.every((at) => at >= 0)).toBe(true)
  expect(places).toEqual([...places].sort((a, b) => a - b))
  await dr(['audit', file, '--format', 'oscal', '--out', out])
  const oscal = JSON.parse(await readFile(path.join(out, 'report.oscal.json'), 'utf8'))
  expect(oscalProblems(oscal)).toEqual([])
  const previous = path.join(out, 'report.json')
  const csv = await dr(['audit', file, '--format', 'csv', '--previous', previous])
  expect(csv.stdout).toMatch(/^section,collection,/)
  const json = await dr(['audit', file, '--format', 'json', '--previous', previous])
  expect(JSON.parse(json.stdout).differences).toMatchObject({
    against: 'an earlier report',
    verdicts: [{ trend: 'same' }, { trend: 'same' }, { trend: 'same' }],
  })
  const wrong = await dr(['audit', file, '--previous', path.join(out, 'report.oscal.json')])
  expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining('no report of an')])
})

test('case 96: a ledger that was edited is named by line, and no audit is made of it', async () => {
  const { file, state } = await smallPlan()
  await dr(['drill', file, '--yes'])
  const ledger = path.join(state, 'ledger.jsonl')
  const lines = (await readFile(ledger, 'utf8')).split('\n')
  await writeFile(
    ledger,
    lines.with(2, (lines[2] ?? '').replace('"passed"', '"failed"')).join('\n'),
  )
  const { exitCode, stderr } = await dr(['ledger', 'verify', file])
  expect(exitCode).toBe(13)
  expect(stderr).toContain('line 4 of')
  expect(stderr).toContain('line 3')
  expect((await dr(['audit', file])).exitCode).toBe(13)
  const reports = path.join(state, 'reports')
  const before = await readdir(reports)
  // a recovery does not wait for its paperwork
  const next = await dr(['drill', file, '--yes'])
  expect(next.exitCode).toBe(0)
  expect(next.stderr).toContain('warning: line 4 of the ledger does not fit')
  // runs of one second do not sort by age
  const [added = '', ...more] = (await readdir(reports)).filter((name) => !before.includes(name))
  expect(more).toEqual([])
  const report = await readFile(path.join(reports, added, 'report.md'), 'utf8')
  expect(report).toContain('the ledger does not hold: line 4')
})

test('ledger show prints one line an entry, or the entries themselves', async () => {
  const { file } = await smallPlan()
  await dr(['drill', file, '--yes'])
  const { stdout } = await dr(['ledger', 'show', file])
  expect(stdout.trimEnd().split('\n')).toHaveLength(20)
  expect(stdout).toContain('restore passed in')
  const objects = (await dr(['ledger', 'show', file, '--json'])).objects()
  expect(objects).toHaveLength(21)
  expect(objects[0]).toMatchObject({ event: 'entry', entry: { line: 1, kind: 'run-started' } })
})

test('a window that ends before it begins is refused', async () => {
  const { file } = await smallPlan()
  const window = ['--from', '2026-02-01T00:00:00Z', '--to', '2026-01-01T00:00:00Z']
  expect((await dr(['audit', file, ...window])).exitCode).toBe(2)
  const both = ['--from', '2026-02-01T00:00:00Z', '--window', '3d']
  expect((await dr(['audit', file, ...both])).exitCode).toBe(2)
})
