/** What is different in a what-if: values of the plan, who and what is missing, how much data there is. */
import { fail } from '../../engine/index.ts'
import type { Plan } from '../plan/plan.ts'
import { readSetting, type Setting } from '../plan/set-values.ts'
import type { Without } from './places.ts'

/**
 * `objectives.rto=20m` is about every collection that has such an objective, or all when none has; everything else
 * is a path from the root of the plan. @throws `usage`
 */
export function settingsOf(texts: readonly string[], plan: Plan): Setting[] {
  return texts.map(readSetting).flatMap((setting) => {
    const [first, kind = '', ...more] = setting.path
    if (first !== 'objectives' || more.length > 0) return [setting]
    const all = [...plan.collections.values()]
    const having = all.filter(({ objectives: { rpoMs, rtoMs, recall } }) =>
      kind === 'rpo' ? rpoMs : kind === 'rto' ? rtoMs : recall,
    )
    return (having.length > 0 ? having : all).map(({ name }) => ({
      ...setting,
      path: ['collections', name, 'objectives', kind],
    }))
  })
}

/** `contact:on-call-1`. @throws `usage`, `name-not-found` */
export function readWithout(text: string, plan: Plan): Without {
  const at = text.indexOf(':')
  const what = text.slice(0, at)
  const name = text.slice(at + 1)
  if (what !== 'contact' && what !== 'destination' && what !== 'target') {
    return fail(
      'usage',
      `"${text}" does not say what is missing`,
      'Write contact:NAME, destination:NAME or target:NAME.',
    )
  }
  const known = {
    contact: plan.people.contacts,
    destination: plan.destinations,
    target: plan.targets,
  }
  if (known[what].has(name)) return { what, name }
  const names = [...known[what].keys()]
  return fail(
    'name-not-found',
    `the plan has no ${what} ${name}`,
    names.length === 0 ? `The plan has no ${what}s.` : `There are: ${names.join(', ')}.`,
  )
}
