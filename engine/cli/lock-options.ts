/** How what is written is locked: the options, the same for every command that writes to a repository. */
import { Option } from 'commander'
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { type LockMode, lockModes } from '../destination/destination.ts'
import type { LockPolicy } from '../repository/lock-policy.ts'
import { duration } from './option.ts'

export interface LockFlags {
  readonly objectLock?: LockMode
  readonly lockFor?: number
}

const secondMs = 1_000

/** The options themselves. */
export const lockOptions = (): Option[] => [
  new Option(
    '--object-lock <mode>',
    'lock what is written: governance can be lifted by a special right, compliance by nobody (default: as the repository was made)',
  ).choices(lockModes),
  new Option('--lock-for <duration>', 'how long from writing, such as 35d').argParser(
    duration(secondMs, limits.lockMs),
  ),
]

/** What the flags say; undefined when they say nothing. @throws `usage` when one of the two is missing */
export function lockPolicyOf({
  objectLock: mode,
  lockFor: forMs,
}: LockFlags): LockPolicy | undefined {
  if (mode === undefined && forMs === undefined) return undefined
  if (mode !== undefined && forMs !== undefined) return { mode, forMs }
  const missing = mode === undefined ? '--object-lock' : '--lock-for'
  return fail(
    'usage',
    `a lock needs both its mode and its time: ${missing} is missing`,
    'Write, for example, --object-lock compliance --lock-for 35d.',
  )
}
