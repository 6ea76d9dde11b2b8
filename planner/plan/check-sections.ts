/** What the schema cannot say about the sections: keys that need or exclude each other, circles. */
import { isJsonObject, type JsonValue } from '../../engine/index.ts'
import { childPointer } from './path-text.ts'
import type { ProblemRule, ValueProblem } from './problem.ts'
import { memberOf, type RawSequence } from './raw-steps.ts'

export const checkSections = (
  plan: JsonValue,
  sequences: readonly RawSequence[],
): ValueProblem[] => [
  ...entriesOf(plan, 'targets').flatMap(targetProblems),
  ...entriesOf(plan, 'collections').flatMap(goldenProblems),
  ...repeated(
    entriesOf(plan, 'collections').map((each) => ({
      pointer: childPointer(each.pointer, 'alias'),
      value: memberOf(each.value, 'alias'),
    })),
    'another collection has the alias',
  ),
  ...entriesOf(plan, 'schedules').flatMap((each) => rhythmProblems(each, true)),
  ...entriesOf(plan, 'drills').flatMap((each) => rhythmProblems(each, false)),
  ...entriesOf(plan, 'channels').flatMap(channelProblems),
  ...entriesOf(plan, 'replication').flatMap(replicationProblems),
  ...entriesOf(memberOf(plan, 'people'), 'roles', '/people').flatMap(roleProblems),
  ...entriesOf(plan, 'scenarios').flatMap(scenarioProblems),
  ...repeated(
    itemsOf(memberOf(memberOf(plan, 'compliance'), 'exclusions'), '/compliance/exclusions').map(
      (each) => ({
        pointer: childPointer(each.pointer, 'collection'),
        value: memberOf(each.value, 'collection'),
      }),
    ),
    'an exclusion before this one names',
  ),
  ...lagProblems(plan, sequences),
]

interface Entry {
  readonly pointer: string
  readonly value: JsonValue
}

function entriesOf(plan: JsonValue | undefined, section: string, above = ''): Entry[] {
  const named = memberOf(plan, section)
  const pointer = childPointer(above, section)
  return isJsonObject(named)
    ? Object.entries(named).map(([name, value]) => ({
        pointer: childPointer(pointer, name),
        value,
      }))
    : []
}

const itemsOf = (list: JsonValue | undefined, pointer: string): Entry[] =>
  Array.isArray(list)
    ? list.map((value, index) => ({ pointer: childPointer(pointer, index), value }))
    : []

const problem = (
  rule: ProblemRule,
  pointer: string,
  message: string,
  hint: string,
): ValueProblem => ({ rule, pointer, atKey: true, message, hint })

const has = (value: JsonValue, key: string): boolean => memberOf(value, key) !== undefined

/** One of the keys, no more and no less. */
function exactlyOne({ pointer, value }: Entry, keys: readonly string[], hint: string) {
  if (!isJsonObject(value)) return []
  const given = keys.filter((key) => has(value, key))
  const [, second] = given
  if (given.length === 0) {
    const message = `${keys.map((key) => `"${key}"`).join(' or ')} is missing`
    return [problem('missing-key', pointer, message, hint)]
  }
  return second === undefined
    ? []
    : [
        problem(
          'wrong-value',
          childPointer(pointer, second),
          `"${given[0]}" is given already`,
          hint,
        ),
      ]
}

function targetProblems(target: Entry): ValueProblem[] {
  const { pointer, value } = target
  const engine = memberOf(value, 'engine')
  const misplaced = (key: string, message: string, hint: string): ValueProblem[] =>
    has(value, key) ? [problem('wrong-value', childPointer(pointer, key), message, hint)] : []
  if (engine === 'vectra') {
    const served = has(value, 'url')
    return [
      ...exactlyOne(target, ['path', 'url'], 'A path opens the engine here; a url is served.'),
      ...misplaced('apiKey', '"apiKey" is for another database', 'Write token.'),
      ...(served ? [] : misplaced('token', '"token" goes with a url', 'A path needs none.')),
    ]
  }
  if (engine !== 'qdrant' && engine !== 'pgvector' && engine !== 'weaviate') return []
  return [
    ...(has(value, 'url')
      ? []
      : [problem('missing-key', pointer, '"url" is missing', `Say where ${engine} is.`)]),
    ...misplaced('path', `${engine} has no data directory here`, 'Write url.'),
    ...misplaced('token', '"token" is for the bundled engine', 'Write apiKey.'),
  ]
}

