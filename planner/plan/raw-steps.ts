/**
 * The steps of a plan as written, before it is known to be valid: whatever has another shape is left
 * out here, because the schema tells it. Used by the checks that look across steps, and by the
 * resolver, so that both call the same step by the same id.
 */
import { isJsonObject, type JsonValue } from '../../engine/index.ts'
import { childPointer } from './path-text.ts'
import { isStepKind } from './schema-files.ts'
import type { StepKind } from './step-inputs.ts'

export type Section = 'schedules' | 'drills' | 'procedures'

export type Stage = 'steady' | 'steps' | 'always'

export interface RawStep {
  readonly pointer: string
  readonly stage: Stage
  /** Grows with each step that waits for the ones before; the same for steps side by side. */
  readonly order: number
  readonly parallel: boolean
  readonly value: JsonValue
  /** Kind keys that it has; a valid step has one. */
  readonly kinds: readonly StepKind[]
  readonly writtenId: string | undefined
}

/** A `parallel`, whose steps are listed like the others. */
export interface RawGroup {
  readonly pointer: string
  readonly value: JsonValue
}

export interface RawSequence {
  readonly pointer: string
  readonly section: Section
  readonly name: string
  readonly value: JsonValue
  readonly steps: readonly RawStep[]
  readonly groups: readonly RawGroup[]
}

/** A member of its own, or undefined where the value is no mapping. */
export const memberOf = (value: JsonValue | undefined, key: string): JsonValue | undefined =>
  isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined

const itemsOf = (value: JsonValue | undefined): readonly JsonValue[] =>
  Array.isArray(value) ? value : []

const sections: readonly Section[] = ['schedules', 'drills', 'procedures']

/** Every schedule, drill and procedure with its steps in the order in which they run. */
export function rawSequences(plan: JsonValue): RawSequence[] {
  return sections.flatMap((section) => {
    const named = memberOf(plan, section)
    const names = isJsonObject(named) ? Object.keys(named) : []
    return names.map((name) => {
      const pointer = childPointer(childPointer('', section), name)
      const value = memberOf(named, name) ?? null
      return { section, name, value, ...rawSteps(value, pointer) }
    })
  })
}

const stages: readonly Stage[] = ['steady', 'steps', 'always']

function rawSteps(
  sequence: JsonValue,
  pointer: string,
): Pick<RawSequence, 'pointer' | 'steps' | 'groups'> {
  const groups: RawGroup[] = []
  let order = 0
  const steps = stages.flatMap((stage) => {
    const list = childPointer(pointer, stage)
    return itemsOf(memberOf(sequence, stage)).flatMap((value, index) => {
      order++
      const step = childPointer(list, index)
      const side = memberOf(value, 'parallel')
      if (side === undefined) return [rawStep(value, step, { stage, order, parallel: false })]
      groups.push({ pointer: step, value })
      const group = childPointer(step, 'parallel')
      return itemsOf(side).map((each, at) =>
        rawStep(each, childPointer(group, at), { stage, order, parallel: true }),
      )
    })
  })
  return { pointer, steps, groups }
}

function rawStep(
  value: JsonValue,
  pointer: string,
  where: Pick<RawStep, 'stage' | 'order' | 'parallel'>,
): RawStep {
  const id = memberOf(value, 'id')
  return {
    pointer,
    ...where,
    value,
    kinds: isJsonObject(value) ? Object.keys(value).filter(isStepKind) : [],
    writtenId: typeof id === 'string' ? id : undefined,
  }
}

export interface StepIds {
  /** By the step's pointer. */
  readonly ids: ReadonlyMap<string, string>
  /** Ids that `${steps.<id>.…}` may use: written, or the kind where it is the only one. */
  readonly addressable: ReadonlyMap<string, RawStep>
}

/** Several checks and the resolver ask for the same ones. */
const known = new WeakMap<readonly RawStep[], StepIds>()

/** Gives every step of a sequence its id. Of steps with the same written id the first keeps it. */
export function stepIds(steps: readonly RawStep[]): StepIds {
  const ids = known.get(steps) ?? idsOf(steps)
  known.set(steps, ids)
  return ids
}

function idsOf(steps: readonly RawStep[]): StepIds {
  const ids = new Map<string, string>()
  const addressable = new Map<string, RawStep>()
  for (const step of steps) {
    if (step.writtenId === undefined || addressable.has(step.writtenId)) continue
    addressable.set(step.writtenId, step)
    ids.set(step.pointer, step.writtenId)
  }
  const unnamed = steps.filter((step) => !ids.has(step.pointer) && step.kinds.length === 1)
  const taken = new Set(addressable.keys())
  const counts = new Map<StepKind, number>()
  for (const { kinds } of unnamed) {
    for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  const next = new Map<StepKind, number>()
  for (const step of unnamed) {
    const [kind] = step.kinds
    if (kind === undefined) continue
    const alone = counts.get(kind) === 1
    let id: string = kind
    while (!(alone && id === kind) || taken.has(id)) {
      const number = (next.get(kind) ?? 0) + 1
      next.set(kind, number)
      id = `${kind}-${number}`
      if (!taken.has(id)) break
    }
    taken.add(id)
    ids.set(step.pointer, id)
    if (id === kind) addressable.set(id, step)
  }
  return { ids, addressable }
}
