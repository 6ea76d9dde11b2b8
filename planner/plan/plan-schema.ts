/**
 * The compiled schema. Besides what JSON Schema checks, ours carry annotations that tell what a text
 * refers to; one validation gives the errors and everything the later checks need:
 *
 *     x-names: targets       the text is the name of one
 *     x-defines: stored      the text brings a collection of that name about
 *     x-template: setting    the text may hold ${env.…} (`step`: every variable)
 *     x-outputs: [snapshot]  what ${steps.<id>.…} may ask of a step of this kind
 *     x-later: { every: … }  keys of the language that this version refuses, with a hint
 */
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js'
import type { JsonObject, JsonValue } from '../../engine/index.ts'
import { formats } from './formats.ts'
import type { StepKind } from './plan.ts'
import { readSchemaFiles, type SchemaFiles } from './schema-files.ts'

/** `stored`: a collection of the plan, or one that a step makes. */
export type Namespace = 'targets' | 'destinations' | 'collections' | 'tiers' | 'stored'

export interface NamedText {
  readonly pointer: string
  readonly namespace: Namespace
  readonly name: string
}

export type TemplateMode = 'setting' | 'step'

export interface Annotations {
  readonly names: NamedText[]
  readonly defines: NamedText[]
  /** By JSON pointer. */
  readonly templates: Map<string, { readonly mode: TemplateMode; readonly text: string }>
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
  })
  for (const [name, reader] of Object.entries(formats)) {
    ajv.addFormat(name, (text: string) => reader(text).problem === undefined)
  }
  ajv.addVocabulary(['x-later', 'x-outputs'])
  addAnnotations(ajv)
  for (const schema of [files.values, ...files.steps.values()]) ajv.addSchema(schema)
  const validate = ajv.compile(files.plan)
  return {
    outputs: new Map([...files.steps].map(([kind, schema]) => [kind, outputsOf(schema)])),
    validate(plan) {
      const annotations: Annotations = { names: [], defines: [], templates: new Map() }
      validate.call(annotations, plan)
      return { errors: validate.errors ?? [], annotations }
    },
  }
}

const outputsOf = (schema: JsonObject): readonly string[] => {
  const outputs = schema['x-outputs']
  return Array.isArray(outputs) ? outputs.filter((output) => typeof output === 'string') : []
}

interface DataPlace {
  readonly instancePath: string
}

function addAnnotations(ajv: Ajv2020): void {
  const add = <Meta>(
    keyword: string,
    note: (annotations: Annotations, meta: Meta, text: string, pointer: string) => void,
  ): void => {
    ajv.addKeyword({
      keyword,
      type: 'string',
      schemaType: 'string',
      errors: false,
      // passContext: ajv calls it with the annotations of this run as `this`
      validate(this: Annotations, meta: Meta, text: string, _parent: unknown, data?: DataPlace) {
        note(this, meta, text, data?.instancePath ?? '')
        return true
      },
    })
  }
  add<Namespace>('x-names', ({ names }, namespace, name, pointer) => {
    names.push({ pointer, namespace, name })
  })
  add<Namespace>('x-defines', ({ defines }, namespace, name, pointer) => {
    defines.push({ pointer, namespace, name })
  })
  add<TemplateMode>('x-template', ({ templates }, mode, text, pointer) => {
    templates.set(pointer, { mode, text })
  })
}
