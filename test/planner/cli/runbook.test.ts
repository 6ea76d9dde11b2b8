import { readdir, readFile, writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { dr, smallPlan } from '../../support/dr-command.ts'
import { referenceEnvironment, referenceFile } from '../../support/reference-plan.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const project = path.resolve(import.meta.dirname, '../../..')
const plans = (await readdir(path.join(project, 'plans'))).filter((name) => name.endsWith('.yaml'))

/** As the plans of the project stand there: nothing of them has run. */
async function emptyState() {
  return ['--state', await temporaryDirectory()]
}

test.each(plans)('the runbook of %s says what the plan says', async (name) => {
  const argv = [
    'runbook',
    path.join(project, 'plans', name),
    '--out',
    path.join(project, 'runbooks'),
  ]
  const checked = await dr([...argv, '--check', ...(await emptyState())], { env: {} })
  expect(checked.exitCode, checked.stdout + checked.stderr).toBe(0)
})

test('every runbook belongs to a plan', async () => {
  const pages = (await readdir(path.join(project, 'runbooks'))).map((name) => path.parse(name).name)
  expect(pages.sort()).toEqual(plans.map((name) => path.parse(name).name).sort())
})

test('no value of the environment is on a page, and none is needed', async () => {
  const argv = ['runbook', referenceFile, ...(await emptyState())]
  const without = await dr(argv, { env: {} })
  const withAll = await dr(argv, { env: referenceEnvironment })
  expect(without.exitCode).toBe(0)
  expect(withAll.stdout).toBe(without.stdout)
  for (const name of Object.keys(referenceEnvironment)) expect(without.stdout).toContain(name)
  // names and numbers stand where people look for them
  expect(without.stdout).toContain('+41 00 000 00 01')
  expect(without.stdout).not.toMatch(/env-[0-9a-f]+-env/)
})

test('variables may be addresses, paths and parts of them', async () => {
  const { file } = await smallPlan((text) =>
    text
      .replace('path: ./store', 'path: "${env.HOME}/store"')
      .replace(
        'url: ./backups',
        'url: "${env.A_PLACE_WITH_A_NAME_THAT_IS_FAR_TOO_LONG_FOR_A_BUCKET}"',
      ),
  )
  const { stdout, stderr, exitCode } = await dr(['runbook', file], { env: {} })
  expect(exitCode, stderr).toBe(0)
  expect(stdout).toContain('vectra-cli --data "${HOME}/store" collections list')
  expect(stdout).toContain('--source "${A_PLACE_WITH_A_NAME_THAT_IS_FAR_TOO_LONG_FOR_A_BUCKET}"')
  // no shape of a variable makes this one right
  const { file: wrong } = await smallPlan((text) => text.replace('owner:', 'ownr: "${env.X}" #'))
  expect((await dr(['runbook', wrong], { env: {} })).exitCode).toBe(10)
})

const procedure = `procedures:
  back:
    for: [data]
    steps:
      - restore: { from: [backups], collection: points, snapshot: latest, into: local, replace: true }
      - check: { target: local, collection: points, count: { min: 1 } }
`

test('a drill puts times and results on the page, which are not compared', async () => {
  const { directory, file } = await smallPlan((text) => text + procedure)
  const out = path.join(directory, 'pages')
  const written = await dr(['runbook', file, '--out', out])
  expect(written.exitCode).toBe(0)
  const page = path.join(out, 'small.md')
  const before = await readFile(page, 'utf8')
  expect(before).toContain('The ledger knows of no run of drill lost.')
  expect(before).toContain('Takes about 30 s (never measured)')

  expect((await dr(['drill', file, '--yes'])).exitCode).toBe(0)
  const after = (await dr(['runbook', file])).stdout
  // the restore of the drill is what a restore of the collection takes
  expect(after).toMatch(/Takes about [\d.]+ m?s \(measured: median of 1 run in the ledger\)/)
  expect(after).toMatch(
    /^- 20\d\d-\d\d-\d\d: drill lost passed in .*; points: RTO .*recall 1\.0000\. <!-- measured -->$/m,
  )
  expect((await dr(['runbook', file])).stdout).toBe(after)
  expect((await dr(['runbook', file, '--check', '--out', out])).exitCode).toBe(0)
})

test.each(['md', 'html'])(
  'a page as %s that no longer says what the plan says ends with exit code 3 and a diff',
  async (format) => {
    const { directory, file } = await smallPlan((text) => text + procedure)
    const out = path.join(directory, 'pages')
    const options = ['--out', out, '--format', format]
    const missing = await dr(['runbook', file, '--check', ...options])
    expect(missing.exitCode).toBe(3)
    expect(missing.stderr).toContain(`there is no runbook ${path.join(out, `small.${format}`)}`)

    await dr(['runbook', file, ...options])
    expect((await dr(['runbook', file, '--check', ...options])).exitCode).toBe(0)
    await writeFile(
      file,
      (await readFile(file, 'utf8')).replace('replace: true', 'as: points_back'),
    )
    const outdated = await dr(['runbook', file, '--check', ...options])
    expect(outdated.exitCode).toBe(3)
    expect(outdated.stdout).toMatch(/^-.*--replace --wait/m)
    expect(outdated.stdout).toMatch(/^\+.*--new-collection-name points_back --wait/m)
    expect(outdated.stderr).toContain(`vectra-dr runbook ${file} --format ${format} --out ${out}`)
    const told = (await dr(['runbook', file, '--check', ...options, '--json'])).objects().at(-1)
    expect(told).toMatchObject({ outcome: 'failed', error: { code: 'runbook-outdated' } })
  },
)

test('a page to print has its commands, loads nothing and escapes what the plan says', async () => {
  const { file } = await smallPlan((text) =>
    text.replace('owner: somebody', 'owner: "<script>alert(1)</script>"').concat(procedure),
  )
  const { stdout } = await dr(['runbook', file, '--format', 'html'])
  expect(stdout).toContain('<pre class="commands">')
  expect(stdout).toContain('&lt;script&gt;')
  expect(stdout).not.toMatch(/<script|https?:\/\/(?!127)/)
})
