/**
 * Plants each mutant into a copy of the tree, runs the tests that should find it, and demands that one
 * of them fails; before that, that all of them pass on the copy as it is. Prints a table and `10 of 10`.
 *
 *   npm run test:mutants              all of them
 *   npm run test:mutants -- fsync     those with this in their name
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Mutant, mutants } from './mutants.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const copied = ['engine', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts']

/** Sequences of the model test: enough for each of these bugs, in seconds. */
const modelRuns = '150'

/** A run that has not ended by then hangs: whatever it was, it was noticed. */
const timeLimitMs = 240_000

interface Outcome {
  readonly passed: number
  /** Full names of the tests that failed, or what happened instead of a result. */
  readonly failures: readonly string[]
}

/** What vitest writes as JSON, as far as it is read here. */
interface Results {
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

function runTests(tree: string, tests: readonly string[], bail: boolean): Outcome {
  const report = join(tree, 'results.json')
  rmSync(report, { force: true })
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const files = tests.map((test) => `test/${test}`)
  const { status, error } = spawnSync(
    process.execPath,
    [vitest, 'run', '--project', 'unit', '--reporter=json', `--outputFile=${report}`]
      .concat(bail ? ['--bail=1'] : [])
      .concat(files),
    {
      cwd: tree,
      env: { ...process.env, MODEL_RUNS: modelRuns, MODEL_SHRINK: 'no' },
      stdio: 'ignore',
      timeout: timeLimitMs,
    },
  )
  if (error !== undefined) return { passed: 0, failures: [`no end: ${error.message}`] }
  let results: Results
  try {
    results = JSON.parse(readFileSync(report, 'utf8')) as Results // vitest's own report
  } catch {
    return { passed: 0, failures: [`no result, exit ${status}`] }
  }
  const found = results.testResults.flatMap((file) => file.assertionResults)
  const failures = found.filter((each) => each.status === 'failed').map((each) => each.fullName)
  const passed = found.filter((each) => each.status === 'passed').length
  const unloaded = results.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  )
  for (const file of unloaded) failures.push(`did not load: ${file.name}: ${file.message}`)
  return { passed, failures }
}

function plant(tree: string, mutant: Mutant): () => void {
  const file = join(tree, mutant.file)
  const text = readFileSync(file, 'utf8')
  if (!text.includes(mutant.find)) {
    throw new Error(
      `"${mutant.name}" cannot be planted: ${mutant.file} does not hold\n${mutant.find}\nWrite the mutant anew in test/mutants/mutants.ts.`,
    )
  }
  writeFileSync(
    file,
    text.replaceAll(mutant.find, () => mutant.replace),
  )
  return () => writeFileSync(file, text)
}

const wanted = process.argv[2] ?? ''
const chosen = mutants.filter(({ name }) => name.includes(wanted))
if (chosen.length === 0) throw new Error(`no mutant has "${wanted}" in its name`)

const tree = mkdtempSync(join(tmpdir(), 'mutants-'))
try {
  for (const each of copied) cpSync(join(root, each), join(tree, each), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'))
  for (const mutant of chosen) plant(tree, mutant)()
  const tests = [...new Set(chosen.flatMap((mutant) => mutant.tests))]
  const clean = runTests(tree, tests, false)
  if (clean.failures.length > 0 || clean.passed === 0) {
    throw new Error(`without any mutant:\n${clean.failures.join('\n')}`)
  }
  console.log(`without any mutant: ${clean.passed} tests of ${tests.length} files pass\n`)
  let caught = 0
  for (const mutant of chosen) {
    const startedAt = performance.now()
    const undo = plant(tree, mutant)
    const { failures } = runTests(tree, mutant.tests, true)
    undo()
    const [first] = failures
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0)
    if (first !== undefined) caught++
    console.log(`${first === undefined ? 'SURVIVED' : 'caught  '} ${mutant.name} (${seconds} s)`)
    console.log(`         ${mutant.harm}`)
    console.log(`         ${first === undefined ? 'no test fails' : `by: ${first}`}\n`)
  }
  console.log(`${caught} of ${chosen.length}`)
  if (caught < chosen.length) process.exitCode = 1
} finally {
  rmSync(tree, { recursive: true, force: true })
}
