/** Which places a step cannot do without. Pure. */
import type { Plan, TaskStep } from '../plan/plan.ts'

export interface StepNeeds {
  /** All of them. */
  readonly targets: readonly string[]
  /** All of them. */
  readonly destinations: readonly string[]
  /** One of them, the first ones preferred. */
  readonly sources?: readonly string[]
}

const nothing: StepNeeds = { targets: [], destinations: [] }

const only = (...targets: readonly string[]): StepNeeds => ({ ...nothing, targets })

/** What a step of the plan touches and has to reach. */
export function needsOf(step: TaskStep, plan: Plan): StepNeeds {
  switch (step.kind) {
    case 'restore':
      return { ...only(step.input.into), sources: step.input.from }
    case 'import':
    case 'check':
    case 'drop':
    case 'inject':
    case 'canary':
    case 'fence':
    case 'promote':
      return only(step.input.target)
    case 'replicate':
      return only(step.input.from, step.input.to)
    case 'switch':
      return only(step.input.to)
    case 'reconcile':
      return only(step.input.from)
    case 'backup':
    case 'archive': {
      const homes = step.input.collections.flatMap((name) => plan.collections.get(name) ?? [])
      return { targets: homes.map(({ target }) => target), destinations: [step.input.to] }
    }
    case 'copy':
      return { ...nothing, destinations: [step.input.from, step.input.to] }
    case 'verify':
    case 'prune':
      return { ...nothing, destinations: [step.input.in] }
    case 'wait': {
      if (step.input.kind === 'time') return nothing
      const replication = plan.replication.get(step.input.collection)
      return replication === undefined ? nothing : only(replication.from, ...replication.to)
    }
    case 'probe':
      return only(...targetsAt(step.input.url.text, plan))
    case 'approve':
    case 'manual':
    case 'notify':
    case 'exec':
    case 'http':
      return nothing
  }
}

/** Targets served at the address. */
function targetsAt(url: string, { targets }: Plan): string[] {
  const origin = originOf(url)
  return origin === undefined
    ? []
    : [...targets.values()].flatMap((target) =>
        target.kind !== 'vectra' && originOf(target.url) === origin ? [target.name] : [],
      )
}

const originOf = (url: string): string | undefined =>
  URL.canParse(url) ? new URL(url).origin : undefined

/** Steps whose time grows with the data. */
export const growsWithData: ReadonlySet<string> = new Set([
  ...[
    'restore',
    'import',
    'check',
    'verify',
    'backup',
    'archive',
    'copy',
    'replicate',
    'reconcile',
  ],
])

/** Steps after which nobody waits: the service is back without them. */
export const comesAfterwards: ReadonlySet<string> = new Set([
  ...['notify', 'reconcile', 'prune', 'drop', 'backup', 'archive', 'copy', 'verify', 'canary'],
])

/** Steps without which nothing is back, whatever their `onFailure` says of going on. */
export const bringsBack: ReadonlySet<string> = new Set(['restore', 'promote', 'switch', 'import'])
