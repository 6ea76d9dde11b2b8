/**
 * The schemas → the function that validates a plan with them: at once, or as the text of a module.
 *
 * Compiling takes longer than validating a small plan, so the build writes the module `plan-validator.js`
 * into dist/, from the very files in `schemas/`; from source they are compiled at first use. Either way it
 * is the same function: its text is what ajv would have run.
 *
 * The annotations of our schemas (see `annotations.ts`) become calls of the {@link Notes} that the function
 * is given as `this`.
 */
import assert from 'node:assert'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { _, type Code, Name, strConcat } from 'ajv/dist/compile/codegen/index.js'
import standalone from 'ajv/dist/standalone/index.js'
import { isJsonObject, type JsonObject } from '../../engine/index.ts'
import type { Notes } from './annotations.ts'
import { acceptedBy } from './formats.ts'
import { readSchemaFiles, type SchemaFiles } from './schema-files.ts'

/** The function that validates a plan, `this` being the {@link Notes} of the run. */
export function compileSchemas(files: SchemaFiles): ValidateFunction {
  const ajv = new Ajv2020({
    allErrors: true,
    verbose: true,
    passContext: true,
    strictRequired: false,
    strictTypes: false,
    logger: false,
    code: { optimize: false, source: true, formats: _`formats` },
  })
  for (const [name, accepts] of Object.entries(acceptedBy)) ajv.addFormat(name, accepts)
  ajv.addVocabulary(['x-outputs'])
  addAnnotations(ajv)
  for (const schema of [files.values, ...files.steps.values()]) ajv.addSchema(schema)
  const validate = ajv.compile(withoutKindChoice(files.plan))
  sources.set(validate, ajv)
  return validate
}

const sources = new WeakMap<ValidateFunction, Ajv2020>()

/**
 * The text of a module with `outputs` and `createValidator(formats, require)`, which gives the function.
 * It needs nothing but the parts of ajv that its functions call.
 */
export async function validatorModule(files?: SchemaFiles): Promise<string> {
  const read = files ?? (await readSchemaFiles())
  const validate = compileSchemas(read)
  const ajv = sources.get(validate)
  assert(ajv !== undefined, 'the schemas were not compiled')
  return `// Made from schemas/ by the build: see schema-compiler.ts.
export const outputs = ${JSON.stringify(outputsOf(read))}
export function createValidator(formats, require) {
const module = { exports: {} }
${standalone.default(ajv, validate)}
return module.exports
}
`
}

/** What `${steps.<id>.…}` may ask of a step, by its kind. */
export const outputsOf = ({ steps }: SchemaFiles): Record<string, readonly string[]> =>
  Object.fromEntries([...steps].map(([kind, schema]) => [kind, outputNames(schema)]))

const outputNames = (schema: JsonObject): readonly string[] => {
  const outputs = schema['x-outputs']
  return Array.isArray(outputs) ? outputs.filter((output) => typeof output === 'string') : []
}

/**
 * That a step has one kind is written as a choice of so many forms for editors; `checkSteps` tells it in one
 * sentence. Trying each form on each step would cost thousands of errors for a plan that is wrong.
 */
function withoutKindChoice(plan: JsonObject): JsonObject {
  const definitions = plan['$defs']
  const step = isJsonObject(definitions) ? definitions['step'] : undefined
  assert(isJsonObject(definitions) && isJsonObject(step), 'the plan schema has no step')
  const { oneOf: _choice, ...rest } = step
  return { ...plan, $defs: { ...definitions, step: rest } }
}

/** How ajv's functions call the path of the value that they look at, and what they are called on. */
const [pathName, thisName] = [new Name('instancePath'), new Name('this')]

function addAnnotations(ajv: Ajv2020): void {
  const add = (keyword: string, type: 'string' | 'object', note: keyof Notes): void => {
    ajv.addKeyword({
      keyword,
      type,
      schemaType: 'string',
      code({ gen, schema, data, parentSchema, it }) {
        const pointer = strConcat(pathName, it.errorPath)
        const format: unknown = parentSchema['format']
        const of: Code = typeof format === 'string' ? _`, ${format}` : _``
        gen.code(_`${thisName}.${new Name(note)}(${schema}, ${data}, ${pointer}${of})`)
      },
    })
  }
  add('x-names', 'string', 'named')
  add('x-defines', 'string', 'defined')
  add('x-template', 'string', 'template')
  add('x-keys', 'object', 'keys')
}