function goldenProblems({ pointer, value }: Entry): ValueProblem[] {
  const golden = memberOf(value, 'golden')
  if (memberOf(golden, 'file') === undefined || memberOf(golden, 'sample') === undefined) return []
  const place = childPointer(childPointer(pointer, 'golden'), 'sample')
  return [problem('wrong-value', place, 'queries of a file are no sample', 'Keep one of them.')]
}

function rhythmProblems(sequence: Entry, needed: boolean): ValueProblem[] {
  const { pointer, value } = sequence
  const hint = 'cron: "0 2 * * *" for times of the day, every: 30s for a steady beat.'
  const isTimed = has(value, 'cron') || has(value, 'every')
  if (needed || isTimed) return exactlyOne(sequence, ['cron', 'every'], hint)
  return ['catchUp', 'jitter', 'heartbeat'].flatMap((key) =>
    has(value, key)
      ? [problem('wrong-value', childPointer(pointer, key), `"${key}" is for the clock`, hint)]
      : [],
  )
}

const channelProblems = (channel: Entry): ValueProblem[] =>
  exactlyOne(channel, ['webhook', 'exec'], 'A channel goes one way.')

function replicationProblems({ pointer, value }: Entry): ValueProblem[] {
  const from = memberOf(value, 'from')
  return itemsOf(memberOf(value, 'to'), childPointer(pointer, 'to'))
    .filter((to) => to.value === from)
    .map((to) => ({
      ...problem('circle', to.pointer, `${from} cannot follow itself`, 'Name another target.'),
      atKey: false,
    }))
}

function roleProblems({ pointer, value }: Entry): ValueProblem[] {
  const primary = memberOf(value, 'primary')
  return itemsOf(memberOf(value, 'deputies'), childPointer(pointer, 'deputies'))
    .filter((each) => each.value === primary)
    .map((each) =>
      problem('circle', each.pointer, `${primary} deputises for itself`, 'Name somebody else.'),
    )
}

const scenarioProblems = ({ pointer, value }: Entry): ValueProblem[] =>
  itemsOf(memberOf(value, 'injects'), childPointer(pointer, 'injects')).flatMap((inject) => {
    const fail = memberOf(inject.value, 'fail')
    return fail === undefined
      ? []
      : exactlyOne(
          { pointer: childPointer(inject.pointer, 'fail'), value: fail },
          ['contact', 'destination', 'target'],
          'Make an event of each.',
        )
  })

/** The same text twice where it has to be one thing's own. */
function repeated(
  values: readonly { readonly pointer: string; readonly value: JsonValue | undefined }[],
  message: string,
): ValueProblem[] {
  const seen = new Set<JsonValue>()
  return values.flatMap(({ pointer, value }) => {
    if (typeof value !== 'string') return []
    if (!seen.has(value)) {
      seen.add(value)
      return []
    }
    const told = `${message} ${JSON.stringify(value)}`
    return [{ ...problem('wrong-value', pointer, told, 'Keep one of them.'), atKey: false }]
  })
}

/** Waiting for a lag that nobody has would last for ever. */
function lagProblems(plan: JsonValue, sequences: readonly RawSequence[]): ValueProblem[] {
  const replicated = new Set(
    entriesOf(plan, 'replication').map(({ pointer }) => pointer.slice('/replication/'.length)),
  )
  return sequences.flatMap(({ steps }) => {
    const started = new Set(
      steps.flatMap(({ value }) => {
        const list = memberOf(memberOf(value, 'replicate'), 'collections')
        return Array.isArray(list) ? list : []
      }),
    )
    return steps.flatMap(({ pointer, value }) => {
      const name = memberOf(memberOf(memberOf(value, 'wait'), 'lag'), 'collection')
      if (typeof name !== 'string' || replicated.has(name) || started.has(name)) return []
      const place = `${pointer}/wait/lag/collection`
      const hint = 'Add it under replication:, or a replicate step before.'
      const told = problem('unknown-name', place, `nothing replicates ${name}`, hint)
      return [{ ...told, atKey: false }]
    })
  })
}
