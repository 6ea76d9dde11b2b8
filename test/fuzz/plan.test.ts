import { writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { describe, expect, it } from 'vitest'
import { exitCodes } from '../../engine/index.ts'
import { formatPlanErrors } from '../../planner/plan/plan-error.ts'
import type { PlanError } from '../../planner/plan/problem.ts'
import { tellCount } from '../support/counts.ts'
import { type CommandResult, dr } from '../support/dr-command.ts'
import { mutatePlan } from '../support/mutated-plan.ts'
import { validPlan } from '../support/plan-text.ts'
import { processorMs } from '../support/processor-time.ts'
import { referenceEnvironment } from '../support/reference-plan.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { suiteDirectory } from '../support/temporary-directory.ts'

const plans = Number(process.env['FUZZ_PLANS'] ?? 500)
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)

/** What a command line may end with: everything in the catalogue but a bug. */
const endings = new Set<number>(Object.values(exitCodes).filter((code) => code !== exitCodes.bug))

/** A command of the command line, in this process, and that it ended as commands may. */
async function command(argv: readonly string[], where: string): Promise<CommandResult> {
  const startedMs = processorMs()
  const result = await dr(argv, { env: { ...referenceEnvironment, X: 'x' } })
  const tookMs = processorMs() - startedMs
  const what = `${argv[0]}, ${where}\n${result.stderr}`
  expect(tookMs, what).toBeLessThan(2_000)
  expect(endings, `exit ${result.exitCode}: ${what}`).toContain(result.exitCode)
  // no control character but the line break may reach a terminal
  expect(result.stderr, what).not.toMatch(/[^\P{Cc}\n]/u)
  expect(result.stdout, what).not.toMatch(/[^\P{Cc}\n]/u)
  return result
}

/** The errors of a plan, each complete. */
function checkErrors({ objects }: CommandResult, where: string): void {
  const { error } = objects().at(-1) as { error: { code: string; details: PlanError[] } }
  expect(['plan-invalid', 'plan-too-large'], where).toContain(error.code)
  expect(error.details.length, where).toBeGreaterThan(0)
  for (const { message, line, caret } of error.details) {
    expect(message, where).not.toContain('the YAML parser gave up')
    expect(line, where).toBeGreaterThan(0)
    expect(caret, where).toBeGreaterThan(0)
    expect(message, where).not.toContain('undefined')
  }
  expect(formatPlanErrors(error.details), where).not.toMatch(/[^\P{Cc}\n]/u)
}

describe('mutated plans', () => {
  const directory = suiteDirectory()

  it(`case 90: ${plans} of them never crash or hang the command line (FUZZ_SEED=${seed})`, async () => {
    const random = seededRandom(seed)
    const file = path.join(directory.path, 'plan.yaml')
    // the first plan of a process also starts the parser's thread, compiles the schema and loads the commands
    await writeFile(file, validPlan)
    for (const name of ['validate', 'check', 'explain', 'runbook']) await dr([name, file])
    let valid = 0
    for (let index = 0; index < plans; index++) {
      const bytes = mutatePlan(random)
      await writeFile(file, bytes)
      const where = `FUZZ_SEED=${seed}, plan ${index}:\n${bytes.toString()}`
      const validated = await command(['validate', file, '--json'], where)
      if (validated.exitCode !== exitCodes.done) {
        expect(validated.exitCode, where).toBe(exitCodes.planInvalid)
        checkErrors(validated, where)
        continue
      }
      valid++
      const checked = await command(['check', file], where)
      expect([exitCodes.done, exitCodes.objectiveMissed], where).toContain(checked.exitCode)
      const explained = await command(['explain', file], where)
      expect(explained.exitCode, `${where}\n${explained.stderr}`).toBe(exitCodes.done)
      const page = await command(['runbook', file], where)
      expect(page.exitCode, `${where}\n${page.stderr}`).toBe(exitCodes.done)
    }
    tellCount({ kind: 'mutated plan', what: 'validate', count: plans, seed })
    tellCount({
      kind: 'mutated plan',
      what: 'check, explain and runbook of valid ones',
      count: valid,
      seed,
    })
    // mutations that change nothing of importance show that the others are refused for a reason
    expect(valid).toBeGreaterThan(0)
    expect(valid).toBeLessThan(plans / 2)
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
  })
})
