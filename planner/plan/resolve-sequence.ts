/** Schedules, drills and procedures that passed every check → those of the frozen plan. */
import { frozenMap } from './frozen-map.ts'
import type { Drill, Procedure, Question, Rhythm, Schedule, Timing } from './plan.ts'
import { optional, type PlanNode } from './plan-node.ts'
import {
  resolveOnFailure,
  resolveRetry,
  resolveSteps,
  resolveTasks,
  type StepDefaults,
} from './resolve-steps.ts'
import { readDuration } from './units.ts'

export interface SequenceOptions {
  readonly directory: string
  /** The plan's. */
  readonly timezone: string
  /** Ids of steps, by the step's pointer. */
  readonly ids: ReadonlyMap<string, string>
}

const text = (node: PlanNode | undefined): string | undefined => node?.text()

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
    steps: resolveSteps(node.get('steps'), defaults),
    // one clean-up that fails must not keep the others from running
    always: resolveSteps(node.get('always'), { ...defaults, onFailure: 'continue' }),
    place: node.place,
  }
  return { sequence, defaults }
}

const zoneOf = (node: PlanNode, { timezone }: SequenceOptions): string =>
  text(node.get('timezone')) ?? timezone

const resolveTiming = (node: PlanNode, options: SequenceOptions): Timing => ({
  timezone: zoneOf(node, options),
  catchUp: node.get('catchUp')?.flag() ?? false,
  ...optional('jitterMs', node.get('jitter')?.read(readDuration)),
  ...optional('heartbeat', node.get('heartbeat')?.template()),
})

function resolveRhythm(node: PlanNode, options: SequenceOptions): Rhythm | undefined {
  const every = node.get('every')
  if (every !== undefined) return { kind: 'every', everyMs: every.read(readDuration) }
  const line = text(node.get('cron'))
  return line === undefined ? undefined : { kind: 'cron', line, timezone: zoneOf(node, options) }
}

/** Steps run by the clock: it has a rhythm. */
export function resolveSchedule(name: string, node: PlanNode, options: SequenceOptions): Schedule {
  return {
    kind: 'schedule',
    ...resolveSequence(name, node, options).sequence,
    ...resolveTiming(node, options),
    rhythm: resolveRhythm(node, options) ?? node.fail('has neither cron nor every'),
  }
}

/** Steps run as a test. */
export function resolveDrill(name: string, node: PlanNode, options: SequenceOptions): Drill {
  const { sequence, defaults } = resolveSequence(name, node, options)
  const proves = node.get('proves')?.items() ?? []
  return {
    kind: 'drill',
    ...sequence,
    ...resolveTiming(node, options),
    ...optional('rhythm', resolveRhythm(node, options)),
    proves: proves.map((item) => item.word(['rpo', 'rto', 'recall'])),
    confirm: node.get('confirm')?.flag() ?? false,
    steady: resolveTasks(node.get('steady'), { ...defaults, onFailure: 'stop' }),
  }
}

/** Steps that a person runs. */
export function resolveProcedure(
  name: string,
  node: PlanNode,
  options: SequenceOptions,
): Procedure {
  const questions = node.get('ask')?.entries() ?? []
  return {
    kind: 'procedure',
    ...resolveSequence(name, node, options).sequence,
    timezone: options.timezone,
    for: (node.get('for')?.items() ?? []).map((item) => item.text()),
    ask: frozenMap(questions.map(([key, each]) => [key, resolveQuestion(key, each)] as const)),
  }
}

const resolveQuestion = (name: string, node: PlanNode): Question => ({
  name,
  question: node.need('question').text(),
  type: node.get('type')?.word(['text', 'instant', 'number']) ?? 'text',
})
