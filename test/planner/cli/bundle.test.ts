import { execFileSync } from 'node:child_process'
import {
  appendFile,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import * as path from 'node:path'
import { unzipSync } from 'fflate'
import { expect, test } from 'vitest'
import { generateSigningKey } from '../../../engine/repository/generate-key.ts'
import { dr, smallPlan } from '../../support/dr-command.ts'

const files = 'The files are the ones that were put in'
const chain = 'No line of the ledger was changed, inserted, removed or moved'
const signature = 'Who wrote it'
const evidence = 'Evidence is what the ledger says'

/** The commands of the README under a heading, as they stand there. */
function recipe(readme: string, heading: string): string {
  const [, section = ''] = readme.split(`### ${heading}`)
  const [own = ''] = section.split('\n#')
  const lines = own.split('\n').filter((line) => line.startsWith('    '))
  expect(lines.length, heading).toBeGreaterThan(0)
  return lines.map((line) => line.slice(4)).join('\n')
}

const sh = (directory: string, script: string): string =>
  execFileSync('sh', ['-c', `${script}\n`], { cwd: directory, encoding: 'utf8', stdio: 'pipe' })

const filesBelow = async (directory: string): Promise<string[]> =>
  (await readdir(directory, { recursive: true, withFileTypes: true }))
    .filter((each) => each.isFile())
    .map((each) => path.join(each.parentPath, each.name))

async function unpack(file: string, directory: string): Promise<void> {
  for (const [name, bytes] of Object.entries(unzipSync(await readFile(file)))) {
    const target = path.join(directory, name)
    await mkdir(path.dirname(target), { recursive: true })
    await writeFile(target, bytes)
  }
}

/** Two steps whose output is kept as evidence. */
const talking = (text: string): string =>
  text.replace(
    '      - inject:',
    '      - exec: { command: [echo, one] }\n        id: one\n      - exec: { command: [echo, two] }\n        id: two\n      - inject:',
  )

test('a bundle is checked by its own README with standard tools, and gives the same report again', async () => {
  const signing = 'ledger: { signing: { keyFile: ./ledger.pem } }'
  const plan = await smallPlan((text) => talking(`${text}\n${signing}\n`))
  await generateSigningKey(path.join(plan.directory, 'ledger.pem'))
  expect((await dr(['drill', plan.file, '--yes'])).stderr).toContain('passed')
  const to = new Date(Date.now() + 3_600_000).toISOString()
  const window = ['--from', '2020-01-01T00:00:00Z', '--to', to]
  const bundle = path.join(plan.directory, 'q3.zip')
  const made = await dr(['audit', plan.file, ...window, '--bundle', bundle])
  expect(made.stdout + made.stderr).toContain('q3.zip')
  const out = path.join(plan.directory, 'unpacked')
  await unpack(bundle, out)
  const readme = await readFile(path.join(out, 'README.md'), 'utf8')
  const head = /has to be ([0-9a-f]{64})/.exec(readme)?.[1] ?? 'none'

  expect(sh(out, recipe(readme, files))).toMatch(/report\.json: OK/)
  expect(sh(out, recipe(readme, chain))).toBe(`head ${head}\n`)
  expect(sh(out, recipe(readme, signature))).toMatch(/Verified Successfully/)
  expect(sh(out, recipe(readme, evidence))).toBe('')
  expect(await readdir(path.join(out, 'state', 'runs'))).toHaveLength(1)

  const name = path.basename(plan.file)
  expect(readme).toContain(`vectra-dr audit plan/${name} --state state`)
  const copy = ['audit', path.join(out, 'plan', name), '--state', path.join(out, 'state')]
  const again = await dr([...copy, ...window, '--format', 'json'])
  expect(again.stdout).toBe(await readFile(path.join(out, 'report', 'report.json'), 'utf8'))

  const second = path.join(plan.directory, 'again.zip')
  await dr(['audit', plan.file, ...window, '--bundle', second])
  expect((await readFile(second)).equals(await readFile(bundle))).toBe(true)

  const other = await dr(['audit', plan.file, ...window, '--bundle', 'q3.tar'])
  expect(other).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('.zip') })
  const taken = await dr(['audit', plan.file, ...window, '--bundle', bundle])
  expect(taken).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('q3.zip') })

  // what is changed afterwards is found by the same commands
  const ledger = path.join(out, 'state', 'ledger.jsonl')
  const honest = await readFile(ledger, 'utf8')
  await writeFile(ledger, honest.replace('"outcome":"passed"', '"outcome":"failed"'))
  expect(sh(out, `${recipe(readme, files)} || true`)).toMatch(/ledger\.jsonl: FAILED/)
  expect(sh(out, recipe(readme, chain))).toMatch(/line \d+ does not fit/)
  await writeFile(ledger, honest.replace(/"at":"20(?=[^\n]*"kind":"signature")/, '"at":"19'))
  expect(sh(out, recipe(readme, chain))).not.toContain(head)
  expect(sh(out, `${recipe(readme, signature)} || true`)).not.toMatch(/Verified Successfully/)
  const artefact = (await filesBelow(path.join(out, 'state', 'runs')))[0] ?? 'none'
  await appendFile(artefact, 'x')
  expect(sh(out, recipe(readme, evidence))).toMatch(/is not vouched for/)
}, 60_000)

test('evidence that was changed since is left out, told, and exits 13; evidence that is gone is a remark', async () => {
  const { file, state, directory } = await smallPlan(talking)
  await dr(['drill', file, '--yes'])
  const { stdout } = await dr(['ledger', 'export', file])
  const artefacts = [...stdout.matchAll(/"artefact":"(runs\/[^"]+)"/g)].map(([, name = '']) => name)
  const [first = '', second = ''] = [...new Set(artefacts)].sort()
  await appendFile(path.join(state, first), 'x')
  await rm(path.join(state, second))
  const bundle = path.join(directory, 'changed.zip')
  const { exitCode, stderr } = await dr(['audit', file, '--bundle', bundle])
  expect(exitCode).toBe(13)
  expect(stderr).toContain(`1 artefact of the evidence changed since, the first one ${first}`)
  expect(stderr).toContain(`remark: ${second} is gone`)
  const unzipped = unzipSync(await readFile(bundle))
  expect(Object.keys(unzipped)).not.toContain(`state/${first}`)
  const readme = Buffer.from(unzipped['README.md'] ?? []).toString()
  expect(readme).toContain(
    `Evidence that was changed, and is left out: its hash is not the one in the ledger\n\n- ${first}`,
  )
  expect(readme).toContain(`that is gone\n\n- ${second}`)
})

test('case 84: evidence behind a link is not read; all of it may lie on another disk', async () => {
  const { file, state, directory } = await smallPlan(talking)
  await dr(['drill', file, '--yes'])
  const runs = path.join(state, 'runs')
  const [run = ''] = await readdir(runs)
  const steps = path.join(runs, run, 'steps')
  await rename(steps, path.join(directory, 'elsewhere'))
  await symlink(path.join(directory, 'elsewhere'), steps)
  const linked = await dr(['audit', file, '--bundle', path.join(directory, 'linked.zip')])
  expect(linked.exitCode).toBe(12)
  expect(linked.stderr).toContain(`${steps} is a symbolic link`)
  await rm(steps)
  await rename(path.join(directory, 'elsewhere'), steps)
  await rename(runs, path.join(directory, 'large-disk'))
  await symlink(path.join(directory, 'large-disk'), runs)
  const moved = await dr(['audit', file, '--bundle', path.join(directory, 'moved.zip')])
  expect([moved.exitCode, moved.stderr]).toEqual([3, expect.not.stringContaining('is gone')])
})
