import * as fs from 'node:fs/promises'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { check } from '../../../planner/check/check.ts'
import { compile } from '../../../planner/compile/compile.ts'
import { explain } from '../../../planner/compile/explain.ts'
import { noHistory } from '../../../planner/step/estimate.ts'
import { stepRegistry } from '../../../planner/step/registry.ts'
import { largePlan, largePlanCollections, largePlanSteps } from '../../support/large-plan.ts'
import { planOf } from '../../support/plan-text.ts'
import { processorMs } from '../../support/processor-time.ts'
import { suiteDirectory } from '../../support/temporary-directory.ts'

const directory = suiteDirectory()

// 2 s where nothing else runs; a busy machine slows processors down as well
const limitMs = 4_000

test('500 collections and 2,000 steps are validated, checked and explained in time', async () => {
  await fs.mkdir(path.join(directory.path, 'plans'))
  const text = largePlan()
  const taken: number[] = []
  // the first one also compiles the schemas, and this program
  while (taken.length < 3 && Math.min(...taken) >= limitMs) {
    const startedMs = processorMs()
    const plan = await planOf(path.join(directory.path, 'plans'), text)
    const lines = [...plan.schedules.values()].flatMap((schedule) =>
      explain(compile(plan, schedule, { registry: stepRegistry, history: noHistory })),
    )
    const findings = check({ plan, entries: [], at: Date.UTC(2026, 10, 26) })
    taken.push(processorMs() - startedMs)
    expect(findings.filter(({ code }) => code === 'rpo-schedule')).toHaveLength(
      largePlanCollections,
    )
    expect(lines.filter((line) => line.includes('takes about'))).toHaveLength(largePlanSteps)
  }
  expect(Math.min(...taken)).toBeLessThan(limitMs)
})
