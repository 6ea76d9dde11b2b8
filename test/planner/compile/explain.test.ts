import { writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { nodeDisk } from '../../../engine/index.ts'
import { compile } from '../../../planner/compile/compile.ts'
import { explain } from '../../../planner/compile/explain.ts'
import { stepsOf, type TaskTree } from '../../../planner/compile/task.ts'
import { loadPlan } from '../../../planner/plan/load-plan.ts'
import type { Plan } from '../../../planner/plan/plan.ts'
import { type History, noHistory } from '../../../planner/step/estimate.ts'
import { stepRegistry } from '../../../planner/step/registry.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const text = `version: 1
name: shop
owner: platform-team
timezone: Europe/Zurich
targets:
  primary: { engine: vectra, path: ./data }
  staging: { engine: vectra, path: ./staging }
collections:
  products: { target: primary, objectives: { rpo: 15m, rto: 30m, recall: 0.95 } }
destinations:
  local: { url: ./backups }
  offsite: { url: ./offsite }
schedules:
  nightly:
    cron: "0 2 * * *"
    timeout: 2h
    retry: { attempts: 3, backoff: 30s }
    onFailure: undo
    steps:
      - backup: { collections: [products], to: local, id: "products_\${date}", mode: full }
      - parallel:
          - verify: { in: local, collection: products, snapshot: latest, depth: objects }
            timeout: 10m
          - exec: { command: [echo, "it's \${env.SHOP_TOKEN}"], env: { REGION: eu-central } }
            onFailure: continue
drills:
  dropped:
    description: Lose the collection and bring it back.
    proves: [rpo, rto]
    confirm: true
    steady:
      - check: { target: primary, collection: products, count: { min: 1 } }
    steps:
      - inject: { fault: drop-collection, target: primary, collection: products }
      - restore: { from: [offsite, local], collection: products, snapshot: latest, into: staging, as: products_test }
      - check: { target: staging, collection: products_test, against: snapshot, count: equal, digest: equal, parity: true, recall: { min: 0.9 } }
    always:
      - drop: { target: staging, collection: products_test, ifExists: true }
`

async function load(): Promise<Plan> {
  const file = path.join(await temporaryDirectory(), 'shop.yaml')
  await writeFile(file, text)
  const plan = await loadPlan(file, { disk: nodeDisk, env: { SHOP_TOKEN: 'swordfish' } })
  // the text below does not depend on where the test runs
  return { ...plan, file: 'plans/shop.yaml' }
}

function compileOne(plan: Plan, name: string, history: History = noHistory): TaskTree {
  const sequence = plan.schedules.get(name) ?? plan.drills.get(name)
  if (sequence === undefined) throw new Error(`no sequence ${name}`)
  return compile(plan, sequence, { registry: stepRegistry, history })
}

test('explain shows a schedule: places, commands, times, policies and what is touched', async () => {
  const history: History = {
    durationsMs: (_, kind) => (kind === 'backup' ? [80_000, 120_000, 90_000] : []),
  }
  const lines = explain(compileOne(await load(), 'nightly', history))
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('explain-schedule.txt')
})

test('explain shows a drill: what it proves, that it asks, steady checks and clean-up', async () => {
  const lines = explain(compileOne(await load(), 'dropped'))
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('explain-drill.txt')
})

test('explain never shows the value of a variable', async () => {
  const lines = explain(compileOne(await load(), 'nightly'))
  expect(lines.join('\n')).toContain('${env.SHOP_TOKEN}')
  expect(lines.join('\n')).not.toContain('swordfish')
})

test('a compiled tree is frozen, and the same for the same plan', async () => {
  const plan = await load()
  const tree = compileOne(plan, 'nightly')
  expect(Object.isFrozen(tree)).toBe(true)
  for (const stage of tree.stages) {
    expect(Object.isFrozen(stage)).toBe(true)
    for (const task of stepsOf(stage.tasks)) expect(Object.isFrozen(task)).toBe(true)
  }
  expect(explain(compileOne(plan, 'nightly'))).toEqual(explain(tree))
})

test('stages without steps are left out, and steady checks stand before and after', async () => {
  const plan = await load()
  const names = (name: string) => compileOne(plan, name).stages.map((stage) => stage.name)
  expect(names('nightly')).toEqual(['steps'])
  expect(names('dropped')).toEqual(['steady-before', 'steps', 'steady-after', 'always'])
})

test('a key that the environment holds for another destination is taken away, as a person would', async () => {
  const file = path.join(await temporaryDirectory(), 'shop.yaml')
  const sealed = 'offsite: { url: ./offsite, encryption: { key: "${env.VECTRA_BACKUP_KEY}" } }'
  await writeFile(
    file,
    text.replace('offsite: { url: ./offsite }', () => sealed),
  )
  const env = {
    SHOP_TOKEN: 'swordfish',
    VECTRA_BACKUP_KEY: 'aGVyZSBzdGFuZHMgYSBrZXkgb2YgMzIgYnl0ZXMgLi4=',
  }
  const plan = await loadPlan(file, { disk: nodeDisk, env })
  const nightly = plan.schedules.get('nightly')
  if (nightly === undefined) throw new Error('it is in the text')
  const lines = explain(compile(plan, nightly, { registry: stepRegistry, history: noHistory }))
  const commands = lines.map((line) => line.trim()).filter((line) => line.startsWith('$ '))
  expect(commands[0]).toMatch(
    /^\$ env -u VECTRA_BACKUP_KEY vectra-cli .* --destination \.\/backups/,
  )
})
