import { expect, test } from 'vitest'
import { audit } from '../../../planner/audit/audit.ts'
import { toOscal, uuidOf } from '../../../planner/report/oscal.ts'
import { oscalProblems } from '../../support/oscal-shape.ts'
import { buildPlan } from '../../support/plan-builder.ts'
import { quarter, quarterLedger, quarterPlan } from '../../support/quarter-ledger.ts'
import { instead, planOf } from '../../support/sound-plan.ts'

const all = instead(['[soc2, dora]', '[soc2, iso22301, iso27001, nist-800-53, dora]'])

const results = async () => {
  const plan = await planOf(all(quarterPlan))
  return toOscal(audit({ plan, entries: quarterLedger(), window: quarter })) ?? ''
}

test('assessment results have the published shape', async () => {
  expect(oscalProblems(JSON.parse(await results()))).toEqual([])
})

test('the shape is strict: what is missing, misspelt or of another form is found', async () => {
  const good = await results()
  const found = (change: (text: string) => string) =>
    oscalProblems(JSON.parse(change(good))).length > 0
  expect(found((text) => text.replace('"oscal-version"', '"oscalVersion"'))).toBe(true)
  expect(found((text) => text.replace('"cp-9"', '"9 cp"'))).toBe(true)
  expect(found((text) => text.replace('"not-satisfied"', '"partly"'))).toBe(true)
  expect(found((text) => text.replace(/"uuid": "[^"]*"/, '"uuid": "1"'))).toBe(true)
  expect(found((text) => text.replace('"start"', '"begin"'))).toBe(true)
})

test('every reference leads somewhere, and nothing has two meanings', async () => {
  const { 'assessment-results': told } = JSON.parse(await results())
  const [result] = told.results
  const observed = new Set(result.observations.map((each: { uuid: string }) => each.uuid))
  const related = result.findings.flatMap(
    (each: { 'related-observations': { 'observation-uuid': string }[] }) =>
      each['related-observations'].map((one) => one['observation-uuid']),
  )
  expect(new Set(related)).toEqual(observed)
  const ids = JSON.stringify(told).match(/"uuid":"[^"]+"/g) ?? []
  expect(new Set(ids).size).toBe(ids.length)
  expect(told['import-ap'].href).toBe(`#${told['back-matter'].resources[0].uuid}`)
  const controls = result['reviewed-controls']['control-selections'][0]['include-controls']
  expect(controls).toHaveLength(14)
  expect(result.findings).toHaveLength(14)
})

test('the same audit gives the same bytes, and a plan without frameworks none', async () => {
  expect(await results()).toBe(await results())
  const bare = audit({ plan: buildPlan(), entries: [], window: quarter })
  expect(toOscal(bare)).toBeUndefined()
})

test('identifiers are UUIDs of version 5', () => {
  expect(uuidOf('a', 'b')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-/)
  expect(uuidOf('a', 'b')).not.toBe(uuidOf('a', 'c'))
  // as Python makes it: uuid.uuid5(uuid.NAMESPACE_X500, 'python.org')
  expect(uuidOf('python.org')).toBe('e9246a06-296f-5b50-be57-0519806c97e8')
})
