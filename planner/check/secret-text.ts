/**
 * Texts of a plan that look like secrets, found by their shape or by what they are called. Their values
 * are never told: only where they stand and what gives them away. Pure.
 */
import type { Place } from '../plan/place.ts'
import type { Plan } from '../plan/plan.ts'
import type { Template } from '../plan/template.ts'
import { allTasks } from './facts.ts'

export interface ClearSecret {
  readonly place: Place
  /** `header authorization of step http`. */
  readonly where: string
  /** What gives it away, without its value. */
  readonly looks: string
}

/** Shapes that are hardly ever anything else. */
const shapes: readonly (readonly [RegExp, string])[] = [
  [/\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/, 'the shape of an AWS access key'],
  [/\bgh[pousr]_[A-Za-z0-9]{36,}/, 'the shape of a GitHub token'],
  [/\bglpat-[\w-]{20,}/, 'the shape of a GitLab token'],
  [/\bxox[abprs]-[A-Za-z0-9-]{10,}/, 'the shape of a Slack token'],
  [
    /\bhooks\.slack\.com\/services\/\w+\/\w+\/\w+/,
    'the address of a Slack webhook, which is its key',
  ],
  [/\bsk-[A-Za-z0-9_-]{20,}/, 'the shape of an API key'],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----/, 'a private key'],
  [/\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/, 'the shape of a JSON web token'],
  [/\/\/[^/\s:@]+:[^/\s@]+@/, 'a password in an address'],
  [
    /[?&](?:access_?token|token|api_?key|key|sig|signature|secret|password)=[^&\s]{8,}/i,
    'a key in the query of an address',
  ],
]

const secretName = /(?:^|[_-])(?:key|token|secret|password|passwd|passphrase|credentials?)$/i
const secretHeader =
  /^(?:authorization|proxy-authorization|cookie|x-api-key|api-key|x-auth-token)$/i
const secretFlag =
  /^--?(?:[\w-]*-)?(?:token|secret|password|passwd|passphrase|api-?key)(?:=(.+))?$/i

/** A text of the plan that has a name, such as a header or a variable. */
interface Named {
  readonly text: string
  readonly hasVariable: boolean
  readonly place: Place
  readonly where: string
  /** It is called like a secret. */
  readonly called: boolean
}

export function clearSecrets(plan: Plan): ClearSecret[] {
  const seen = new Set<string>()
  return textsOf(plan).flatMap(({ text, hasVariable, place, where, called }) => {
    const shape = shapes.find(([pattern]) => pattern.test(text))?.[1]
    const looks = shape ?? (called && !hasVariable && text !== '' ? 'by its name' : undefined)
    const key = `${place.line}:${place.column}:${where}`
    if (looks === undefined || seen.has(key)) return []
    seen.add(key)
    return [{ place, where, looks }]
  })
}

/** Variables stand for themselves, so that no shape reaches across one. */
const writtenIn = (template: Template): string =>
  template.parts.map((part) => (part.kind === 'text' ? part.text : ' ')).join('')

const hasVariable = ({ parts }: Template): boolean => parts.some(({ kind }) => kind !== 'text')

const named = (template: Template, where: string, called = false): Named => ({
  text: writtenIn(template).trim(),
  hasVariable: hasVariable(template),
  place: template.place,
  where,
  called,
})

/** Arguments of a program: what follows `--token`, and what is behind its `=`. */
const words = (command: readonly Template[], where: string): Named[] =>
  command.map((word, index) => {
    const before = secretFlag.exec(command[index - 1]?.text ?? '')
    const own = secretFlag.exec(word.text)
    const follows = before !== null && before[1] === undefined && !word.text.startsWith('-')
    return named(word, `word ${index + 1} of ${where}`, follows || own?.[1] !== undefined)
  })

const plainWords = (command: readonly string[], where: string, place: Place): Named[] =>
  words(
    command.map((text) => ({ text, parts: [{ kind: 'text', text }], place })),
    where,
  )

function textsOf(plan: Plan): Named[] {
  const sequences = [
    ...plan.schedules.values(),
    ...plan.drills.values(),
    ...plan.procedures.values(),
  ]
  return [
    ...sequences.flatMap((sequence) => {
      const heartbeat = sequence.kind === 'procedure' ? undefined : sequence.heartbeat
      const where = `${sequence.kind} ${sequence.name}`
      return [
        ...(heartbeat === undefined ? [] : [named(heartbeat, `heartbeat of ${where}`)]),
        ...allTasks(sequence).flatMap((step) => stepTexts(step, `step ${step.id} of ${where}`)),
      ]
    }),
    ...[...plan.people.channels.values()].flatMap((channel) =>
      channel.kind === 'webhook'
        ? [named(channel.url, `webhook of channel ${channel.name}`)]
        : words(channel.command, `channel ${channel.name}`),
    ),
    ...[...plan.destinations.values()].flatMap(({ encryption, name, place }) =>
      encryption?.kind === 'command'
        ? plainWords(encryption.command, `keyCommand of destination ${name}`, place)
        : [],
    ),
  ]
}

type Step = ReturnType<typeof allTasks>[number]

function stepTexts(step: Step, where: string): Named[] {
  switch (step.kind) {
    case 'exec':
      return [
        ...words(step.input.command, where),
        ...[...step.input.env].map(([name, value]) =>
          named(value, `variable ${name} of ${where}`, secretName.test(name)),
        ),
      ]
    case 'http':
      return [
        named(step.input.url, `address of ${where}`),
        ...[...step.input.headers].map(([name, value]) =>
          named(value, `header ${name} of ${where}`, secretHeader.test(name)),
        ),
        ...(step.input.body === undefined ? [] : [named(step.input.body, `body of ${where}`)]),
      ]
    case 'probe':
      return [named(step.input.url, `address of ${where}`)]
    case 'notify':
      return [named(step.input.message, `message of ${where}`)]
    default:
      return []
  }
}
