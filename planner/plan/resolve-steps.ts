/** Steps that passed every check → the steps of the frozen plan: defaults filled in, names resolved. */
import assert from 'node:assert'
import { innerTimeoutKinds } from './check-steps.ts'
import type { OnFailure, Retry, Step, Takes, TaskStep, When } from './plan.ts'
import { optional, type PlanNode } from './plan-node.ts'
import { dataSteps } from './resolve-data-steps.ts'
import { serviceSteps } from './resolve-service-steps.ts'
import { isStepKind } from './schema-files.ts'
import type { StepKind } from './step-inputs.ts'
import type { StepResolvers } from './step-resolvers.ts'
import { readDuration } from './units.ts'

/** What a schedule or drill says for its steps. */
export interface StepDefaults {
  readonly directory: string
  readonly ids: ReadonlyMap<string, string>
  readonly retry: Retry | undefined
  readonly onFailure: OnFailure
}

const onFailureWords = ['stop', 'continue', 'undo'] as const
const defaultBackoffMs = 1_000
const whenWords = ['failure', 'success', 'always'] as const

/** The steps of a list that may be absent. */
export const resolveSteps = (list: PlanNode | undefined, defaults: StepDefaults): Step[] =>
  (list?.items() ?? []).map((node) => resolveStep(node, defaults))

/** Like {@link resolveSteps}, where `parallel` cannot stand. */
export const resolveTasks = (list: PlanNode | undefined, defaults: StepDefaults): TaskStep[] =>
  (list?.items() ?? []).map((node) => resolveTask(node, defaults))

function resolveStep(node: PlanNode, defaults: StepDefaults): Step {
  const parallel = node.get('parallel')
  if (parallel === undefined) return resolveTask(node, defaults)
  return { kind: 'parallel', steps: resolveTasks(parallel, defaults), place: node.place }
}

/** What `retry:` says, or undefined where there is none. */
export function resolveRetry(node: PlanNode | undefined): Retry | undefined {
  if (node === undefined) return undefined
  return {
    attempts: node.need('attempts').number(),
    backoffMs: node.get('backoff')?.read(readDuration) ?? defaultBackoffMs,
  }
}

/** What `onFailure:` says, or undefined where there is none. */
export const resolveOnFailure = (node: PlanNode | undefined): OnFailure | undefined =>
  node?.word(onFailureWords)

const resolvers: StepResolvers = { ...dataSteps, ...serviceSteps }

function resolveTask(node: PlanNode, defaults: StepDefaults): TaskStep {
  const kind = node
    .entries()
    .map(([key]) => key)
    .find(isStepKind)
  const id = defaults.ids.get(node.pointer)
  assert(kind !== undefined && id !== undefined, `${node.pointer} is not a step`)
  const input = node.need(kind)
  const timeout =
    node.get('timeout') ?? (innerTimeoutKinds.includes(kind) ? input.get('timeout') : undefined)
  const step = {
    kind,
    id,
    input: resolvers[kind](input, defaults.directory),
    ...optional('timeoutMs', timeout?.read(readDuration)),
    ...optional('retry', resolveRetry(node.get('retry')) ?? defaults.retry),
    onFailure: resolveOnFailure(node.get('onFailure')) ?? defaults.onFailure,
    when: whenOf(node, input, kind),
    ...optional('takes', resolveTakes(node.get('takes'))),
    ...optional('odds', node.get('odds')?.number()),
    confirm: node.get('confirm')?.flag() ?? false,
    place: node.place,
  }
  // kind and input come from the same entry of `resolvers`, a link that a union type cannot express
  return step as TaskStep
}

/** A message has its `when` inside, where it reads best; it means the same beside it. */
function whenOf(node: PlanNode, input: PlanNode, kind: StepKind): When {
  const when = node.get('when') ?? (kind === 'notify' ? input.get('when') : undefined)
  return when?.word(whenWords) ?? 'always'
}

function resolveTakes(node: PlanNode | undefined): Takes | undefined {
  if (node === undefined) return undefined
  const likelyMs = node.need('likely').read(readDuration)
  return {
    minMs: node.get('min')?.read(readDuration) ?? likelyMs,
    likelyMs,
    maxMs: node.get('max')?.read(readDuration) ?? likelyMs,
  }
}
