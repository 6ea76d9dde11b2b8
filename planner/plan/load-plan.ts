/**
 * A plan file → the frozen {@link Plan}, or everything that is wrong with it.
 *
 *     bytes ─ read-plan ─▶ text ─ parse-plan ─▶ values + offsets ─ plan-schema, check-* ─▶ problems
 *                                                                  └ resolve-plan ─▶ Plan
 *
 * A stage that finds problems ends the work only when the next could not make sense of what is left:
 * wrong values, unknown names and missing variables are told together.
 */
import assert from 'node:assert'
import * as path from 'node:path'
import { type Disk, type JsonValue, OperatingError, sha256Hex } from '../../engine/index.ts'
import { type BegunPlan, beginBytes, beginPlan } from './begin-plan.ts'
import { checkCollisions } from './check-collisions.ts'
import { checkNames } from './check-names.ts'
import { checkProduction } from './check-production.ts'
import { checkSections } from './check-sections.ts'
import { checkStepValues } from './check-step-values.ts'
import { checkSteps } from './check-steps.ts'
import { checkTemplates } from './check-templates.ts'
import { planLimits } from './limits.ts'
import type { ParsedYaml } from './parse-yaml.ts'
import { onePerPlace, toTextProblems } from './placed-problems.ts'
import type { Plan } from './plan.ts'
import { type PlanSchema, planSchema } from './plan-schema.ts'
import { PlanText } from './plan-text.ts'
import { Positions } from './positions.ts'
import type { PlanError, TextProblem, ValueProblem } from './problem.ts'
import { type RawSequence, rawSequences } from './raw-steps.ts'
import { resolvePlan } from './resolve-plan.ts'
import { schemaProblems } from './schema-problems.ts'
import { checkEndpoints, checkSettings, collectSecrets } from './settings.ts'
import type { Environment } from './template.ts'

export interface PlanOptions {
  readonly disk: Disk
  /** What `${env.NAME}` reads. */
  readonly env: Environment
}

export type PlanCheck =
  | { readonly kind: 'valid'; readonly plan: Plan }
  | {
      readonly kind: 'invalid'
      readonly code: 'plan-invalid' | 'plan-too-large'
      /** In the order of the file, at most a hundred. */
      readonly errors: readonly PlanError[]
      /** How many there are. */
      readonly count: number
    }

/**
 * The plan, complete: a plan that loads can be compiled and run without looking at the file again.
 * @throws `plan-invalid` or `plan-too-large` with every {@link PlanError} in `details`,
 * `plan-not-found`, and what the disk throws.
 */
export const loadPlan = async (file: string, options: PlanOptions): Promise<Plan> =>
  loadBegun(file, await beginPlan(file, options.disk), options.env)

/**
 * The same of a file that was begun.
 * @throws `plan-invalid` or `plan-too-large` with every {@link PlanError} in `details`
 */
export async function loadBegun(file: string, begun: BegunPlan, env: Environment): Promise<Plan> {
  const check = await checkBegun(begun, env)
  if (check.kind === 'valid') return check.plan
  const [first] = check.errors
  const many = check.count === 1 ? 'an error' : `${check.count} errors`
  throw new OperatingError(
    check.code,
    `the plan ${file} has ${many}`,
    `Correct the plan; "vectra-dr validate ${file}" shows every error with its line.`,
    {
      place: { file, ...(first && { line: first.line, column: first.column }) },
      details: check.errors,
    },
  )
}

/**
 * What {@link loadPlan} finds, without throwing it.
 * @throws `plan-not-found`, `plan-too-large` for a file that is not even read, and what the disk throws.
 */
export const checkPlan = async (file: string, { disk, env }: PlanOptions): Promise<PlanCheck> =>
  checkBegun(await beginPlan(file, disk), env)

/** The same of bytes that would stand in `file`. */
export const checkPlanBytes = (
  file: string,
  bytes: Uint8Array,
  env: Environment,
): Promise<PlanCheck> => checkBegun(beginBytes(file, bytes), env)

async function checkBegun(
  { bytes, text, parsed }: BegunPlan,
  env: Environment,
): Promise<PlanCheck> {
  if (!(text instanceof PlanText)) {
    return { kind: 'invalid', code: 'plan-invalid', errors: text, count: text.length }
  }
  // the schema compiles while the other thread parses
  const [values, schema] = await Promise.all([parsed, planSchema()])
  assert(values !== undefined, 'a text is parsed')
  const { value } = values
  if (value === undefined) {
    return invalid(text, values.problems, values.tooLarge ? 'plan-too-large' : 'plan-invalid')
  }
  return checkValues({ ...values, value }, schema, text, sha256Hex(bytes), env)
}

async function checkValues(
  parsed: ParsedYaml & { readonly value: JsonValue },
  schema: PlanSchema,
  text: PlanText,
  sha256: string,
  env: Environment,
): Promise<PlanCheck> {
  const { value } = parsed
  const positions = new Positions(value, parsed.offsets)
  const sequences = rawSequences(value)
  const tooMany = sizeProblem(sequences)
  if (tooMany !== undefined) {
    return invalid(text, toTextProblems([tooMany], positions), 'plan-too-large')
  }
  const { errors, annotations } = schema.validate(value)
  const problems = [
    ...schemaProblems(errors),
    ...checkSteps(sequences),
    ...checkStepValues(sequences),
    ...checkSections(value, sequences),
    ...checkProduction(value, sequences),
    ...checkCollisions(value),
    ...checkNames(value, annotations),
    ...checkTemplates(value, annotations, { env, sequences, outputs: schema.outputs }),
    ...checkSettings(annotations, env),
    ...checkEndpoints(annotations, env),
  ]
  const told = [...parsed.problems, ...toTextProblems(problems, positions)]
  if (told.length > 0) return invalid(text, told)
  const plan = resolvePlan(value, {
    source: { text, positions },
    sequences,
    directory: path.dirname(path.resolve(text.file)),
    sha256,
    env,
    secrets: collectSecrets(annotations, env),
  })
  return { kind: 'valid', plan }
}

/** Each step is looked at many times; nobody follows so many. */
function sizeProblem(sequences: readonly RawSequence[]): ValueProblem | undefined {
  const step = sequences.flatMap(({ steps }) => steps)[planLimits.steps]
  const sequence = sequences[planLimits.sequences]
  const what = step
    ? `${planLimits.steps} steps`
    : `${planLimits.sequences} schedules, drills and procedures`
  const pointer = step?.pointer ?? sequence?.pointer
  if (pointer === undefined) return undefined
  const hint = 'Split the plan into several plans.'
  return {
    rule: 'too-large',
    pointer,
    atKey: true,
    message: `the plan has more than ${what}`,
    hint,
  }
}

/** Only those that are shown are put into words: there may be thousands. */
function invalid(
  text: PlanText,
  problems: readonly TextProblem[],
  code: 'plan-invalid' | 'plan-too-large' = 'plan-invalid',
): PlanCheck {
  const sorted = onePerPlace(problems).sort((a, b) => a.offset - b.offset)
  return {
    kind: 'invalid',
    code,
    errors: sorted.slice(0, planLimits.problems).map((problem) => text.error(problem)),
    count: sorted.length,
  }
}
