/**
 * How the copies on a node stand, as people and plans are told: of each collection either that, or what keeps from
 * looking at it. One that cannot be opened takes nothing away from the others, and one that is not open yet holds
 * nobody up.
 */
import { isOperatingError, OperatingError, type SerialisedError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Timer } from '../base/timer.ts'
import type { Collection } from '../collection/collection.ts'
import type { FollowerStatus as MemberStatus } from '../collection/followers.ts'
import type { WhenAlone } from '../collection/replica-file.ts'
import { type CopyState, copyState } from './copy-state.ts'
import type { FollowerStatus } from './follow.ts'

export interface CopyStatus extends Omit<CopyState, 'members' | 'lineage' | 'replaced' | 'chain'> {
  /** On a standby: how it follows. */
  readonly following: FollowerStatus | null
  /** On a primary: its standbys. */
  readonly members: readonly MemberStatus[]
  readonly whenAlone: WhenAlone
  /** Synchronous writes are acknowledged by this node alone now. */
  readonly alone: boolean
  /** Damage that was met since it was opened: it is read-only. Null: none was. */
  readonly damage: SerialisedError | null
}

/** A replicated collection that cannot be looked at now. */
export interface BrokenCopy {
  readonly name: string
  /** `locked`: it is being opened, mended or replaced. Else what opening it failed with. */
  readonly problem: SerialisedError
}

/** All replicated collections of a node. */
export interface CopiesHere {
  readonly copies: readonly CopyStatus[]
  readonly broken: readonly BrokenCopy[]
}

/** The state of an open copy; `following`: of its follower, where it has one. */
export function copyStatus(
  collection: Collection,
  following: FollowerStatus | undefined,
): CopyStatus {
  const { members: _, lineage: __, chain: ___, replaced: ____, ...state } = copyState(collection)
  const { followers, isStandby, state: own, damage } = collection.replication
  return {
    ...state,
    following: isStandby ? (following ?? null) : null,
    members: isStandby ? [] : followers.status(),
    whenAlone: own.whenAlone,
    alone: !isStandby && followers.alone,
    damage: damage.found?.toJSON() ?? null,
  }
}

/** Looks at all of `names` at once. `look` opens a collection, which may take long. */
export async function lookAtAll(
  names: readonly string[],
  look: (name: string) => Promise<CopyStatus>,
  timer: Timer,
): Promise<CopiesHere> {
  const copies: CopyStatus[] = []
  const broken: BrokenCopy[] = []
  const seen = await Promise.all(names.map((name) => lookInTime(name, look, timer)))
  for (const [index, each] of seen.entries()) {
    const name = names[index] ?? ''
    if (!(each instanceof OperatingError)) copies.push(each)
    else if (each.code !== 'collection-not-found') broken.push({ name, problem: each.toJSON() })
  }
  return { copies, broken }
}

async function lookInTime(
  name: string,
  look: (name: string) => Promise<CopyStatus>,
  timer: Timer,
): Promise<CopyStatus | OperatingError> {
  let cancel = () => {}
  const late = new Promise<OperatingError>((resolve) => {
    cancel = timer.after(limits.copyLookMs, () => resolve(notOpenYet(name)))
  })
  const looking = look(name).catch((error: unknown) => {
    if (isOperatingError(error)) return error
    throw error
  })
  return Promise.race([looking, late]).finally(() => cancel())
}

const notOpenYet = (name: string): OperatingError =>
  new OperatingError(
    'locked',
    `${name} is being opened, mended or replaced`,
    'Look again in a moment.',
  )
