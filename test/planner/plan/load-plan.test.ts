import { createHash } from 'node:crypto'
import * as fs from 'node:fs/promises'
import * as path from 'node:path'
import { describe, expect, it } from 'vitest'
import { nodeDisk, OperatingError } from '../../../engine/index.ts'
import { checkPlan, loadPlan } from '../../../planner/plan/load-plan.ts'
import type { TaskStep } from '../../../planner/plan/plan.ts'
import { errorsOf, planOf, validPlan } from '../../support/plan-text.ts'
import { suiteDirectory } from '../../support/temporary-directory.ts'

const options = { disk: nodeDisk, env: {} }

describe('a valid plan', () => {
  const directory = suiteDirectory()
  const load = (text: string, env: Record<string, string> = {}) => planOf(directory.path, text, env)

  it('resolves paths and URLs against its own directory', async () => {
    const plan = await load(validPlan)
    expect(plan.directory).toBe(directory.path)
    expect(plan.targets.get('primary')).toMatchObject({ path: path.join(directory.path, 'data') })
    expect(plan.destinations.get('local')?.url).toBe(`file://${directory.path}/backups`)
    expect(plan.destinations.get('second')?.url).toBe('file:///var/backups/vectra')
    expect(plan.ledger.path).toBe(path.join(directory.path, '.vectra-dr/ledger.jsonl'))
  })

  it('carries the hash of its bytes', async () => {
    const plan = await load(`\ufeff${validPlan}`)
    const bytes = Buffer.from(`\ufeff${validPlan}`)
    expect(plan.sha256).toBe(createHash('sha256').update(bytes).digest('hex'))
  })

  it('applies the tier and overrides it objective by objective', async () => {
    const plan = await load(
      validPlan.replace('tier: critical }', 'tier: critical, objectives: { rto: 1h30m } }'),
    )
    expect(plan.collections.get('products')?.objectives).toEqual({
      rpoMs: 900_000,
      rtoMs: 5_400_000,
      recall: 0.95,
    })
    expect(plan.collections.get('reviews')?.objectives).toEqual({})
  })

  it('fills in what is not written', async () => {
    const plan = await load(validPlan)
    expect(plan.collections.get('products')?.golden).toEqual({ sample: 64, k: 10 })
    expect(plan.compliance).toMatchObject({
      windowMs: 90 * 86_400_000,
      trainingEveryMs: 365 * 86_400_000,
      findings: { owner: 'platform-team' },
    })
    expect(plan.schedules.get('nightly')?.timezone).toBe('Europe/Zurich')
    const [backup, verify] = plan.schedules.get('nightly')?.steps ?? []
    expect(backup).toMatchObject({
      kind: 'backup',
      id: 'backup',
      onFailure: 'stop',
      input: { mode: 'incremental', id: { text: '${collection}_${date}_${time}' } },
    })
    expect(verify).toMatchObject({ input: { depth: 'objects', snapshot: { kind: 'id' } } })
  })

  it('hands defaults of a schedule down to its steps, and clean-up goes on after a failure', async () => {
    const plan = await load(
      validPlan
        .replace(
          '    cron: "0 2 * * *"\n',
          `    cron: "0 2 * * *"
    timezone: America/New_York
    timeout: 2h
    retry: { attempts: 3, backoff: 30s }
    onFailure: undo
    always:
      - drop: { target: staging, collection: restored }
      - drop: { target: primary, collection: restored }
        onFailure: stop
`,
        )
        .replace('to: local }', 'to: local }\n        retry: { attempts: 1 }\n        timeout: 5m'),
    )
    const nightly = plan.schedules.get('nightly')
    expect(nightly).toMatchObject({ timezone: 'America/New_York', timeoutMs: 7_200_000 })
    expect(nightly?.steps[0]).toMatchObject({
      retry: { attempts: 1, backoffMs: 1_000 },
      timeoutMs: 300_000,
      onFailure: 'undo',
    })
    expect(nightly?.steps[1]).toMatchObject({ retry: { attempts: 3, backoffMs: 30_000 } })
    expect(nightly?.steps[1]).not.toHaveProperty('timeoutMs')
    expect(nightly?.always).toMatchObject([
      { id: 'drop-1', onFailure: 'continue' },
      { id: 'drop-2', onFailure: 'stop' },
    ])
  })

  it('gives every step an id that is unique and stays out of the way of written ones', async () => {
    const plan = await load(
      validPlan.replace(
        /steps:\n\s+- backup.*\n.*\n/,
        `steps:
      - exec: { command: [one] }
      - parallel:
          - exec: { command: [two] }
            id: exec-1
          - exec: { command: [three] }
      - drop: { target: primary, collection: products }
`,
      ),
    )
    const steps = plan.schedules.get('nightly')?.steps ?? []
    const ids = steps.flatMap((step): string | string[] =>
      step.kind === 'parallel' ? step.steps.map(({ id }) => id) : step.id,
    )
    expect(ids).toEqual(['exec-2', 'exec-1', 'exec-3', 'drop'])
  })

  it('keeps the place of every part', async () => {
    const plan = await load(validPlan)
    const lineOf = (text: string) =>
      validPlan.split('\n').findIndex((line) => line.includes(text)) + 1
    expect(plan.targets.get('staging')?.place).toMatchObject({
      line: lineOf('staging: {'),
      column: 3,
      path: 'targets.staging',
    })
    expect(plan.drills.get('restore-test')?.steps[1]?.place).toMatchObject({
      line: lineOf('- check:'),
      column: 9,
      path: 'drills.restore-test.steps[1]',
    })
  })

  it('is frozen through and through', async () => {
    const plan = await load(validPlan)
    const seen = new Set<unknown>()
    const frozen = (value: unknown): void => {
      if (typeof value !== 'object' || value === null || seen.has(value)) return
      seen.add(value)
      expect(Object.isFrozen(value)).toBe(true)
      for (const item of value instanceof Map ? value.values() : Object.values(value)) frozen(item)
    }
    frozen(plan)
    expect(seen.size).toBeGreaterThan(50)
    const targets = plan.targets as Map<string, unknown> // to try what the type forbids
    expect(() => targets.set('other', {})).toThrow(TypeError)
    expect(() => targets.delete('primary')).toThrow(TypeError)
    expect(() => targets.clear()).toThrow(TypeError)
    expect(plan.targets.size).toBe(2)
  })

  it('reads every step kind', async () => {
    const plan = await load(`${validPlan}  everything:
    confirm: true
    cron: "@monthly"
    steady:
      - check: { target: primary, collection: products, count: { min: 1, max: 9 } }
    steps:
      - import: { target: primary, collection: words, file: ./words.f32, metadata: ./words.jsonl, dimension: 3, metric: l2, index: flat }
      - backup: { collections: [products], to: second, id: "full_\${date}", mode: full }
        id: full
      - verify: { in: second, sample: 2.5% }
      - prune: { in: local, collection: products, keep: { last: 3, hourly: 24, daily: 7, weekly: 4, monthly: 12, yearly: 2, within: 14d, tags: [audit] } }
      - inject: { fault: drop-collection, target: primary, collection: products }
      - restore: { from: [second, local], collection: products, snapshot: "\${steps.full.snapshot}", into: primary, replace: true, reindex: true }
      - check: { target: primary, collection: products, against: snapshot, count: equal, digest: equal, parity: true, recall: { min: 0.9 }, latency: { p50: 5ms, p95: 20ms } }
        id: proof
      - exec: { command: [./notify.sh, "\${run}"], timeout: 1m, env: { REGION: eu } }
      - drop: { target: primary, collection: words, ifExists: true }
`)
    const drill = plan.drills.get('everything')
    expect(drill).toMatchObject({
      confirm: true,
      rhythm: { kind: 'cron', line: '@monthly', timezone: 'Europe/Zurich' },
      proves: [],
    })
    const inputs = new Map(
      drill?.steps.map((step): [string, unknown] => [step.kind, (step as TaskStep).input]), // no parallel in it
    )
    expect(inputs.get('import')).toMatchObject({
      format: 'f32',
      dimension: 3,
      metric: 'l2',
      index: 'flat',
    })
    expect(inputs.get('verify')).toEqual({ in: 'second', depth: 'objects', sample: 0.025 })
    expect(inputs.get('prune')).toEqual({
      in: 'local',
      collection: 'products',
      keep: {
        ...{ last: 3, hourly: 24, daily: 7, weekly: 4, monthly: 12, yearly: 2 },
        withinMs: 14 * 86_400_000,
        tags: ['audit'],
      },
    })
    expect(inputs.get('restore')).toMatchObject({
      replace: true,
      reindex: true,
      from: ['second', 'local'],
    })
    expect(inputs.get('check')).toMatchObject({ count: 'equal', latency: { p50Ms: 5, p95Ms: 20 } })
    const exec = drill?.steps.find((step) => step.kind === 'exec')
    expect(exec?.timeoutMs).toBe(60_000)
    expect(exec?.input.command.map(({ directory: base }) => base)).toEqual([
      directory.path,
      undefined,
    ])
    expect(exec?.input.env.get('REGION')?.text).toBe('eu')
  })

  it('follows aliases within their bound', async () => {
    const text = validPlan
      .replace('{ target: primary, tier: critical }', '&c { target: primary, tier: critical }')
      .replace('  reviews: { target: primary }', '  reviews: *c')
    expect((await load(text)).collections.get('reviews')?.tier).toBe('critical')
  })

  it('holds no value of a variable but as a secret', async () => {
    const text = validPlan
      .replace('path: ./staging', 'path: "${env.PLACE}/staging"')
      .replace('id: "x"', '')
      .replace(
        'ifExists: true }',
        'ifExists: true }\n      - exec: { command: [echo, "${env.TOKEN}"] }',
      )
    const plan = await load(text, { PLACE: '/srv/quiet', TOKEN: 'hunter22' })
    expect(plan.targets.get('staging')).toMatchObject({ path: '/srv/quiet/staging' })
    expect(plan.secrets.map(({ name }) => name).sort()).toEqual(['PLACE', 'TOKEN'])
    expect(JSON.stringify([...plan.drills.values(), plan.secrets])).not.toContain('hunter22')
  })
})

