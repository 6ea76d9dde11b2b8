/**
 * The schemas → the function that validates a plan, or a script, with them: at once, or as the text of a module.
 *
 * Compiling takes longer than validating a small plan, so the build writes the module `plan-validator.js`
 * (for scripts `script-validator.js`) into dist/, from the very files in `schemas/`; from source they are compiled at first use. Either way it
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
  const { values, steps, plan } = files
  return compiled([values, ...steps.values()], withoutKindChoice(plan, 'step'))
}

/** The same of a script of a tabletop exercise. */
export const compileScriptSchema = ({ values, script }: SchemaFiles): ValidateFunction =>
  compiled([values], withoutKindChoice(script, 'act'))

function compiled(others: readonly JsonObject[], schema: JsonObject): ValidateFunction {
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
  for (const other of others) ajv.addSchema(other)
  const validate = ajv.compile(schema)
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
  return moduleText(compileSchemas(read), outputsOf(read))
}

/** The same for scripts. */
export const scriptValidatorModule = async (): Promise<string> =>
  moduleText(compileScriptSchema(await readSchemaFiles()), {})

function moduleText(validate: ValidateFunction, outputs: Record<string, readonly string[]>) {
  const ajv = sources.get(validate)
  assert(ajv !== undefined, 'the schemas were not compiled')
  return `// Made from schemas/ by the build: see schema-compiler.ts.
export const outputs = ${JSON.stringify(outputs)}
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
 * That a step has one kind, and an act one verb, is written as a choice of so many forms for editors; `checkSteps` and
 * the reader of scripts tell it in one sentence. Trying each form on each would cost thousands of errors.
 */
function withoutKindChoice(schema: JsonObject, name: 'step' | 'act'): JsonObject {
  const definitions = schema['$defs']
  const item = isJsonObject(definitions) ? definitions[name] : undefined
  assert(isJsonObject(definitions) && isJsonObject(item), `the schema has no ${name}`)
  const { oneOf: _choice, ...rest } = item
  return { ...schema, $defs: { ...definitions, [name]: rest } }
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
