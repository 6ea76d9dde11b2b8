/**
 * A plan that passed every check → the frozen {@link Plan}: tiers applied, durations in milliseconds,
 * paths and URLs absolute, variables of settings filled in.
 */
import assert from 'node:assert'
import * as path from 'node:path'
import { defaults as engineDefaults, type JsonValue } from '../../engine/index.ts'
import { frozenMap } from './frozen-map.ts'
import { readDate } from './instant.ts'
import type { Drill, Objectives, Plan, PlanCollection, Schedule, Target, Tier } from './plan.ts'
import { optional, PlanNode, type PlanSource } from './plan-node.ts'
import { rawSequences, stepIds } from './raw-steps.ts'
import { domainsOf, resolveDestination } from './resolve-destination.ts'
import {
  resolveOnFailure,
  resolveRetry,
  resolveSteps,
  resolveTasks,
  type StepDefaults,
} from './resolve-steps.ts'
import type { Secret } from './secret.ts'
import { fillSetting } from './settings.ts'
import type { Environment } from './template.ts'
import { readDuration } from './units.ts'

const defaultLedger = '.vectra-dr/ledger.jsonl'
const defaultWindowMs = 90 * 24 * 60 * 60 * 1_000

export interface ResolveOptions {
  readonly source: PlanSource
  /** Absolute. */
  readonly directory: string
  readonly sha256: string
  readonly env: Environment
  readonly secrets: readonly Secret[]
}

export function resolvePlan(value: JsonValue, options: ResolveOptions): Plan {
  const { source, directory, sha256, env } = options
  const root = new PlanNode(value, '', source)
  const timezone = root.get('timezone')?.text() ?? 'UTC'
  const ids = new Map(rawSequences(value).flatMap(({ steps }) => [...stepIds(steps).ids]))
  const sequences: SequenceOptions = { directory, timezone, ids }
  const setting = (node: PlanNode): string => {
    const filled = fillSetting(node.text(), env)
    assert(filled !== undefined, `${node.pointer} cannot be filled in`)
    return filled
  }
  const tiers = named(root.get('tiers'), resolveTier)
  const ledger = root.get('ledger')?.get('path')
  const compliance = root.get('compliance')
  const window = compliance?.get('window')?.read(readDuration)

  return deepFreeze({
    file: source.text.file,
    directory,
    sha256,
    version: 1,
    name: root.need('name').text(),
    ...optional('description', root.get('description')?.text()),
    owner: root.need('owner').text(),
    ...optional('reviewedAt', root.get('reviewedAt')?.read(readDate)),
    timezone,
    targets: named(root.need('targets'), (name, node) =>
      resolveTarget(name, node, path.resolve(directory, setting(node.need('path')))),
    ),
    tiers,
    collections: named(root.need('collections'), (name, node) =>
      resolveCollection(name, node, tiers),
    ),
    destinations: named(root.need('destinations'), (name, node) =>
      resolveDestination(name, node, { directory, setting }),
    ),
    schedules: named(root.get('schedules'), (name, node) => resolveSchedule(name, node, sequences)),
    drills: named(root.get('drills'), (name, node) => resolveDrill(name, node, sequences)),
    ledger: { path: path.resolve(directory, ledger ? setting(ledger) : defaultLedger) },
    compliance: {
      windowMs: window ?? defaultWindowMs,
      ...optional('drillEveryMs', compliance?.get('drillEvery')?.read(readDuration)),
    },
    secrets: options.secrets,
  })
}

const named = <Value>(
  section: PlanNode | undefined,
  resolve: (name: string, node: PlanNode) => Value,
): ReadonlyMap<string, Value> =>
  frozenMap((section?.entries() ?? []).map(([name, node]) => [name, resolve(name, node)] as const))

const text = (node: PlanNode | undefined): string | undefined => node?.text()

const resolveTarget = (name: string, node: PlanNode, dataDirectory: string): Target => ({
  kind: node.need('engine').word(['vectra']),
  name,
  path: dataDirectory,
  domains: domainsOf(node),
  place: node.place,
})

const resolveObjectives = (node: PlanNode | undefined): Objectives => ({
  ...optional('rpoMs', node?.get('rpo')?.read(readDuration)),
  ...optional('rtoMs', node?.get('rto')?.read(readDuration)),
  ...optional('recall', node?.get('recall')?.number()),
})

const resolveTier = (name: string, node: PlanNode): Tier => ({
  name,
  objectives: resolveObjectives(node),
  place: node.place,
})

function resolveCollection(
  name: string,
  node: PlanNode,
  tiers: ReadonlyMap<string, Tier>,
): PlanCollection {
  const tier = text(node.get('tier'))
  const golden = node.get('golden')
  const embedding = node.get('embedding')
  return {
    name,
    target: node.need('target').text(),
    ...optional('tier', tier),
    objectives: {
      ...(tier !== undefined && tiers.get(tier)?.objectives),
      ...resolveObjectives(node.get('objectives')),
    },
    golden: {
      sample: golden?.get('sample')?.number() ?? engineDefaults.goldenSample,
      k: golden?.get('k')?.number() ?? engineDefaults.k,
    },
    ...optional(
      'embedding',
      embedding && {
        model: embedding.need('model').text(),
        ...optional('version', text(embedding.get('version'))),
      },
    ),
    place: node.place,
  }
}

interface SequenceOptions {
  readonly directory: string
  readonly timezone: string
  /** By the step's pointer. */
  readonly ids: ReadonlyMap<string, string>
}

function resolveSequence(name: string, node: PlanNode, options: SequenceOptions) {
  const defaults: StepDefaults = {
    directory: options.directory,
    ids: options.ids,
    retry: resolveRetry(node.get('retry')),
    onFailure: resolveOnFailure(node.get('onFailure')) ?? 'stop',
  }
  const sequence = {
    name,
    ...optional('description', text(node.get('description'))),
    ...optional('timeoutMs', node.get('timeout')?.read(readDuration)),
    timezone: text(node.get('timezone')) ?? options.timezone,
    steps: resolveSteps(node.get('steps'), defaults),
    // one clean-up that fails must not keep the others from running
    always: resolveSteps(node.get('always'), { ...defaults, onFailure: 'continue' }),
    place: node.place,
  }
  return { sequence, defaults }
}

function resolveSchedule(name: string, node: PlanNode, options: SequenceOptions): Schedule {
  const { sequence } = resolveSequence(name, node, options)
  return { kind: 'schedule', ...sequence, cron: node.need('cron').text() }
}

function resolveDrill(name: string, node: PlanNode, options: SequenceOptions): Drill {
  const { sequence, defaults } = resolveSequence(name, node, options)
  const proves = node.get('proves')?.items() ?? []
  return {
    kind: 'drill',
    ...sequence,
    ...optional('cron', text(node.get('cron'))),
    proves: proves.map((item) => item.word(['rpo', 'rto', 'recall'])),
    confirm: node.get('confirm')?.flag() ?? false,
    steady: resolveTasks(node.get('steady'), { ...defaults, onFailure: 'stop' }),
  }
}

/** Freezes plain objects and arrays all the way down; maps and secrets look after themselves. */
function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Map) {
    for (const item of value.values()) deepFreeze(item)
    return value
  }
  for (const item of Object.values(value)) deepFreeze(item)
  return Object.freeze(value)
}
