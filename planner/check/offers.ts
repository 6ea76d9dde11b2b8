/** Steps that their target cannot do in this version: they are refused before a run starts. */
import type { AnySequence, TaskStep } from '../plan/plan.ts'
import type { StepKind } from '../plan/step-inputs.ts'
import { stepRegistry } from '../step/registry.ts'
import type { StepFaces } from '../step/step.ts'
import { allTasks, type Facts } from './facts.ts'
import type { Found, Rule } from './finding.ts'
import { listed, sequenceText } from './words.ts'

function lacking({ plan, offers }: Facts, step: TaskStep, target: string): string[] {
  // the registry pairs each kind with its own input, which is lost in the union
  const faces = stepRegistry[step.kind] as StepFaces<StepKind>
  return faces
    .needs(step.input, plan)
    .filter((need) => need.target === target)
    .flatMap(({ capabilities }) =>
      capabilities.filter((each) => offers?.(target).has(each) !== true),
    )
}

export const offerRules: readonly Rule[] = [
  {
    code: 'target-cannot',
    severity: 'warning',
    title: 'Steps that a target does not offer',
    why: 'A run with such a step is refused before it starts; on the day people do it by hand.',
    remedy: 'Use a target that offers it, or say in a manual step who does it how.',
    find: (facts) => {
      if (facts.offers === undefined) return []
      return [...facts.plan.targets.values()].flatMap(({ name, place, kind }): Found[] => {
        const refused = facts.sequences.flatMap((sequence: AnySequence) => {
          const missing = allTasks(sequence).flatMap((step) => lacking(facts, step, name))
          return missing.length === 0 ? [] : [{ sequence, missing: [...new Set(missing)] }]
        })
        if (refused.length === 0) return []
        const all = [...new Set(refused.flatMap(({ missing }) => missing))]
        return [
          {
            place,
            message: `${name} (${kind}) cannot ${listed(all)} in this version`,
            arithmetic: refused.map(
              ({ sequence, missing }) => `${sequenceText(sequence)} needs: ${missing.join(', ')}`,
            ),
          },
        ]
      })
    },
  },
]
