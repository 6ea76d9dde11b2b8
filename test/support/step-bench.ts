/** A place to run single steps in: what they say and keep is collected. */

import { systemTimer } from '../../engine/base/timer.ts'
import { type JsonObject, nodeDisk, sha256Hex, systemClock } from '../../engine/index.ts'
import type { Plan } from '../../planner/plan/plan.ts'
import type { Template } from '../../planner/plan/template.ts'
import { nobodyToAsk } from '../../planner/step/asking.ts'
import type { StepRecord } from '../../planner/step/record.ts'
import type { StepContext } from '../../planner/step/step.ts'
import type { Repositories } from '../../planner/target/repositories.ts'
import type { TargetAdapter } from '../../planner/target/target.ts'
import { buildPlan } from './plan-builder.ts'

export interface StepBench {
  readonly context: StepContext
  readonly remarks: readonly string[]
  /** Content by name. */
  readonly kept: ReadonlyMap<string, string>
  readonly notes: readonly JsonObject[]
  readonly stop: AbortController
  readonly force: AbortController
}

const lacking = (what: string) => () => Promise.reject(new Error(`this test has no ${what}`))

export const noRepositories: Repositories = {
  verify: lacking('verify'),
  prune: lacking('prune'),
  copy: lacking('copy'),
  since: lacking('since'),
  holding: lacking('holding'),
  latest: lacking('latest'),
  backup: lacking('backup'),
  expectation: lacking('expectation'),
}

/** A target of which a test says what it needs. */
export const buildAdapter = (changes: Partial<TargetAdapter>): TargetAdapter => ({
  kind: 'test',
  name: 'primary',
  capabilities: new Set([
    'import',
    'backup',
    'restore',
    'drop',
    'position',
    'digest',
    'search',
  ] as const),
  position: lacking('position'),
  importFile: lacking('importFile'),
  backup: lacking('backup'),
  archive: lacking('archive'),
  restore: lacking('restore'),
  drop: lacking('drop'),
  measure: lacking('measure'),
  writeAlong: lacking('writeAlong'),
  missing: lacking('missing'),
  deletePoints: lacking('deletePoints'),
  switchAlias: lacking('switchAlias'),
  meaning: lacking('meaning'),
  ...changes,
})

export function stepBench(
  changes: Partial<StepContext> & { readonly plan?: Plan; readonly adapter?: TargetAdapter } = {},
): StepBench {
  const { adapter = buildAdapter({}), ...rest } = changes
  const remarks: string[] = []
  const kept = new Map<string, string>()
  const notes: JsonObject[] = []
  const stop = new AbortController()
  const force = new AbortController()
  const redact = rest.redact ?? ((text: string) => text)
  const context: StepContext = {
    id: 'step',
    mark: `test-${process.pid}/steps/step`,
    plan: buildPlan(),
    asking: nobodyToAsk,
    text: (template: Template) => template.text,
    target: () => adapter,
    repositories: noRepositories,
    inputs: {},
    disk: nodeDisk,
    clock: systemClock,
    timer: systemTimer,
    environment: { PATH: process.env['PATH'], HOME: '/home/somebody', LANG: 'C' },
    signal: stop.signal,
    forceSignal: force.signal,
    progress: () => {},
    remark: (text) => remarks.push(redact(text)),
    keep: async (name, content) => {
      kept.set(name, String(content))
      return { artefact: `runs/r/steps/s/${name}`, sha256: sha256Hex(content) }
    },
    beside: () => AbortSignal.abort(),
    note: async (note) => void notes.push(note),
    redact,
    records: [],
    ...rest,
  }
  return { context, remarks, kept, notes, stop, force }
}

export const buildRecord = (changes: Partial<StepRecord>): StepRecord => ({
  step: 'step',
  kind: 'exec',
  stage: 'steps',
  outcome: 'passed',
  startedAt: '2026-01-01T00:00:00.000Z',
  endedAt: '2026-01-01T00:00:01.000Z',
  durationMs: 1_000,
  attempts: 1,
  inputs: {},
  outputs: {},
  evidence: [],
  remarks: [],
  ...changes,
})