describe('loading', () => {
  const directory = suiteDirectory()
  const write = async (name: string, text: string): Promise<string> => {
    const file = path.join(directory.path, name)
    await fs.writeFile(file, text)
    return file
  }

  it('throws plan-invalid with every error in its details', async () => {
    const file = await write(
      'broken.yaml',
      validPlan.replace('to: local', 'to: loacl').replace('15m', '15'),
    )
    const error = await loadPlan(file, options).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(OperatingError)
    expect(error).toMatchObject({
      code: 'plan-invalid',
      exitCode: 10,
      message: `the plan ${file} has 2 errors`,
      place: { file, line: 10 },
      details: [
        { rule: 'wrong-type', path: 'tiers.critical.rpo', line: 10 },
        { rule: 'unknown-name', path: 'schedules.nightly.steps[0].backup.to', line: 21 },
      ],
    })
  })

  it('says plan-not-found for a plan that is not there', async () => {
    await expect(checkPlan(path.join(directory.path, 'none.yaml'), options)).rejects.toMatchObject({
      code: 'plan-not-found',
      exitCode: 14,
    })
  })

  it('opens regular files only', async () => {
    const file = await write('real.yaml', validPlan)
    const link = path.join(directory.path, 'link.yaml')
    await fs.symlink(file, link)
    for (const other of [link, directory.path, '/dev/zero']) {
      await expect(checkPlan(other, options)).rejects.toMatchObject({ code: 'disk-refused' })
    }
  })

  it('reports at most a hundred errors and counts the rest', async () => {
    const many = Array.from({ length: 300 }, (_, i) => `  d${i}: { url: s3://x/${i} }`).join('\n')
    const file = await write('many.yaml', validPlan.replace('  local:', `${many}\n  local:`))
    const check = await checkPlan(file, options)
    expect(check).toMatchObject({ kind: 'invalid', count: 300 })
    expect(check.kind === 'invalid' && check.errors.length).toBe(100)
  })

  it('names the file as the user did', async () => {
    const file = await write('named.yaml', validPlan.replace('version: 1', 'version: 2'))
    const relative = path.relative(process.cwd(), file)
    const check = await checkPlan(relative, options)
    expect(check.kind === 'invalid' && check.errors[0]).toMatchObject({
      file: relative,
      line: 1,
      column: 10,
    })
  })

  it('tells problems of the text and of the values together', async () => {
    const errors = await errorsOf(
      directory.path,
      validPlan.replace('owner: platform-team', 'owner: a\nowner: b\nnaem: x'),
    )
    expect(errors).toEqual([
      '4:1 owner: the key "owner" stands here twice (It stands in line 3 already; keep one of them.)',
      '5:1 naem: unknown key "naem" (Did you mean "name"?)',
    ])
  })
})
