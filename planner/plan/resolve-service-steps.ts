/** Steps that change who serves, ask people, and talk to other programs → their inputs. */
import { frozenMap } from './frozen-map.ts'
import { optional, type PlanNode } from './plan-node.ts'
import { resolveCommand } from './resolve-command.ts'
import type {
  ApproveInput,
  ExecInput,
  FenceInput,
  HttpExpectation,
  HttpInput,
  ManualInput,
  NotifyInput,
  ProbeInput,
  PromoteInput,
  ReconcileInput,
  ReplicateInput,
  SwitchInput,
  WaitInput,
} from './step-inputs.ts'
import type { StepResolvers } from './step-resolvers.ts'
import { readDuration } from './units.ts'

const defaultProbeMs = 30_000
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
const modes = ['sync', 'async'] as const

type ServiceStep =
  | 'fence'
  | 'promote'
  | 'replicate'
  | 'switch'
  | 'probe'
  | 'reconcile'
  | 'approve'
  | 'manual'
  | 'notify'
  | 'exec'
  | 'http'
  | 'wait'

const names = (list: PlanNode): string[] => list.items().map((item) => item.text())

const expectation = (node: PlanNode | undefined): HttpExpectation => ({
  ...optional('status', node?.get('status')?.number()),
})

export const serviceSteps = {
  fence: (input): FenceInput => ({
    target: input.need('target').text(),
    unreachable: input.get('unreachable')?.word(['stop', 'continue']) ?? 'stop',
  }),

  promote: (input): PromoteInput => ({
    target: input.need('target').text(),
    collections: names(input.need('collections')),
    planned: input.get('planned')?.flag() ?? false,
  }),

  replicate: (input): ReplicateInput => ({
    from: input.need('from').text(),
    to: input.need('to').text(),
    collections: names(input.need('collections')),
    mode: input.get('mode')?.word(modes) ?? 'async',
    ...optional('base', input.get('base')?.text()),
  }),

  switch: (input): SwitchInput => ({
    alias: input.need('alias').text(),
    to: input.need('to').text(),
    ...optional('collection', input.get('collection')?.template()),
  }),

  probe: (input): ProbeInput => ({
    url: input.need('url').template(),
    expect: expectation(input.get('expect')),
    withinMs: input.get('within')?.read(readDuration) ?? defaultProbeMs,
    allowPrivate: input.get('allowPrivate')?.flag() ?? false,
  }),

  reconcile: (input): ReconcileInput => ({
    collection: input.need('collection').text(),
    from: input.need('from').text(),
    lost: input.get('lost')?.word(['report', 'replay']) ?? 'report',
  }),

  approve: (input): ApproveInput => ({
    by: input.need('by').text(),
    question: input.need('question').template(),
  }),

  manual: (input): ManualInput => ({
    do: input.need('do').template(),
    role: input.need('role').text(),
  }),

  notify: (input): NotifyInput => ({
    channel: input.need('channel').text(),
    message: input.need('message').template(),
  }),

  exec(input, directory): ExecInput {
    const variables = input.get('env')?.entries() ?? []
    return {
      command: resolveCommand(input.need('command'), directory),
      env: frozenMap(variables.map(([name, text]) => [name, text.template()] as const)),
      workingDirectory: directory,
      repeatable: input.get('repeatable')?.flag() ?? false,
    }
  },

  http: (input): HttpInput => ({
    method: input.get('method')?.word(methods) ?? 'GET',
    url: input.need('url').template(),
    headers: frozenMap(
      (input.get('headers')?.entries() ?? []).map(
        ([name, text]) => [name, text.template()] as const,
      ),
    ),
    ...optional('body', input.get('body')?.template()),
    expect: expectation(input.get('expect')),
    allowPrivate: input.get('allowPrivate')?.flag() ?? false,
  }),

  wait(input): WaitInput {
    const lag = input.get('lag')
    if (lag === undefined) return { kind: 'time', forMs: input.need('for').read(readDuration) }
    return {
      kind: 'lag',
      collection: lag.need('collection').text(),
      belowMs: lag.need('below').read(readDuration),
    }
  },
} satisfies Pick<StepResolvers, ServiceStep>
