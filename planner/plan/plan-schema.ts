/**
 * What holds a plan, or a script of an exercise, against its schemas: the function, as the build compiled it into `plan-validator.js` or
 * `script-validator.js`, or
 * compiled at first use where this runs from source.
 */
import { createRequire } from 'node:module'
import type { ErrorObject, ValidateFunction } from 'ajv'
import { besideModule, type JsonValue } from '../../engine/index.ts'
import { type Annotations, notesFor } from './annotations.ts'
import { acceptedBy } from './formats.ts'
import type { StepKind } from './step-inputs.ts'

export interface SchemaRun {
  readonly errors: readonly ErrorObject[]
  readonly annotations: Annotations
}

export interface PlanSchema {
  validate(plan: JsonValue): SchemaRun
  readonly outputs: ReadonlyMap<StepKind, readonly string[]>
}

/** What the build makes of the schemas: see `schema-compiler.ts`. */
export interface ValidatorModule {
  readonly outputs: Readonly<Record<string, readonly string[]>>
  createValidator(formats: typeof acceptedBy, require: NodeJS.Require): ValidateFunction
}

const ready: { plan?: Promise<PlanSchema>; script?: Promise<PlanSchema> } = {}

/** Made at first use, once a process: from what the build compiled, or from the schemas themselves. */
export const planSchema = (): Promise<PlanSchema> => (ready.plan ??= made('plan'))

/** The same of scripts. */
export const scriptSchema = (): Promise<Pick<PlanSchema, 'validate'>> =>
  (ready.script ??= made('script'))

const made = (what: 'plan' | 'script'): Promise<PlanSchema> =>
  import.meta.url.endsWith('.ts') ? compiledNow(what) : compiledBefore(what)

async function compiledBefore(what: 'plan' | 'script'): Promise<PlanSchema> {
  // schema-compiler.ts says what the build wrote there
  const module = (await import(
    besideModule(import.meta.url, `${what}-validator`).href
  )) as ValidatorModule
  return schemaOf(module)
}

async function compiledNow(what: 'plan' | 'script'): Promise<PlanSchema> {
  const [{ compileSchemas, compileScriptSchema, outputsOf }, { readSchemaFiles }] =
    await Promise.all([import('./schema-compiler.ts'), import('./schema-files.ts')])
  const files = await readSchemaFiles()
  return what === 'script'
    ? toSchema(compileScriptSchema(files), {})
    : toSchema(compileSchemas(files), outputsOf(files))
}

/** The schema in the module that the build writes. */
export const schemaOf = ({ createValidator, outputs }: ValidatorModule): PlanSchema =>
  toSchema(createValidator(acceptedBy, createRequire(import.meta.url)), outputs)

const toSchema = (validate: ValidateFunction, outputs: ValidatorModule['outputs']): PlanSchema => ({
  // the schemas are one for each kind
  outputs: new Map(Object.entries(outputs) as [StepKind, readonly string[]][]),
  validate(plan) {
    const annotations: Annotations = { names: [], defines: [], templates: new Map() }
    validate.call(notesFor(annotations), plan)
    return { errors: validate.errors ?? [], annotations }
  },
})
