/**
 * What holds a plan against its schemas: the function, as the build compiled it into `plan-validator.js`, or
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

let ready: Promise<PlanSchema> | undefined

/** Made at first use, once a process: from what the build compiled, or from the schemas themselves. */
export function planSchema(): Promise<PlanSchema> {
  ready ??= import.meta.url.endsWith('.ts') ? compiledNow() : compiledBefore()
  return ready
}

async function compiledBefore(): Promise<PlanSchema> {
  // schema-compiler.ts says what the build wrote there
  const module = (await import(
    besideModule(import.meta.url, 'plan-validator').href
  )) as ValidatorModule
  return schemaOf(module)
}

async function compiledNow(): Promise<PlanSchema> {
  const [{ compileSchemas, outputsOf }, { readSchemaFiles }] = await Promise.all([
    import('./schema-compiler.ts'),
    import('./schema-files.ts'),
  ])
  const files = await readSchemaFiles()
  return toSchema(compileSchemas(files), outputsOf(files))
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
