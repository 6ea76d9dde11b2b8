/**
 * The compiled schema. Besides what JSON Schema checks, ours carry annotations that tell what a text
 * refers to; one validation gives the errors and everything the later checks need:
 *
 *     x-names: targets       the text is the name of one
 *     x-keys: collections    each key is the name of one
 *     x-defines: stored      the text brings a collection of that name about
 *     x-template: setting    the text may hold ${env.…} (`step`: every variable)
 *     x-outputs: [snapshot]  what ${steps.<id>.…} may ask of a step of this kind
 */
import assert from 'node:assert'
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js'
import { isJsonObject, type JsonObject, type JsonValue } from '../../engine/index.ts'
import { formats, quickFormats } from './formats.ts'
import { childPointer } from './path-text.ts'
import { readSchemaFiles, type SchemaFiles } from './schema-files.ts'
import type { StepKind } from './step-inputs.ts'

/** `stored`: a collection of the plan, or one that a step makes. */
export type Namespace =
  | 'targets'
  | 'destinations'
  | 'collections'
  | 'tiers'
  | 'stored'
  | 'aliases'
  | 'roles'
  | 'contacts'
  | 'channels'
  | 'procedures'

export interface NamedText {
  readonly pointer: string
  readonly namespace: Namespace
  readonly name: string
  /** It is a key of a mapping, not a value. */
  readonly atKey: boolean
}

export type TemplateMode = 'setting' | 'step'

export interface Annotations {
  readonly names: NamedText[]
  readonly defines: NamedText[]
  /** By JSON pointer. */
  readonly templates: Map<string, TemplateNote>
}

export interface TemplateNote {
  readonly mode: TemplateMode
  readonly text: string
  /** Of the text once it is filled in. */
  readonly format?: string
}

export interface SchemaRun {
  readonly errors: readonly ErrorObject[]
  readonly annotations: Annotations
}

export interface PlanSchema {
  validate(plan: JsonValue): SchemaRun
  readonly outputs: ReadonlyMap<StepKind, readonly string[]>
}

let compiled: Promise<PlanSchema> | undefined

/** Compiled at first use, once a process. */
export function planSchema(): Promise<PlanSchema> {
  compiled ??= readSchemaFiles().then(compile)
  return compiled
}

function compile(files: SchemaFiles): PlanSchema {
  const ajv = new Ajv2020({
    allErrors: true,
    verbose: true,
    passContext: true,
    strictRequired: false,
    strictTypes: false,
    logger: false,
    code: { optimize: false },
  })
  for (const [name, reader] of Object.entries(formats)) {
    const accepts = quickFormats[name] ?? ((text) => reader(text).problem === undefined)
    ajv.addFormat(name, (text: string) => accepts(text))
  }
  ajv.addVocabulary(['x-outputs'])
  addAnnotations(ajv)
  for (const schema of [files.values, ...files.steps.values()]) ajv.addSchema(schema)
  const validate = ajv.compile(withoutKindChoice(files.plan))
  return {
    outputs: new Map([...files.steps].map(([kind, schema]) => [kind, outputsOf(schema)])),
    validate(plan) {
      const annotations: Annotations = { names: [], defines: [], templates: new Map() }
      validate.call(annotations, plan)
      return { errors: validate.errors ?? [], annotations }
    },
  }
}

/**
 * That a step has one kind is written as a choice of so many forms for editors; `checkSteps` tells it in one
 * sentence. Trying each form on each step would cost thousands of errors for a plan that is wrong.
 */
function withoutKindChoice(plan: JsonObject): JsonObject {
  const definitions = plan['$defs']
  const step = isJsonObject(definitions) ? definitions['step'] : undefined
  assert(isJsonObject(definitions) && isJsonObject(step), 'the plan schema has no step')
  const { oneOf: _, ...rest } = step
  return { ...plan, $defs: { ...definitions, step: rest } }
}

const outputsOf = (schema: JsonObject): readonly string[] => {
  const outputs = schema['x-outputs']
  return Array.isArray(outputs) ? outputs.filter((output) => typeof output === 'string') : []
}

interface DataPlace {
  readonly instancePath: string
}

interface ParentSchema {
  readonly format?: string
}

function addAnnotations(ajv: Ajv2020): void {
  type Note<Data> = (
    to: Annotations,
    meta: string,
    data: Data,
    at: string,
    of: ParentSchema,
  ) => void
  const add = (keyword: string, type: 'string' | 'object', note: Note<unknown>): void => {
    ajv.addKeyword({
      keyword,
      type,
      schemaType: 'string',
      errors: false,
      // passContext: ajv calls it with the annotations of this run as `this`
      validate(this: Annotations, meta: string, data: unknown, of?: ParentSchema, at?: DataPlace) {
        note(this, meta, data, at?.instancePath ?? '', of ?? {})
        return true
      },
    })
  }
  // ajv calls a keyword for its own type of data only
  const addText = (keyword: string, note: Note<string>): void =>
    add(keyword, 'string', note as Note<unknown>)
  // our own schemas hold no other words there than these types list
  addText('x-names', ({ names }, namespace, name, pointer) => {
    names.push({ pointer, namespace: namespace as Namespace, name, atKey: false })
  })
  addText('x-defines', ({ defines }, namespace, name, pointer) => {
    defines.push({ pointer, namespace: namespace as Namespace, name, atKey: false })
  })
  addText('x-template', ({ templates }, mode, text, pointer, { format }) => {
    const note = { mode: mode as TemplateMode, text }
    templates.set(pointer, { ...note, ...(format !== undefined && { format }) })
  })
  add('x-keys', 'object', ({ names }, namespace, mapping, pointer) => {
    for (const name of Object.keys(mapping as object)) {
      const key = childPointer(pointer, name)
      names.push({ pointer: key, namespace: namespace as Namespace, name, atKey: true })
    }
  })
}
