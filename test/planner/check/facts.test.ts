import { writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { nodeDisk } from '../../../engine/index.ts'
import { factsOf } from '../../../planner/check/facts.ts'
import { loadPlan } from '../../../planner/plan/load-plan.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const text = `version: 1
name: two-places
owner: me
targets: { primary: { engine: vectra, path: ./data } }
destinations: { near: { url: ./near }, far: { url: ./far } }
collections:
  a: { target: primary, objectives: { rpo: 1h } }
  b: { target: primary, objectives: { rpo: 1h } }
  c: { target: primary, objectives: { rpo: 1h } }
schedules:
  nightly:
    cron: "0 2 * * *"
    steps:
      - prune: { in: near, collection: a, keep: { daily: 1 } }
      - prune: { in: far, collection: a, keep: { daily: 2 } }
      - prune: { in: near, keep: { daily: 3 } }
      - prune: { in: near, collection: b, keep: { daily: 4 } }
      - prune: { in: near, keep: { daily: 5 } }
      - prune: { in: near, collection: a, keep: { daily: 6 } }
      - verify: { in: near, collection: a }
`

test('steps at a destination are those that name the collection or none, in their order', async () => {
  const file = path.join(await temporaryDirectory(), 'plan.yaml')
  await writeFile(file, text)
  const plan = await loadPlan(file, { disk: nodeDisk, env: {} })
  const facts = factsOf({ plan, entries: [], at: 0 })
  const kept = (destination: string, collection: string) =>
    facts.stepsAt('prune', destination, collection).map(({ input }) => input.keep.daily)
  expect(kept('near', 'a')).toEqual([1, 3, 5, 6])
  expect(kept('near', 'b')).toEqual([3, 4, 5])
  expect(kept('near', 'c')).toEqual([3, 5])
  expect(kept('far', 'a')).toEqual([2])
  expect(kept('far', 'b')).toEqual([])
  expect(kept('nowhere', 'a')).toEqual([])
  expect(facts.stepsAt('verify', 'near', 'a')).toHaveLength(1)
  expect(facts.stepsAt('verify', 'near', 'b')).toEqual([])
})
