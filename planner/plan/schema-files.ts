/**
 * The schemas of plans and of scripts, as shipped: `schemas/` at the package's root, the same files that
 * editors read. They are found from this module, so it works built and from source.
 */
import * as path from 'node:path'
import { fileURLToPath } from 'node:url'
import { isJsonObject, type JsonObject, type JsonValue, MiB, nodeDisk } from '../../engine/index.ts'
import type { StepKind } from './step-inputs.ts'

/** Every step kind has `schemas/steps/<kind>.schema.json`. */
export const stepKinds = [
  'import',
  'backup',
  'archive',
  'verify',
  'copy',
  'prune',
  'restore',
  'check',
  'drop',
  'inject',
  'canary',
  'fence',
  'promote',
  'replicate',
  'switch',
  'probe',
  'reconcile',
  'approve',
  'manual',
  'notify',
  'exec',
  'http',
  'wait',
] as const satisfies readonly StepKind[]

/** Whether a key of a step names its kind. */
export const isStepKind = (name: string): name is StepKind => kindSet.has(name)

const kindSet: ReadonlySet<string> = new Set(stepKinds)

export interface SchemaFiles {
  readonly plan: JsonObject
  readonly values: JsonObject
  /** Of tabletop exercises. */
  readonly script: JsonObject
  readonly steps: ReadonlyMap<StepKind, JsonObject>
}

// the program's own files are on the real disk, wherever the plan is
async function readJson(file: string): Promise<JsonObject> {
  // JSON.parse gives JSON values only
  const parsed = JSON.parse((await nodeDisk.readFile(file, MiB)).toString('utf8')) as JsonValue
  if (!isJsonObject(parsed)) throw new TypeError(`${file} is not a JSON object`)
  return parsed
}

/** The folder of the package: the nearest one above that holds our package.json. */
async function packageDirectory(): Promise<string> {
  let directory = path.dirname(fileURLToPath(import.meta.url))
  for (;;) {
    const file = path.join(directory, 'package.json')
    const found = (await nodeDisk.stat(file))?.kind === 'file' ? await readJson(file) : undefined
    if (found?.['name'] === 'vectra-dr') return directory
    const parent = path.dirname(directory)
    if (parent === directory) throw new Error('the package.json of vectra-dr is missing')
    directory = parent
  }
}

/** Reads all of them; a missing or broken one is a broken installation. */
export async function readSchemaFiles(): Promise<SchemaFiles> {
  const folder = path.join(await packageDirectory(), 'schemas')
  const read = (name: string): Promise<JsonObject> => readJson(path.join(folder, name))
  const steps = await Promise.all(
    stepKinds.map(async (kind) => [kind, await read(`steps/${kind}.schema.json`)] as const),
  )
  return {
    plan: await read('plan.schema.json'),
    values: await read('values.schema.json'),
    script: await read('script.schema.json'),
    steps: new Map(steps),
  }
}
