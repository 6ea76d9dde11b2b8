/** What the schema cannot say about steps: one kind each, unique ids, what needs what before it. */
import { isJsonObject, type JsonValue } from '../../engine/index.ts'
import { formatOfFile } from './import-format.ts'
import { childPointer } from './path-text.ts'
import type { ValueProblem } from './problem.ts'
import { memberOf, type RawGroup, type RawSequence, type RawStep } from './raw-steps.ts'
import { stepKinds } from './schema-files.ts'
import type { StepKind } from './step-inputs.ts'

export function checkSteps(sequences: readonly RawSequence[]): ValueProblem[] {
  return sequences.flatMap(({ steps, groups }) => [
    ...groups.flatMap(groupProblems),
    ...steps.flatMap(nestedProblems),
    ...steps.flatMap(kindProblems),
    ...idProblems(steps),
    ...steps.flatMap(timeoutProblems),
    ...steps.flatMap(waitProblems),
    ...steps.flatMap(importProblems),
    ...steps.flatMap((step) => checkProblems(step, steps)),
  ])
}

/** What stands beside `parallel` would do nothing. */
function groupProblems({ pointer, value }: RawGroup): ValueProblem[] {
  const keys = isJsonObject(value) ? Object.keys(value) : []
  return keys
    .filter((key) => stepKeys.includes(key))
    .map((key) => ({
      rule: 'wrong-value',
      pointer: childPointer(pointer, key),
      atKey: true,
      message: `"${key}" does not belong beside "parallel"`,
      hint: 'Give it to the steps inside, or make a step of its own.',
    }))
}

/** Side by side in side by side. */
function nestedProblems({ pointer, value, parallel }: RawStep): ValueProblem[] {
  if (!parallel || memberOf(value, 'parallel') === undefined) return []
  return [
    {
      rule: 'wrong-value',
      pointer: childPointer(pointer, 'parallel'),
      atKey: true,
      message: 'a "parallel" does not stand in another',
      hint: 'Steps side by side are one list: put them into the parallel around.',
    },
  ]
}

const stepOptions: readonly string[] = [
  ...['id', 'when', 'timeout', 'retry', 'onFailure'],
  ...['takes', 'odds', 'confirm'],
]
const stepKeys: readonly string[] = [...stepKinds, ...stepOptions]

function kindProblems(step: RawStep): ValueProblem[] {
  if (!isJsonObject(step.value)) return []
  const at = { pointer: step.pointer, atKey: false }
  if (step.kinds.length > 1) {
    return [
      {
        rule: 'wrong-value',
        ...at,
        message: `a step has one kind; this one has ${step.kinds.join(' and ')}`,
        hint: 'Make a step of each: start each with "- ".',
      },
    ]
  }
  // an unknown key is most likely the misspelt kind, and is told already
  const explained = Object.keys(step.value).some((key) => !stepOptions.includes(key))
  if (step.kinds.length === 1 || explained) return []
  const message = 'a step needs a kind'
  return [{ rule: 'missing-key', ...at, message, hint: `Add one of ${stepKinds.join(', ')}.` }]
}

function idProblems(steps: readonly RawStep[]): ValueProblem[] {
  const seen = new Set<string>()
  return steps.flatMap(({ pointer, writtenId }) => {
    if (writtenId === undefined) return []
    if (!seen.has(writtenId)) {
      seen.add(writtenId)
      return []
    }
    return [
      {
        rule: 'wrong-value',
        pointer: childPointer(pointer, 'id'),
        atKey: false,
        message: `another step here has the id "${writtenId}" already`,
        hint: 'Give each step of a schedule or drill its own id.',
      },
    ]
  })
}

/** Kinds inside of which the step's timeout may stand too. */
export const innerTimeoutKinds: readonly StepKind[] = ['exec', 'wait']

function timeoutProblems(step: RawStep): ValueProblem[] {
  if (memberOf(step.value, 'timeout') === undefined) return []
  const kind = innerTimeoutKinds.find(
    (each) => memberOf(memberOf(step.value, each), 'timeout') !== undefined,
  )
  if (kind === undefined) return []
  return [
    {
      rule: 'wrong-value',
      pointer: childPointer(step.pointer, 'timeout'),
      atKey: true,
      message: `the timeout is given twice, beside ${kind} and inside it`,
      hint: 'Keep one of them.',
    },
  ]
}

/** One thing is waited for. */
function waitProblems(step: RawStep): ValueProblem[] {
  const input = memberOf(step.value, 'wait')
  if (!isJsonObject(input)) return []
  const [lag, time] = [input['lag'], input['for']]
  if ((lag === undefined) !== (time === undefined)) return []
  return [
    {
      rule: lag === undefined ? 'missing-key' : 'wrong-value',
      pointer: childPointer(step.pointer, 'wait'),
      atKey: true,
      message:
        lag === undefined ? 'it does not say what to wait for' : 'it waits for two things at once',
      hint: 'Give one of lag: { collection: …, below: 1s } and for: 5m.',
    },
  ]
}

/** The format of an import is written or told by the file's ending; raw float32 needs a dimension. */
function importProblems(step: RawStep): ValueProblem[] {
  const input = memberOf(step.value, 'import')
  const file = memberOf(input, 'file')
  if (typeof file !== 'string' || memberOf(input, 'format') !== undefined) return []
  const pointer = childPointer(step.pointer, 'import')
  const format = formatOfFile(file)
  if (format === undefined) {
    const message = 'the ending of the file does not tell its format'
    const hint = 'Add format: jsonl, f32, fvecs or npy.'
    return [
      { rule: 'missing-key', pointer: childPointer(pointer, 'file'), atKey: false, message, hint },
    ]
  }
  if (format !== 'f32' || memberOf(input, 'dimension') !== undefined) return []
  const message = '"dimension" is missing'
  return [
    { rule: 'missing-key', pointer, atKey: true, message, hint: 'A .f32 file does not tell it.' },
  ]
}

/** A check against a snapshot needs one: that of an earlier restore of the same collection. */
function checkProblems(step: RawStep, steps: readonly RawStep[]): ValueProblem[] {
  const check = memberOf(step.value, 'check')
  if (check === undefined) return []
  const input = childPointer(step.pointer, 'check')
  if (memberOf(check, 'against') !== undefined) {
    if (steps.some((other) => other.order < step.order && brings(other, check))) return []
    return [
      {
        rule: 'wrong-value',
        pointer: childPointer(input, 'against'),
        atKey: false,
        message: 'no step before this one restores that collection into that target',
        hint: 'Put the check after the restore, with the same target and the restored name.',
      },
    ]
  }
  const comparing = [
    ['count', 'equal'],
    ['digest', 'equal'],
    ['parity', true],
  ] as const
  return comparing
    .filter(([key, wanted]) => memberOf(check, key) === wanted)
    .map(([key]) => ({
      rule: 'missing-key',
      pointer: childPointer(input, key),
      atKey: true,
      message: `"${key}" compares with a snapshot, and there is no "against"`,
      hint: 'Add against: snapshot.',
    }))
}

function brings(step: RawStep, check: JsonValue): boolean {
  const restore = memberOf(step.value, 'restore')
  if (restore === undefined) return false
  const name = memberOf(restore, 'as') ?? memberOf(restore, 'collection')
  return (
    memberOf(restore, 'into') === memberOf(check, 'target') &&
    name === memberOf(check, 'collection')
  )
}
