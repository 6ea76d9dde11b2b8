/** Settings of a step that each are right and together make no sense, kind by kind. */
import { isJsonObject, type JsonValue } from '../../engine/index.ts'
import { childPointer } from './path-text.ts'
import type { ProblemRule, ValueProblem } from './problem.ts'
import { memberOf, type RawSequence, type RawStep } from './raw-steps.ts'
import { readDuration } from './units.ts'

export const checkStepValues = (sequences: readonly RawSequence[]): ValueProblem[] =>
  sequences.flatMap((sequence) => [
    ...sequence.steps.flatMap((step) => [
      ...sameEnds(step),
      ...twoChoices(step),
      ...whenTwice(step),
      ...takesOrder(step),
    ]),
    ...neverReached(sequence),
    ...nobodyToAsk(sequence),
  ])

const at = (
  rule: ProblemRule,
  pointer: string,
  message: string,
  hint: string,
  atKey = false,
): ValueProblem => ({ rule, pointer, atKey, message, hint })

/** Copying and replicating go from one place to another one. */
function sameEnds({ pointer, value }: RawStep): ValueProblem[] {
  return (['copy', 'replicate'] as const).flatMap((kind) => {
    const input = memberOf(value, kind)
    const to = memberOf(input, 'to')
    if (to === undefined || to !== memberOf(input, 'from')) return []
    const place = childPointer(childPointer(pointer, kind), 'to')
    return [at('circle', place, `from and to are both ${JSON.stringify(to)}`, 'Name two places.')]
  })
}

function twoChoices({ pointer, value }: RawStep): ValueProblem[] {
  const restore = memberOf(value, 'restore')
  if (memberOf(restore, 'at') === undefined || memberOf(restore, 'snapshot') === undefined) {
    return []
  }
  const place = childPointer(childPointer(pointer, 'restore'), 'at')
  const hint = 'Keep "at" for a moment, or "snapshot" for the state that a backup took.'
  return [at('wrong-value', place, '"at" and "snapshot" both say what to restore', hint, true)]
}

function whenTwice({ pointer, value }: RawStep): ValueProblem[] {
  const inside = memberOf(memberOf(value, 'notify'), 'when')
  if (inside === undefined || memberOf(value, 'when') === undefined) return []
  const message = '"when" is given twice, beside notify and inside it'
  return [at('wrong-value', childPointer(pointer, 'when'), message, 'Keep one of them.', true)]
}

function takesOrder({ pointer, value }: RawStep): ValueProblem[] {
  const takes = memberOf(value, 'takes')
  if (takes === undefined) return []
  const times = ['min', 'likely', 'max'].flatMap((key) => {
    const text = memberOf(takes, key)
    const ms = typeof text === 'string' ? readDuration(text).value : undefined
    return ms === undefined ? [] : [{ key, ms }]
  })
  return times.flatMap(({ key, ms }, index) => {
    const before = times[index - 1]
    if (before === undefined || before.ms <= ms) return []
    const place = childPointer(childPointer(pointer, 'takes'), key)
    return [at('wrong-value', place, `${key} is less than ${before.key}`, 'Order the times.')]
  })
}

const onFailureOf = (value: JsonValue | undefined): JsonValue | undefined =>
  memberOf(value, 'onFailure')

/** The clock has nobody to say yes. */
const nobodyToAsk = ({ section, steps }: RawSequence): ValueProblem[] =>
  steps
    .filter(({ value }) => section === 'schedules' && memberOf(value, 'confirm') === true)
    .map(({ pointer }) => {
      const message = 'a schedule has nobody to ask'
      const hint = 'Move the step to a drill or a procedure.'
      return at('wrong-value', childPointer(pointer, 'confirm'), message, hint, true)
    })

/** A step that waits for a failure after which nothing goes on. */
function neverReached({ steps, value }: RawSequence): ValueProblem[] {
  const usual = onFailureOf(value) ?? 'stop'
  const goesOn = (step: RawStep): boolean => (onFailureOf(step.value) ?? usual) === 'continue'
  const ordinary = steps.filter(({ stage }) => stage === 'steps')
  const first = ordinary.find(goesOn)?.order ?? Number.POSITIVE_INFINITY
  return ordinary.flatMap((step) => {
    const place = whenPointer(step)
    if (place === undefined || first < step.order) return []
    const message = 'this step never runs: no step before it lets the run go on after a failure'
    return [at('never-runs', place, message, 'Put it under always:')]
  })
}

/** Where the step says that it is for failures. */
function whenPointer({ pointer, value }: RawStep): string | undefined {
  if (!isJsonObject(value)) return undefined
  if (memberOf(value, 'when') === 'failure') return childPointer(pointer, 'when')
  return memberOf(memberOf(value, 'notify'), 'when') === 'failure'
    ? childPointer(childPointer(pointer, 'notify'), 'when')
    : undefined
}
