/** Plans as text → what a simulation plays, all parts real. */
import type { LedgerEntry } from '../../planner/ledger/ledger-line.ts'
import { stepRegistry } from '../../planner/step/registry.ts'
import { type Model, modelOf } from '../../planner/tabletop/model.ts'
import type { Without } from '../../planner/tabletop/places.ts'
import { planOf } from './plan-text.ts'
import { temporaryDirectory } from './temporary-directory.ts'

export interface StoryParts {
  /** Of procedure `back`, as a list of YAML. */
  readonly steps: string
  /** Lines of the procedure beside its steps. */
  readonly procedure?: string
  /** `people:` and its lines; nobody when absent. */
  readonly people?: string
  readonly schedules?: string
  /** What is lost, as YAML. */
  readonly loses?: string
  readonly injects?: string
  readonly more?: string
}

/** A plan whose scenario `story` is noticed at once and answered by procedure `back`. */
export const storyPlan = ({
  steps,
  procedure = '',
  people = '',
  schedules = '',
  loses = '{ node: n1 }',
  injects = '',
  more = '',
}: StoryParts): string => `version: 1
name: story
owner: somebody
targets:
  primary: { engine: vectra, path: ./primary, node: n1, region: r1 }
  spare: { engine: vectra, path: ./spare, node: n2, region: r2 }
collections:
  words: { target: primary, objectives: { rpo: 1h, rto: 30m } }
destinations:
  near: { url: ./near, node: n1, region: r1 }
  far: { url: ./far, node: n3, region: r3 }
${schedules}
procedures:
  back:
${procedure}
    steps:
${steps}
${people}
scenarios:
  story:
    kind: node
    loses: ${loses}
    recover: back
    injects:
      - { at: 0m, say: "It is dark.", expect: detect }
${injects}
${more}
`

export interface StoryOptions {
  readonly without?: readonly Without[]
  readonly dataSize?: number
  readonly entries?: readonly LedgerEntry[]
}

export async function storyModel(
  parts: StoryParts,
  { without = [], dataSize = 1, entries = [] }: StoryOptions = {},
): Promise<Model> {
  const plan = await planOf(await temporaryDirectory(), storyPlan(parts))
  const scenario = plan.scenarios.get('story')
  const procedure = plan.procedures.get('back')
  if (scenario === undefined || procedure === undefined) throw new Error('the plan has no story')
  return modelOf({ plan, scenario, procedure, entries, registry: stepRegistry, without, dataSize })
}
