import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import type { JsonValue } from '../../../engine/index.ts'
import { parseYaml } from '../../../planner/plan/parse-yaml.ts'
import {
  planSchema,
  type SchemaRun,
  schemaOf,
  scriptSchema,
  type ValidatorModule,
} from '../../../planner/plan/plan-schema.ts'
import { scriptValidatorModule, validatorModule } from '../../../planner/plan/schema-compiler.ts'
import { readSchemaFiles } from '../../../planner/plan/schema-files.ts'
import { schemaProblems } from '../../../planner/plan/schema-problems.ts'
import { planCorpus } from '../../support/plan-corpus.ts'
import { validPlan } from '../../support/plan-text.ts'
import { shopScript } from '../../support/played-exercise.ts'
import { referenceFile } from '../../support/reference-plan.ts'

const reference = readFileSync(referenceFile, 'utf8')

const load = async (text: string): Promise<ValidatorModule> =>
  (await import(`data:text/javascript,${encodeURIComponent(text)}`)) as ValidatorModule

/** The plan without one of its lines, in turn: keys are missing, and much is misplaced. */
const withoutALine = (text: string, every = 1): string[] => {
  const lines = text.split('\n')
  return lines.flatMap((_, index) =>
    index % every === 0 ? [lines.toSpliced(index, 1).join('\n')] : [],
  )
}

/** What ajv says, without the value and the schema beside it, and what comes of all of that. */
const told = (errors: SchemaRun['errors']) => ({
  errors: errors.map(({ data: _, schema: __, parentSchema: ___, ...error }) => error),
  problems: schemaProblems(errors),
})

const values = (texts: readonly string[]): JsonValue[] =>
  texts.flatMap((text) => {
    const { value } = parseYaml(text)
    return value === undefined ? [] : [value]
  })

test('the module that the build writes finds the same errors and annotations as the schemas', async () => {
  const [source, built] = [await planSchema(), schemaOf(await load(await validatorModule()))]
  expect(built.outputs).toEqual(source.outputs)
  const plans = values([
    reference,
    validPlan,
    // the long ones are the same mistake thousands of times
    ...planCorpus.flatMap(({ bytes }) => (bytes.length < 8_192 ? [bytes.toString()] : [])),
    ...withoutALine(validPlan),
    ...withoutALine(reference, 5),
  ])
  let errors = 0
  for (const plan of plans) {
    const [one, other] = [source.validate(plan), built.validate(plan)]
    expect(told(other.errors)).toEqual(told(one.errors))
    expect(other.annotations).toEqual(one.annotations)
    errors += one.errors.length
  }
  expect(plans.length).toBeGreaterThan(80)
  expect(errors).toBeGreaterThan(100)
})

test('the module for scripts finds what their schema does, and editors are told of two verbs by the schema alone', async () => {
  const [source, built] = [
    await scriptSchema(),
    schemaOf(await load(await scriptValidatorModule())),
  ]
  const scripts = values([shopScript, ...withoutALine(shopScript), 'acts: [{ at: 1, end: no }]'])
  let errors = 0
  for (const script of scripts) {
    const [one, other] = [source.validate(script), built.validate(script)]
    expect(told(other.errors)).toEqual(told(one.errors))
    errors += one.errors.length
  }
  expect(errors).toBeGreaterThan(4)
  const files = await readSchemaFiles()
  const ajv = new Ajv2020({ strict: false, validateFormats: false }).addSchema(files.values)
  const accepts = ajv.compile(files.script)
  const [good = null, two = null] = values([
    shopScript,
    shopScript.replace('answer: engineer-2', 'answer: engineer-2, hint: true'),
  ])
  expect([accepts(good), accepts(two)]).toEqual([true, false])
})

test('a schema that changed is another module', async () => {
  const files = await readSchemaFiles()
  const { required: _, ...plan } = files.plan
  const looser = schemaOf(await load(await validatorModule({ ...files, plan })))
  const missing = (schema: typeof looser) =>
    schema.validate({}).errors.filter(({ keyword }) => keyword === 'required')
  expect(missing(await planSchema())).not.toEqual([])
  expect(missing(looser)).toEqual([])
})
