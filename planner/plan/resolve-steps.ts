/** Steps that passed every check → the steps of the frozen plan: defaults filled in, names resolved. */
import assert from 'node:assert'
import { frozenMap } from './frozen-map.ts'
import { formatOfFile } from './import-format.ts'
import type {
  BackupInput,
  CheckInput,
  DropInput,
  ExecInput,
  ImportInput,
  InjectInput,
  KeepInput,
  OnFailure,
  PruneInput,
  RestoreInput,
  Retry,
  SnapshotChoice,
  Step,
  StepInputs,
  StepKind,
  TaskStep,
  VerifyInput,
} from './plan.ts'
import { makeTemplate, optional, type PlanNode } from './plan-node.ts'
import { isStepKind } from './schema-files.ts'
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
const defaultSnapshotId = '${collection}_${date}_${time}'

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

type Resolvers = {
  readonly [Kind in StepKind]: (input: PlanNode, directory: string) => StepInputs[Kind]
}

function resolveTask(node: PlanNode, defaults: StepDefaults): TaskStep {
  const kind = node
    .entries()
    .map(([key]) => key)
    .find(isStepKind)
  const id = defaults.ids.get(node.pointer)
  assert(kind !== undefined && id !== undefined, `${node.pointer} is not a step`)
  const input = node.need(kind)
  const timeout = node.get('timeout') ?? (kind === 'exec' ? input.get('timeout') : undefined)
  const step = {
    kind,
    id,
    input: resolvers[kind](input, defaults.directory),
    ...optional('timeoutMs', timeout?.read(readDuration)),
    ...optional('retry', resolveRetry(node.get('retry')) ?? defaults.retry),
    onFailure: resolveOnFailure(node.get('onFailure')) ?? defaults.onFailure,
    place: node.place,
  }
  // kind and input come from the same entry of `resolvers`, a link that a union type cannot express
  return step as TaskStep
}

const names = (list: PlanNode): string[] => list.items().map((item) => item.text())

function snapshotChoice(node: PlanNode | undefined): SnapshotChoice | undefined {
  if (node === undefined) return undefined
  return node.text() === 'latest' ? { kind: 'latest' } : { kind: 'id', id: node.template() }
}

const resolvers: Resolvers = {
  import(input, directory): ImportInput {
    const file = input.need('file').template(directory)
    const format =
      input.get('format')?.word(['jsonl', 'f32', 'fvecs', 'npy']) ?? formatOfFile(file.text)
    assert(format !== undefined, `${input.pointer} has no format`)
    return {
      target: input.need('target').text(),
      collection: input.need('collection').text(),
      file,
      format,
      ...optional('metadata', input.get('metadata')?.template(directory)),
      ...optional('dimension', input.get('dimension')?.number()),
      ...optional('metric', input.get('metric')?.word(['cosine', 'l2', 'ip'])),
      ...optional('index', input.get('index')?.word(['hnsw', 'ivf', 'flat'])),
      ...optional('m', input.get('m')?.number()),
      ...optional('efConstruction', input.get('efConstruction')?.number()),
      ...optional('ef', input.get('ef')?.number()),
      ...optional('lists', input.get('lists')?.number()),
      ...optional('nprobe', input.get('nprobe')?.number()),
    }
  },

  backup: (input): BackupInput => ({
    collections: names(input.need('collections')),
    to: input.need('to').text(),
    id: input.get('id')?.template() ?? makeTemplate(defaultSnapshotId, input.place),
    mode: input.get('mode')?.word(['incremental', 'full']) ?? 'incremental',
  }),

  verify: (input): VerifyInput => ({
    in: input.need('in').text(),
    ...optional('collection', input.get('collection')?.text()),
    ...optional('snapshot', snapshotChoice(input.get('snapshot'))),
    depth: input.get('depth')?.word(['manifest', 'objects', 'content']) ?? 'objects',
    ...optional('sample', shareOf(input.get('sample'))),
  }),

  restore: (input): RestoreInput => ({
    from: names(input.need('from')),
    collection: input.need('collection').text(),
    snapshot: snapshotChoice(input.get('snapshot')) ?? { kind: 'latest' },
    into: input.need('into').text(),
    ...optional('as', input.get('as')?.template()),
    replace: input.get('replace')?.flag() ?? false,
    reindex: input.get('reindex')?.flag() ?? false,
  }),

  check: (input): CheckInput => ({
    target: input.need('target').text(),
    collection: input.need('collection').template(),
    ...optional('against', input.get('against')?.word(['snapshot'])),
    ...optional('count', countExpectation(input.get('count'))),
    ...optional('digest', input.get('digest')?.word(['equal'])),
    parity: input.get('parity')?.flag() ?? false,
    ...optional('recall', recallExpectation(input.get('recall'))),
    ...optional('latency', latencyExpectation(input.get('latency'))),
  }),

  drop: (input): DropInput => ({
    target: input.need('target').text(),
    collection: input.need('collection').template(),
    ifExists: input.get('ifExists')?.flag() ?? false,
  }),

  prune: (input): PruneInput => ({
    in: input.need('in').text(),
    ...optional('collection', input.get('collection')?.text()),
    keep: keepRules(input.need('keep')),
  }),

  inject: (input): InjectInput => ({
    fault: input.need('fault').word(['drop-collection']),
    target: input.need('target').text(),
    collection: input.need('collection').text(),
  }),

  exec(input, directory): ExecInput {
    const [program, ...rest] = input.need('command').items()
    assert(program !== undefined, `${input.pointer} has no command`)
    const isPath = /^\.{1,2}\//.test(program.text())
    const variables = input.get('env')?.entries() ?? []
    return {
      command: [
        program.template(isPath ? directory : undefined),
        ...rest.map((item) => item.template()),
      ],
      env: frozenMap(variables.map(([name, text]) => [name, text.template()] as const)),
      workingDirectory: directory,
    }
  },
}

/** `5%`, as its schema has checked. */
const shareOf = (node: PlanNode | undefined): number | undefined =>
  node && Number(node.text().slice(0, -1)) / 100

const keepRules = (node: PlanNode): KeepInput => ({
  ...optional('last', node.get('last')?.number()),
  ...optional('hourly', node.get('hourly')?.number()),
  ...optional('daily', node.get('daily')?.number()),
  ...optional('weekly', node.get('weekly')?.number()),
  ...optional('monthly', node.get('monthly')?.number()),
  ...optional('yearly', node.get('yearly')?.number()),
  ...optional('withinMs', node.get('within')?.read(readDuration)),
  ...optional('tags', node.get('tags') && names(node.need('tags'))),
})

function countExpectation(node: PlanNode | undefined): CheckInput['count'] {
  if (node === undefined || node.value === 'equal') return node && 'equal'
  return {
    ...optional('min', node.get('min')?.number()),
    ...optional('max', node.get('max')?.number()),
  }
}

const recallExpectation = (node: PlanNode | undefined): CheckInput['recall'] =>
  node && { min: node.need('min').number() }

const latencyExpectation = (node: PlanNode | undefined): CheckInput['latency'] =>
  node && {
    ...optional('p50Ms', node.get('p50')?.read(readDuration)),
    ...optional('p95Ms', node.get('p95')?.read(readDuration)),
    ...optional('p99Ms', node.get('p99')?.read(readDuration)),
  }
