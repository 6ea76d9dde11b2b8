/** Steps that move, prove and break data → their inputs. */
import assert from 'node:assert'
import { formatOfFile } from './import-format.ts'
import { makeTemplate, optional, type PlanNode } from './plan-node.ts'
import type {
  ArchiveInput,
  BackupInput,
  CanaryInput,
  CheckInput,
  CopyInput,
  DropInput,
  ImportInput,
  InjectInput,
  KeepInput,
  PruneInput,
  RestoreInput,
  SnapshotChoice,
  VerifyInput,
} from './step-inputs.ts'
import type { StepResolvers } from './step-resolvers.ts'
import { readDuration, readFrequency } from './units.ts'

const defaultSnapshotId = '${collection}_${date}_${time}'
const defaultCanaryMs = 1_000

type DataStep =
  | 'import'
  | 'backup'
  | 'archive'
  | 'verify'
  | 'copy'
  | 'prune'
  | 'restore'
  | 'check'
  | 'drop'
  | 'inject'
  | 'canary'

const names = (list: PlanNode): string[] => list.items().map((item) => item.text())

function snapshotChoice(node: PlanNode | undefined): SnapshotChoice | undefined {
  if (node === undefined) return undefined
  return node.text() === 'latest' ? { kind: 'latest' } : { kind: 'id', id: node.template() }
}

function restoreChoice(input: PlanNode): RestoreInput['snapshot'] {
  const at = input.get('at')
  if (at !== undefined) return { kind: 'moment', at: at.template() }
  const snapshot = input.get('snapshot')
  if (typeof snapshot?.value !== 'object') return snapshotChoice(snapshot) ?? { kind: 'latest' }
  return {
    kind: 'random',
    withinMs: snapshot.need('random').read(readDuration),
    ...optional('seed', snapshot.get('seed')?.number()),
  }
}

export const dataSteps = {
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

  archive: (input): ArchiveInput => ({
    collections: names(input.need('collections')),
    to: input.need('to').text(),
  }),

  copy: (input): CopyInput => ({
    from: input.need('from').text(),
    to: input.need('to').text(),
    ...optional('collection', input.get('collection')?.text()),
    ...optional('snapshot', snapshotChoice(input.get('snapshot'))),
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
    snapshot: restoreChoice(input),
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
    ...optional('canary', input.get('canary')?.flag()),
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

  canary: (input): CanaryInput => ({
    target: input.need('target').text(),
    collection: input.need('collection').text(),
    everyMs: input.get('rate')?.read(readFrequency) ?? defaultCanaryMs,
  }),
} satisfies Pick<StepResolvers, DataStep>

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
