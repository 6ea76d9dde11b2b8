/** How a plan's targets and destinations are written in a command that a person types. */
import * as path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Destination, DestinationKey, Plan, Target } from '../plan/plan.ts'
import { formatDuration } from '../plan/units.ts'

/** The variable in which commands look for a key by themselves. */
const usualKey = 'VECTRA_BACKUP_KEY'

/** `file` as it is typed in the plan's directory: relative as long as that is not longer. */
export function typedPath(plan: Plan, file: string): string {
  const relative = path.relative(plan.directory, file)
  if (relative === '') return '.'
  if (relative.length >= file.length) return file
  return relative.startsWith('..') ? relative : `./${relative}`
}

/** `vectra-cli` acting on a target of the plan. */
export function vectraCli(plan: Plan, target: string, ...words: readonly string[]): string[] {
  const found = plan.targets.get(target)
  return ['vectra-cli', ...(found === undefined ? [] : whereWords(plan, found)), ...words]
}

function whereWords(plan: Plan, target: Target): string[] {
  if (target.kind === 'vectra') return ['--data', typedPath(plan, target.path)]
  const token = target.kind === 'vectra-server' ? target.token : undefined
  // the command looks there itself
  const given = token === undefined || token.name === 'VECTRA_TOKEN'
  return ['--endpoint', target.url, ...(given ? [] : ['--token', `\${env.${token.name}}`])]
}

/** By plan and name: every step names one or two of the few that there are. */
const typed = new WeakMap<Plan, Map<string, string>>()

/** A destination of the plan as a value of `--destination` or `--source`. */
export function typedDestination(plan: Plan, name: string): string {
  const url = plan.destinations.get(name)?.url
  if (url === undefined) return name
  if (!url.startsWith('file:')) return url
  const known = typed.get(plan) ?? new Map<string, string>()
  typed.set(plan, known)
  const word = known.get(name) ?? typedPath(plan, fileURLToPath(url))
  known.set(name, word)
  return word
}

/** What a person adds to a command, so that it opens these destinations as the plan does. */
export function accessWords(
  plan: Plan,
  names: readonly string[],
  access: 'reads' | 'writes',
): string[] {
  const words = names.flatMap((name) => {
    const { encryption, signing, objectLock } = plan.destinations.get(name) ?? {}
    return [
      ...(encryption === undefined ? [] : keyWords(plan, encryption)),
      ...(signing?.trust ?? []).map((key) => ['--trust', key]),
      ...(access === 'writes' && signing?.keyFile !== undefined
        ? [['--sign-key', typedPath(plan, signing.keyFile)]]
        : []),
      ...(access === 'writes' && objectLock !== undefined
        ? [
            ['--object-lock', objectLock.mode],
            ['--lock-for', formatDuration(objectLock.forMs)],
          ]
        : []),
    ]
  })
  // the same key of two destinations is given once
  const distinct = new Map(words.map((pair) => [pair.join('\0'), pair]))
  return [...distinct.values()].flat()
}

/** The same for a command that reads one destination and writes another. */
export function copyWords(plan: Plan, from: string, to: string): string[] {
  const target = plan.destinations.get(to)
  const key = target?.encryption
  const lock = target?.objectLock
  const isSealed = plan.destinations.get(from)?.encryption !== undefined
  return [
    ...accessWords(plan, [from], 'reads'),
    ...(key === undefined && isSealed ? ['--to-plain'] : []),
    ...(key === undefined ? [] : toKeyWords(plan, key)),
    ...(lock === undefined
      ? []
      : ['--object-lock', lock.mode, '--lock-for', formatDuration(lock.forMs)]),
  ]
}

function toKeyWords(plan: Plan, key: DestinationKey): string[] {
  if (key.kind === 'file') return ['--to-key-file', typedPath(plan, key.path)]
  const words = key.kind === 'command' ? key.command : ['printenv', key.key.name]
  return ['--to-key-command', JSON.stringify(words)]
}

function keyWords(plan: Plan, key: DestinationKey): string[][] {
  if (key.kind === 'file') return [['--key-file', typedPath(plan, key.path)]]
  if (key.kind === 'command') return [['--key-command', JSON.stringify(key.command)]]
  const { name } = key.key
  // the command looks there itself
  if (name === usualKey) return []
  return [['--key-command', JSON.stringify(['printenv', name])]]
}

/**
 * The command without the key that it would find in the environment and not need: a destination that is
 * not encrypted refuses a key.
 */
export function withoutStrayKey(plan: Plan, words: readonly string[]): readonly string[] {
  const isEncrypted = ({ encryption }: Destination) => encryption !== undefined
  const all = [...plan.destinations.values()]
  const isThere = all.some(
    ({ encryption }) => encryption?.kind === 'env' && encryption.key.name === usualKey,
  )
  if (!isThere) return words
  const used = all.filter(({ name }) => words.includes(typedDestination(plan, name)))
  const isStray = used.length > 0 && !used.some(isEncrypted)
  return isStray ? ['env', '-u', usualKey, ...words] : words
}
