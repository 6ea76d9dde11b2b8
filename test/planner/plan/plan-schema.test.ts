import * as fs from 'node:fs/promises'
import * as path from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { isJsonObject, type JsonObject, type JsonValue } from '../../../engine/index.ts'
import { formats } from '../../../planner/plan/formats.ts'
import { planLimits } from '../../../planner/plan/limits.ts'
import { planSchema } from '../../../planner/plan/plan-schema.ts'
import { readSchemaFiles, stepKinds } from '../../../planner/plan/schema-files.ts'
import { readTemplate } from '../../../planner/plan/template.ts'

const folder = path.resolve(import.meta.dirname, '../../../schemas')

/** Every schema inside a schema, with its JSON path. */
function* parts(schema: JsonValue, at: string): Generator<[string, JsonObject]> {
  if (Array.isArray(schema)) {
    for (const [index, item] of schema.entries()) yield* parts(item, `${at}[${index}]`)
  }
  if (!isJsonObject(schema)) return
  yield [at, schema]
  for (const [key, item] of Object.entries(schema)) {
    if (key !== 'examples' && key !== 'default') yield* parts(item, `${at}.${key}`)
  }
}

describe('the schemas', () => {
  const all = async (): Promise<[string, JsonObject][]> => {
    const files = await readSchemaFiles()
    return [
      ['plan', files.plan],
      ['values', files.values],
      ['script', files.script],
      ...[...files.steps].map(([kind, schema]): [string, JsonObject] => [kind, schema]),
    ]
  }

  it('are one file for each step kind', async () => {
    const names = (await fs.readdir(path.join(folder, 'steps'))).sort()
    expect(names).toEqual([...stepKinds].sort().map((kind) => `${kind}.schema.json`))
  })

  it('are JSON Schema 2020-12 by the words of ajv without any of ours', async () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false })
    for (const [, schema] of await all()) {
      expect(ajv.validateSchema(schema), JSON.stringify(ajv.errors)).toBe(true)
    }
  })

  it('refer to each other by relative files that exist, as editors resolve them', async () => {
    for (const [name, schema] of await all()) {
      const isStep = stepKinds.some((kind) => kind === name)
      const home = isStep ? path.join(folder, 'steps') : folder
      for (const [, part] of parts(schema, name)) {
        const [file, fragment] = String(part['$ref'] ?? '').split('#')
        if (file) await expect(fs.access(path.join(home, file))).resolves.toBeUndefined()
        if (fragment) expect(fragment).toMatch(/^\/\$defs\/\w+$/)
      }
    }
  })

  it('close every mapping: no key is ignored', async () => {
    let mappings = 0
    for (const [name, schema] of await all()) {
      for (const [at, part] of parts(schema, name)) {
        if (part['type'] !== 'object') continue
        mappings++
        expect(part['additionalProperties'], at).toBeDefined()
        expect(part['additionalProperties'], at).not.toBe(true)
      }
    }
    expect(mappings).toBeGreaterThan(20)
  })

  it('say what every value should be', async () => {
    const files = await readSchemaFiles()
    for (const [at, part] of parts(files.values['$defs'] ?? null, 'values')) {
      if (part['type'] !== undefined && !at.includes('.properties.')) {
        expect(part['title'], at).toBeTypeOf('string')
      }
    }
  })

  it('use formats that have a reader', async () => {
    for (const [name, schema] of await all()) {
      for (const [at, part] of parts(schema, name)) {
        const format = part['format']
        if (typeof format === 'string') expect(Object.keys(formats), at).toContain(format)
      }
    }
  })

  it('have examples that are valid', async () => {
    const schema = await planSchema()
    const files = await readSchemaFiles()
    for (const [kind, { examples }] of files.steps) {
      expect(Array.isArray(examples) && examples.length).toBeGreaterThan(0)
      for (const example of Array.isArray(examples) ? examples : []) {
        const { errors } = schema.validate({
          version: 1,
          name: 'x',
          owner: 'x',
          targets: { primary: { engine: 'vectra', path: './data' } },
          collections: { products: { target: 'primary' } },
          destinations: { local: { url: './backups' } },
          drills: { x: { steps: [{ [kind]: example }] } },
        })
        expect(errors.map(({ instancePath, message }) => `${instancePath} ${message}`)).toEqual([])
      }
    }
  })

  it('state the bounds that the limits state', async () => {
    const { plan, values } = await readSchemaFiles()
    const text = JSON.stringify(plan)
    expect(text).toContain(`"maximum":${planLimits.goldenSample}`)
    expect(text).toContain(`"maximum":${planLimits.goldenK}`)
    expect(JSON.stringify(values)).toContain(`"maximum":${planLimits.retryAttempts}`)
  })

  it.each(stepKinds)('say what a step of kind %s gives to later ones', async (kind) => {
    const outputs = (await planSchema()).outputs.get(kind) ?? []
    expect(outputs.length).toBeGreaterThan(0)
    expect(new Set(outputs).size).toBe(outputs.length)
    for (const output of outputs) {
      expect(readTemplate(`\${steps.${kind}.${output}}`).problem).toBeUndefined()
    }
  })
})
