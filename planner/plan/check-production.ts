/**
 * A drill that would touch production data asks first: `confirm: true` beside its steps, or beside the
 * one step. Production data are the collections of the plan on their own targets.
 */
import { isJsonObject, type JsonValue } from '../../engine/index.ts'
import type { ValueProblem } from './problem.ts'
import { memberOf, type RawSequence, type RawStep } from './raw-steps.ts'

export function checkProduction(
  plan: JsonValue,
  sequences: readonly RawSequence[],
): ValueProblem[] {
  const production = productionOf(plan)
  return sequences
    .filter(({ section, value }) => section === 'drills' && memberOf(value, 'confirm') !== true)
    .flatMap(({ steps, name }) =>
      steps.flatMap((step) => {
        const touched =
          memberOf(step.value, 'confirm') === true ? undefined : touches(step, production)
        if (touched === undefined) return []
        return [
          {
            rule: 'unconfirmed' as const,
            pointer: step.pointer,
            atKey: false,
            message: `drill ${name} touches production data: ${touched}`,
            hint: 'Add confirm: true beside its steps, or use another target or another name.',
          },
        ]
      }),
    )
}

/** Collections of the plan, by the target they live on. */
type Production = ReadonlyMap<string, ReadonlySet<string>>

function productionOf(plan: JsonValue): Production {
  const production = new Map<string, Set<string>>()
  const collections = memberOf(plan, 'collections')
  for (const [name, value] of isJsonObject(collections) ? Object.entries(collections) : []) {
    const target = memberOf(value, 'target')
    if (typeof target !== 'string') continue
    const names = production.get(target) ?? new Set()
    production.set(target, names.add(name))
  }
  return production
}

/** What of production the step changes, in words; undefined when it changes nothing of it. */
function touches({ value, kinds }: RawStep, production: Production): string | undefined {
  const [kind] = kinds
  const input = kind === undefined ? undefined : memberOf(value, kind)
  const text = (key: string): string | undefined => {
    const member = memberOf(input, key)
    return typeof member === 'string' ? member : undefined
  }
  const own = (target: string | undefined, name: string | undefined): string | undefined =>
    target !== undefined && name !== undefined && production.get(target)?.has(name) === true
      ? `${target}/${name}`
      : undefined
  switch (kind) {
    case 'import':
    case 'drop':
    case 'inject':
    case 'canary':
      return own(text('target'), text('collection'))
    case 'restore':
      return own(text('into'), text('as') ?? text('collection'))
    case 'fence': {
      const target = text('target')
      return target !== undefined && production.has(target) ? target : undefined
    }
    case 'replicate': {
      const to = text('to')
      return to !== undefined && production.has(to) ? to : undefined
    }
    case 'promote':
      return text('target')
    case 'switch':
      return text('alias')
    case 'reconcile':
      return text('lost') === 'replay' ? text('from') : undefined
    default:
      return undefined
  }
}
