/**
 * A plan that passed every check → the frozen {@link Plan}: tiers applied, durations in milliseconds,
 * paths and URLs absolute, variables of settings filled in.
 */
import assert from 'node:assert'
import * as path from 'node:path'
import { defaults as engineDefaults, type JsonValue } from '../../engine/index.ts'
import { frozenMap } from './frozen-map.ts'
import { readDate } from './instant.ts'
import { named } from './named.ts'
import type {
  Compliance,
  Ledger,
  Objectives,
  Plan,
  PlanCollection,
  Replication,
  Tier,
} from './plan.ts'
import { optional, PlanNode, type PlanSource } from './plan-node.ts'
import { type RawSequence, stepIds } from './raw-steps.ts'
import { resolveDestination } from './resolve-destination.ts'
import { resolvePeople, resolveScenario } from './resolve-people.ts'
import {
  resolveDrill,
  resolveProcedure,
  resolveSchedule,
  type SequenceOptions,
} from './resolve-sequence.ts'
import { resolveTarget } from './resolve-target.ts'
import type { Secret } from './secret.ts'
import { fillSetting } from './settings.ts'
import type { Environment } from './template.ts'
import { readDuration } from './units.ts'

const defaultLedger = '.vectra-dr/ledger.jsonl'
const defaultWindowMs = 90 * 24 * 60 * 60 * 1_000
const defaultTrainingEveryMs = 365 * 24 * 60 * 60 * 1_000

export interface ResolveOptions {
  readonly source: PlanSource
  /** Those of the same value. */
  readonly sequences: readonly RawSequence[]
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
  const ids = new Map(options.sequences.flatMap(({ steps }) => [...stepIds(steps).ids]))
  const sequences: SequenceOptions = { directory, timezone, ids }
  const setting = (node: PlanNode): string => {
    const filled = fillSetting(node.text(), env)
    assert(filled !== undefined, `${node.pointer} cannot be filled in`)
    return filled
  }
  const places = { directory, setting }
  const tiers = named(root.get('tiers'), resolveTier)
  const owner = root.need('owner').text()

  return deepFreeze({
    file: source.text.file,
    directory,
    sha256,
    version: 1,
    name: root.need('name').text(),
    ...optional('description', root.get('description')?.text()),
    owner,
    ...optional('reviewedAt', root.get('reviewedAt')?.read(readDate)),
    timezone,
    targets: named(root.need('targets'), (name, node) => resolveTarget(name, node, places)),
    tiers,
    collections: named(root.need('collections'), (name, node) =>
      resolveCollection(name, node, tiers, places),
    ),
    destinations: named(root.need('destinations'), (name, node) =>
      resolveDestination(name, node, places),
    ),
    schedules: named(root.get('schedules'), (name, node) => resolveSchedule(name, node, sequences)),
    drills: named(root.get('drills'), (name, node) => resolveDrill(name, node, sequences)),
    procedures: named(root.get('procedures'), (name, node) =>
      resolveProcedure(name, node, sequences),
    ),
    replication: named(root.get('replication'), resolveReplication),
    people: resolvePeople(root, directory),
    scenarios: named(root.get('scenarios'), resolveScenario),
    ledger: resolveLedger(root.get('ledger'), places),
    compliance: resolveCompliance(root.get('compliance'), owner),
    secrets: options.secrets,
  })
}

interface Places {
  readonly directory: string
  setting(node: PlanNode): string
}

function resolveLedger(node: PlanNode | undefined, { directory, setting }: Places): Ledger {
  const file = node?.get('path')
  const key = node?.get('signing')?.get('keyFile')
  return {
    path: path.resolve(directory, file ? setting(file) : defaultLedger),
    ...optional('signingKeyFile', key && path.resolve(directory, setting(key))),
    ...optional('anchor', text(node?.get('anchor'))),
  }
}

function resolveCompliance(node: PlanNode | undefined, owner: string): Compliance {
  const findings = node?.get('findings')
  const due = findings?.get('due')
  const exclusions = node?.get('exclusions')?.items() ?? []
  return {
    windowMs: node?.get('window')?.read(readDuration) ?? defaultWindowMs,
    ...optional('drillEveryMs', node?.get('drillEvery')?.read(readDuration)),
    trainingEveryMs: node?.get('trainingEvery')?.read(readDuration) ?? defaultTrainingEveryMs,
    findings: {
      owner: text(findings?.get('owner')) ?? owner,
      ...optional('criticalDueMs', due?.get('critical')?.read(readDuration)),
      ...optional('warningDueMs', due?.get('warning')?.read(readDuration)),
    },
    frameworks: (node?.get('frameworks')?.items() ?? []).map((item) =>
      item.word(['soc2', 'iso22301', 'iso27001', 'nist-800-53', 'dora']),
    ),
    signers: (node?.get('signers')?.items() ?? []).map((item) => item.need('role').text()),
    exclusions: frozenMap(
      exclusions.map(
        (item) => [item.need('collection').text(), item.need('reason').text()] as const,
      ),
    ),
  }
}

const resolveReplication = (collection: string, node: PlanNode): Replication => ({
  collection,
  from: node.need('from').text(),
  to: node
    .need('to')
    .items()
    .map((item) => item.text()),
  mode: node.get('mode')?.word(['sync', 'async']) ?? 'async',
  ...optional('maxLagMs', node.get('maxLag')?.read(readDuration)),
  place: node.place,
})

const text = (node: PlanNode | undefined): string | undefined => node?.text()

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
  { directory, setting }: Places,
): PlanCollection {
  const tier = text(node.get('tier'))
  const golden = node.get('golden')
  const file = golden?.get('file')
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
      ...optional('file', file && path.resolve(directory, setting(file))),
    },
    ...optional('alias', text(node.get('alias'))),
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
