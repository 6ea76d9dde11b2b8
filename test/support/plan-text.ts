/** A small valid plan as text, and helpers that load plans from a temporary directory. */
import * as fs from 'node:fs/promises'
import * as path from 'node:path'
import { nodeDisk } from '../../engine/index.ts'
import { checkPlan, type PlanCheck } from '../../planner/plan/load-plan.ts'
import type { PlanError } from '../../planner/plan/problem.ts'
import type { Environment } from '../../planner/plan/template.ts'

export const validPlan = `version: 1
name: shop-dr
owner: platform-team
reviewedAt: 2026-11-01
timezone: Europe/Zurich
targets:
  primary: { engine: vectra, path: ./data, node: a1, region: eu-central }
  staging: { engine: vectra, path: ./staging }
tiers:
  critical: { rpo: 15m, rto: 30m, recall: 0.95 }
collections:
  products: { target: primary, tier: critical }
  reviews: { target: primary }
destinations:
  local: { url: ./backups }
  second: { url: "file:///var/backups/vectra", node: b1 }
schedules:
  nightly:
    cron: "0 2 * * *"
    steps:
      - backup: { collections: [products], to: local }
      - verify: { in: local, collection: products, snapshot: "\${steps.backup.snapshot}" }
drills:
  restore-test:
    proves: [rto, recall]
    steps:
      - restore: { from: [local], collection: products, into: staging, as: restored }
      - check: { target: staging, collection: restored, against: snapshot, count: equal }
    always:
      - drop: { target: staging, collection: restored, ifExists: true }
`

/** Writes `text` as `plan.yaml` into `directory` and checks it. */
export async function checkText(
  directory: string,
  text: string | Uint8Array,
  env: Environment = {},
): Promise<PlanCheck> {
  const file = path.join(directory, 'plan.yaml')
  await fs.writeFile(file, text)
  return checkPlan(file, { disk: nodeDisk, env })
}

/** The plan, or a failure that shows what is wrong with it. */
export async function planOf(directory: string, text: string, env: Environment = {}) {
  const check = await checkText(directory, text, env)
  if (check.kind === 'valid') return check.plan
  throw new Error(`the plan is invalid: ${JSON.stringify(check.errors, undefined, 2)}`)
}

/** `line:column path: message (hint)` of every error. */
export const errorsOf = (directory: string, text: string, env: Environment = {}) =>
  tellErrors(directory, text, env, ({ line, column }) => `${line}:${column}`)

/** The same with what stands under the caret instead of line and column. */
export const errorsAt = (directory: string, text: string, env: Environment = {}) =>
  tellErrors(directory, text, env, ({ source, caret }) => {
    const [found = ''] = /^("[^"]*"|[\w${.}@:/~-]+|.?)/.exec(source.slice(caret - 1)) ?? []
    return found.replace(/[:}]+$/, '')
  })

async function tellErrors(
  directory: string,
  text: string,
  env: Environment,
  place: (error: PlanError) => string,
): Promise<string[]> {
  const check = await checkText(directory, text, env)
  if (check.kind === 'valid') return []
  return check.errors.map((error) => {
    const hint = error.hint === undefined ? '' : ` (${error.hint})`
    return `${place(error)} ${error.path}: ${error.message}${hint}`
  })
}
