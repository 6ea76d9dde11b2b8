/** Every name refers to something. */
import { isJsonObject, type JsonValue } from '../../engine/index.ts'
import type { Annotations, NamedText, Namespace } from './annotations.ts'
import { planLimits } from './limits.ts'
import { nearest } from './nearest.ts'
import type { ValueProblem } from './problem.ts'
import { memberOf } from './raw-steps.ts'

/** What people call it, and where the plan lists it. */
const kinds: Readonly<
  Record<Namespace, { readonly noun: string; readonly section: readonly string[] }>
> = {
  targets: { noun: 'target', section: ['targets'] },
  destinations: { noun: 'destination', section: ['destinations'] },
  collections: { noun: 'collection', section: ['collections'] },
  stored: { noun: 'collection', section: ['collections'] },
  tiers: { noun: 'tier', section: ['tiers'] },
  aliases: { noun: 'alias', section: [] },
  roles: { noun: 'role', section: ['people', 'roles'] },
  contacts: { noun: 'contact', section: ['people', 'contacts'] },
  channels: { noun: 'channel', section: ['channels'] },
  procedures: { noun: 'procedure', section: ['procedures'] },
}

export function checkNames(plan: JsonValue, annotations: Annotations): ValueProblem[] {
  const known = (namespace: Namespace): ReadonlySet<string> => {
    const { section } = kinds[namespace]
    const listed = section.reduce<JsonValue | undefined>(memberOf, section.length > 0 ? plan : null)
    const made = annotations.defines.filter((define) => define.namespace === namespace)
    return new Set([
      ...(isJsonObject(listed) ? Object.keys(listed) : []),
      ...made.map(({ name }) => name),
    ])
  }
  const names = new Map<Namespace, ReadonlySet<string>>()
  const problems: ValueProblem[] = []
  for (const named of annotations.names) {
    const candidates = names.get(named.namespace) ?? known(named.namespace)
    names.set(named.namespace, candidates)
    if (candidates.has(named.name)) continue
    // looking for what was meant costs: once more is wrong than is shown, nobody reads it
    const suggest = problems.length < planLimits.problems
    problems.push(...nameProblem(named, [...candidates], suggest))
  }
  return problems
}

function nameProblem(
  named: NamedText,
  candidates: readonly string[],
  suggest: boolean,
): ValueProblem[] {
  const { pointer, namespace, name, atKey } = named
  // the name of a collection may be put together when the step runs; other names may not
  if (namespace === 'stored' && name.includes('${')) return []
  const { noun } = kinds[namespace]
  const isTier = namespace === 'tiers'
  const meant = suggest || isTier ? nearest(name, candidates) : undefined
  // a tier without objectives of its own is a label, unless it looks like another one misspelt
  if (isTier && meant === undefined) return []
  const list = candidates.slice(0, 10).join(', ')
  const plural = noun === 'alias' ? 'aliases' : `${noun}s`
  const known = candidates.length > 0 ? `The plan has ${list}.` : `The plan has no ${plural}.`
  const hint = meant === undefined ? known : `Did you mean "${meant}"?`
  const message = `there is no ${noun} ${JSON.stringify(name.slice(0, 80))}`
  return [{ rule: 'unknown-name', pointer, atKey, message, hint }]
}
