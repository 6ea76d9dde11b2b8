import { writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import {
  largePlan,
  largePlanCollections,
  largePlanInLines,
  largePlanSteps,
} from '../support/large-plan.ts'
import { measuredProcess } from '../support/measured-process.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const command = fileURLToPath(new URL('../../dist/planner/cli/main.js', import.meta.url))

// 2.8 s where nothing else runs, much of it the YAML library, three times over; a busy machine slows processors down as well
const limitMs = 8_000

test('the built commands validate, check and explain 500 collections and 2,000 steps in time', async () => {
  const file = path.join(await temporaryDirectory(), 'large.yaml')
  await writeFile(file, largePlan())
  const validate = await measuredProcess([command, 'validate', file])
  const check = await measuredProcess([command, 'check', file, '--json'])
  const explain = await measuredProcess([command, 'explain', file])
  expect([validate.exitCode, check.exitCode, explain.exitCode]).toEqual([0, 3, 0])
  expect(validate.stdout).toContain(`${largePlanCollections} collections`)
  expect(check.stdout.split('"code":"rpo-schedule"')).toHaveLength(largePlanCollections + 1)
  expect(explain.stdout.split('takes about')).toHaveLength(largePlanSteps + 1)
  expect(validate.processorMs + check.processorMs + explain.processorMs).toBeLessThan(limitMs)
})

test('it may be written in lines, which takes more room than brackets', async () => {
  const file = path.join(await temporaryDirectory(), 'in-lines.yaml')
  const text = largePlanInLines()
  expect(text.length).toBeGreaterThan(1.5 * largePlan().length)
  await writeFile(file, text)
  const { stdout, exitCode } = await measuredProcess([command, 'validate', file])
  expect({ stdout, exitCode }).toMatchObject({ exitCode: 0 })
  expect(stdout).toContain(`${largePlanCollections} collections`)
})

test('a command that only prints its help costs little more than a process', async () => {
  const nothing = await measuredProcess(['-e', '0'])
  const help = await measuredProcess([command, '--help'])
  expect(help.stdout).toContain('vectra-dr')
  expect(help.processorMs).toBeLessThan(5 * nothing.processorMs + 200)
})
