/** Plans and task trees for tests, without YAML: only what a test says differs from the plainest. */

import type { Stage, StepTask, Task, TaskTree } from '../../planner/compile/task.ts'
import type { Place } from '../../planner/plan/place.ts'
import type {
  Compliance,
  Destination,
  Drill,
  EmbeddedTarget,
  ObjectiveKind,
  Plan,
  PlanCollection,
  Target,
} from '../../planner/plan/plan.ts'
import type { Template, TemplatePart } from '../../planner/plan/template.ts'
import type { StepContext, StepResult } from '../../planner/step/step.ts'

export const somewhere: Place = { file: 'plans/test.yaml', line: 1, column: 1, path: '' }

export const at = (line: number): Place => ({ ...somewhere, line })

export const text = (value: string, parts?: readonly TemplatePart[]): Template => ({
  text: value,
  parts: parts ?? [{ kind: 'text', text: value }],
  place: somewhere,
})

export const buildTarget = (name: string, path = `/data/${name}`): EmbeddedTarget => ({
  kind: 'vectra',
  name,
  path,
  domains: {},
  place: somewhere,
})

export const buildDestination = (name: string, url = `file:///backups/${name}`): Destination => ({
  name,
  url,
  domains: {},
  place: somewhere,
})

export const buildCollection = (
  name: string,
  changes: Partial<PlanCollection> = {},
): PlanCollection => ({
  name,
  target: 'primary',
  objectives: {},
  golden: { sample: 64, k: 10 },
  place: somewhere,
  ...changes,
})

const named = <T extends { readonly name: string }>(items: readonly T[]): ReadonlyMap<string, T> =>
  new Map(items.map((item) => [item.name, item]))

export const buildCompliance = (changes: Partial<Compliance> = {}): Compliance => ({
  windowMs: 90 * 86_400_000,
  trainingEveryMs: 365 * 86_400_000,
  findings: { owner: 'platform-team' },
  frameworks: [],
  signers: [],
  exclusions: new Map(),
  ...changes,
})

export interface PlanParts extends Partial<Omit<Plan, 'targets' | 'collections' | 'destinations'>> {
  readonly targets?: readonly Target[]
  readonly collections?: readonly PlanCollection[]
  readonly destinations?: readonly Destination[]
}

export function buildPlan(parts: PlanParts = {}): Plan {
  const { targets, collections, destinations, ...rest } = parts
  return {
    file: 'plans/test.yaml',
    directory: '/project/plans',
    sha256: '5'.repeat(64),
    version: 1,
    name: 'test',
    owner: 'platform-team',
    timezone: 'UTC',
    tiers: new Map(),
    targets: named(targets ?? [buildTarget('primary')]),
    collections: named(collections ?? [buildCollection('words')]),
    destinations: named(destinations ?? [buildDestination('local')]),
    schedules: new Map(),
    drills: new Map(),
    ledger: { path: '/project/plans/.vectra-dr/ledger.jsonl' },
    procedures: new Map(),
    replication: new Map(),
    people: {
      roles: new Map(),
      contacts: new Map(),
      escalation: [],
      channels: new Map(),
      communications: new Map(),
    },
    scenarios: new Map(),
    compliance: buildCompliance(),
    secrets: [],
    ...rest,
  }
}

export const buildDrill = (changes: Partial<Drill> = {}): Drill => ({
  kind: 'drill',
  name: 'restore-test',
  timezone: 'UTC',
  proves: [],
  confirm: false,
  catchUp: false,
  steady: [],
  steps: [],
  always: [],
  place: somewhere,
  ...changes,
})

export type Work = (context: StepContext) => Promise<StepResult>

export const passing: Work = async () => ({ outputs: {} })

export const buildTask = (
  id: string,
  run: Work = passing,
  changes: Partial<StepTask> = {},
): StepTask => ({
  kind: 'step',
  id,
  stepKind: 'exec',
  description: { sentence: `Do ${id}`, expected: 'it is done', commands: [] },
  estimate: { durationMs: 1_000, origin: 'default', basis: 'never measured' },
  touches: [],
  needs: [],
  onFailure: 'stop',
  when: 'always',
  confirm: false,
  place: somewhere,
  input: {},
  run,
  ...changes,
})

export const sideBySide = (...tasks: readonly StepTask[]): Task => ({
  kind: 'parallel',
  tasks,
  place: somewhere,
})

export interface TreeParts {
  readonly plan?: Plan
  readonly proves?: readonly ObjectiveKind[]
  readonly timeoutMs?: number
  readonly steady?: readonly Task[]
  readonly steps: readonly Task[]
  readonly always?: readonly Task[]
}

export function buildTree(parts: TreeParts): TaskTree {
  const { steady = [], steps, always = [] } = parts
  const stages: Stage[] = [
    { name: 'steady-before', tasks: steady },
    { name: 'steps', tasks: steps },
    { name: 'steady-after', tasks: steady },
    { name: 'always', tasks: always },
  ]
  return {
    plan: parts.plan ?? buildPlan(),
    sequence: { kind: 'drill', name: 'restore-test' },
    timezone: 'UTC',
    proves: parts.proves ?? [],
    confirm: false,
    ...(parts.timeoutMs !== undefined && { timeoutMs: parts.timeoutMs }),
    stages: stages.filter((stage) => stage.tasks.length > 0),
  }
}
