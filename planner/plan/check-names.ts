/** Every name refers to something. */
import { isJsonObject, type JsonValue } from '../../engine/index.ts'
import { nearest } from './nearest.ts'
import type { Annotations, NamedText, Namespace } from './plan-schema.ts'
import type { ValueProblem } from './problem.ts'
import { memberOf } from './raw-steps.ts'

const nouns: Readonly<Record<Namespace, string>> = {
  targets: 'target',
  destinations: 'destination',
  collections: 'collection',
  tiers: 'tier',
  stored: 'collection',
}

export function checkNames(plan: JsonValue, annotations: Annotations): ValueProblem[] {
  const known = (namespace: Namespace): string[] => {
    const section = memberOf(plan, namespace === 'stored' ? 'collections' : namespace)
    const made = annotations.defines.filter((define) => define.namespace === namespace)
    return [...(isJsonObject(section) ? Object.keys(section) : []), ...made.map(({ name }) => name)]
  }
  const names = new Map<Namespace, string[]>()
  return annotations.names.flatMap((named) => {
    const candidates = names.get(named.namespace) ?? known(named.namespace)
    names.set(named.namespace, candidates)
    return candidates.includes(named.name) ? [] : nameProblem(named, candidates)
  })
}

function nameProblem(named: NamedText, candidates: readonly string[]): ValueProblem[] {
  const { pointer, namespace, name } = named
  // the name of a collection may be put together when the step runs; other names may not
  if (namespace === 'stored' && name.includes('${')) return []
  const noun = nouns[namespace]
  const meant = nearest(name, candidates)
  const list = candidates.slice(0, 10).join(', ')
  const known = candidates.length > 0 ? `The plan has ${list}.` : `The plan has no ${noun}s.`
  const hint = meant === undefined ? known : `Did you mean "${meant}"?`
  const message = `there is no ${noun} ${JSON.stringify(name.slice(0, 80))}`
  return [{ rule: 'unknown-name', pointer, atKey: false, message, hint }]
}
