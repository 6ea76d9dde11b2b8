import * as fs from 'node:fs/promises'
import * as path from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { isJsonObject, type JsonObject, type JsonValue, nodeDisk } from '../../../engine/index.ts'
import { checkPlan } from '../../../planner/plan/load-plan.ts'
import { readSchemaFiles, stepKinds } from '../../../planner/plan/schema-files.ts'
import { referenceEnvironment, referenceFile } from '../../support/reference-plan.ts'

/** Where a schema stands: its file and the path in it. */
interface Spot {
  readonly file: string
  readonly pointer: string
  readonly schema: JsonObject
}

const folder = path.resolve(import.meta.dirname, '../../../schemas')

/** Schemas by file name; a reference is followed to its definition. */
async function openSchemas() {
  const files = await readSchemaFiles()
  const byName = new Map<string, JsonObject>([
    ['plan.schema.json', files.plan],
    ['values.schema.json', files.values],
    ...[...files.steps].map(([kind, schema]): [string, JsonObject] => [
      `steps/${kind}.schema.json`,
      schema,
    ]),
  ])
  const spot = (file: string, pointer: string): Spot => {
    const found = pointer
      .split('/')
      .slice(1)
      .reduce<JsonValue | undefined>(
        (at, key) => (isJsonObject(at) ? at[key] : undefined),
        byName.get(file),
      )
    if (!isJsonObject(found)) throw new Error(`there is no ${file}#${pointer}`)
    return { file, pointer, schema: found }
  }
  const follow = (from: Spot): Spot => {
    const reference = from.schema['$ref']
    if (typeof reference !== 'string') return from
    const [file = '', pointer = ''] = reference.split('#')
    const home = path.dirname(path.join(folder, from.file))
    const name = file === '' ? from.file : path.relative(folder, path.join(home, file))
    return follow(spot(name, pointer))
  }
  return { root: spot('plan.schema.json', ''), follow }
}

/** Every key that the schema knows, where it is defined, as `file#pointer`; one may be used in many places. */
async function keysOfTheLanguage(): Promise<ReadonlySet<string>> {
  const { root, follow } = await openSchemas()
  const keys = new Set<string>()
  const seen = new Set<string>()
  const walk = (from: Spot): void => {
    const { file, pointer, schema } = follow(from)
    const here = `${file}#${pointer}`
    if (seen.has(here)) return
    seen.add(here)
    const children = (key: string): [string, JsonValue][] =>
      isJsonObject(schema[key]) ? Object.entries(schema[key]) : []
    for (const [name, child] of children('properties')) {
      keys.add(`${here}/properties/${name}`)
      if (isJsonObject(child)) {
        walk({ file, pointer: `${pointer}/properties/${name}`, schema: child })
      }
    }
    for (const inner of innerOf({ file, pointer, schema })) walk(inner)
  }
  walk(root)
  return keys
}

/** Schemas of what a mapping or list holds, and of the forms that a value may take. */
function innerOf({ file, pointer, schema }: Spot): Spot[] {
  const single = ['additionalProperties', 'items'].flatMap((key) => {
    const child = schema[key]
    return isJsonObject(child) ? [{ file, pointer: `${pointer}/${key}`, schema: child }] : []
  })
  const forms = Array.isArray(schema['oneOf']) ? schema['oneOf'] : []
  return [
    ...single,
    ...forms.flatMap((form, index) =>
      isJsonObject(form) ? [{ file, pointer: `${pointer}/oneOf/${index}`, schema: form }] : [],
    ),
  ]
}

/** Those that a document uses. */
async function keysUsed(document: JsonValue): Promise<ReadonlySet<string>> {
  const { root, follow } = await openSchemas()
  const used = new Set<string>()
  const walk = (value: JsonValue, from: Spot): void => {
    const { file, pointer, schema } = follow(from)
    const inner = innerOf({ file, pointer, schema })
    const forms = inner.filter((each) => each.pointer.includes('/oneOf/'))
    for (const form of forms) walk(value, form)
    if (Array.isArray(value)) {
      const items = inner.find((each) => each.pointer === `${pointer}/items`)
      if (items !== undefined) for (const item of value) walk(item, items)
    }
    if (!isJsonObject(value)) return
    const properties = isJsonObject(schema['properties']) ? schema['properties'] : {}
    for (const [name, item] of Object.entries(value)) {
      const child = properties[name]
      if (isJsonObject(child)) {
        used.add(`${file}#${pointer}/properties/${name}`)
        walk(item, { file, pointer: `${pointer}/properties/${name}`, schema: child })
        continue
      }
      const named = inner.find((each) => each.pointer === `${pointer}/additionalProperties`)
      if (named !== undefined) walk(item, named)
    }
  }
  walk(document, root)
  return used
}

describe('the reference page', () => {
  const read = async () => parse(await fs.readFile(referenceFile, 'utf8')) as JsonValue

  it('is a valid plan: each of its keys is in the schema', async () => {
    const check = await checkPlan(referenceFile, { disk: nodeDisk, env: referenceEnvironment })
    expect(check.kind === 'valid' ? [] : check.errors).toEqual([])
  })

  it('has every key of the schema', async () => {
    const known = await keysOfTheLanguage()
    const used = await keysUsed(await read())
    expect(known.size).toBeGreaterThan(250)
    expect([...known].filter((key) => !used.has(key))).toEqual([])
  })

  it('says every word that may be chosen', async () => {
    const text = await fs.readFile(referenceFile, 'utf8')
    const files = await readSchemaFiles()
    const words = new Set(
      [files.plan, files.values, ...files.steps.values()].flatMap((schema) =>
        [...JSON.stringify(schema).matchAll(/"enum":\[([^\]]*)\]/g)].flatMap(([, list = '']) =>
          // JSON.stringify wrote the list
          (JSON.parse(`[${list}]`) as unknown[]).map(String),
        ),
      ),
    )
    // depths and methods are told by the schema's own descriptions
    const elsewhere = /^(manifest|content|full|governance|sync|GET|HEAD|PUT|PATCH|DELETE)$/
    const missing = [...words].filter((word) => !elsewhere.test(word) && !text.includes(word))
    expect(missing).toEqual([])
  })

  it('names a variable that is not set before anything runs', async () => {
    const { OPS_WEBHOOK: _, ...env } = referenceEnvironment
    const check = await checkPlan(referenceFile, { disk: nodeDisk, env })
    expect(check.kind === 'invalid' && check.errors).toMatchObject([
      { rule: 'missing-variable', path: 'channels.ops.webhook' },
    ])
  })

  it('shows every step kind', async () => {
    const text = await fs.readFile(referenceFile, 'utf8')
    for (const kind of stepKinds) expect(text).toMatch(new RegExp(`^ +- ${kind}:`, 'm'))
  })
})
