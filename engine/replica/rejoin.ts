/**
 * A copy joins the cluster again as a standby: the old primary that came back, or a copy that diverged.
 *
 * What it has and the new history lacks is written to a file first, durably. Then it goes on in place when it
 * stands exactly where the new epoch began, and takes a new base otherwise; sealed segments that both have are
 * kept. Until the base is proven the old copy stays, fenced.
 */
import { fail } from '../base/errors.ts'
import type { Collection } from '../collection/collection.ts'
import {
  type Ancestor,
  areRelated,
  isSameEpoch,
  type NodeAddress,
  noHistory,
} from '../collection/replica-file.ts'
import { type CopyState, historiesOf } from './copy-state.ts'
import type { LostRecords } from './lost-records.ts'

export interface RejoinSteps {
  readonly self: NodeAddress
  readonly primary: NodeAddress
  /** How the primary's copy stands. */
  readonly state: CopyState
  readonly exportLost: (
    fork: Pick<Ancestor, 'lsn' | 'chain'> | undefined,
  ) => Promise<LostRecords | undefined>
  readonly seed: () => Promise<void>
}

export interface Rejoined {
  readonly collection: string
  readonly primary: NodeAddress
  readonly epoch: CopyState['epoch']
  /** `kept`: nothing but the epoch changed. `seeded`: it took a new base. */
  readonly how: 'kept' | 'seeded'
  /** What the new history does not have; null when it has everything. */
  readonly lost: LostRecords | null
}

/** @throws `fenced`, `not-primary`, `divergence`: nothing has changed then */
export async function rejoin(collection: Collection, steps: RejoinSteps): Promise<Rejoined> {
  const { self, primary, state } = steps
  const { name, uuid, epoch, replication } = collection
  if (state.role !== 'primary' || state.fenced) {
    fail(
      'not-primary',
      `${primary.name} is no primary of ${name}`,
      'Name the node that is: vectra-cli cluster status.',
    )
  }
  if (state.uuid !== uuid) {
    fail(
      'divergence',
      `${name} at ${primary.name} is another collection than the one here`,
      'Drop the one here, then: vectra-cli collections replicate.',
    )
  }
  if (isSameEpoch(state.epoch, epoch)) {
    // a standby that strayed, or one that is well: the end of what both have is looked for in place
    if (!replication.isStandby)
      fail('usage', `${self.name} is the primary of ${name}`, 'Nothing was changed.')
  } else if (
    state.epoch.number < epoch.number ||
    (state.epoch.number === epoch.number && !replication.isFenced)
  ) {
    if (!areRelated(state, historiesOf(collection))) {
      fail(
        'divergence',
        `${name} was restored at ${self.name} and began a history of its own; ${primary.name} goes on in another one`,
        `To keep that of ${primary.name}: vectra-cli collections drop ${name} --endpoint ${self.url}, then vectra-cli collections replicate ${name} --replica-node ${self.name}.`,
      )
    }
    fail(
      'divergence',
      `${name} is in epoch ${epoch.number} here and in epoch ${state.epoch.number} at ${primary.name}: two nodes were promoted apart from each other`,
      `Decide which one goes on. On the other one: vectra-cli cluster fence ${name}, and then rejoin.`,
    )
  } else if (!replication.isFenced) {
    await replication.promise({ ...state.epoch, node: primary }, self.name)
  }
  const { promised: before } = replication.state
  // a standby that a person fenced follows again because a person says so
  if (before?.history === noHistory && replication.isStandby) await replication.release(before)
  await replication.settle()
  const fork = isSameEpoch(state.epoch, epoch)
    ? commonEnd(collection, state)
    : state.lineage.find((each) => isSameEpoch(each.epoch, epoch))
  const lost = (await steps.exportLost(fork)) ?? null
  await replication.change((now) => ({ ...now, primary }))
  const { lsn, chain } = replication.durable
  const last = state.lineage.at(-1)
  const { promised } = replication.state
  // what was promised to another history of that number, a base takes the place of: a person named this one
  const toOther =
    promised !== null &&
    promised.number >= state.epoch.number &&
    !isSameEpoch(promised, state.epoch)
  const stands =
    !toOther &&
    last !== undefined &&
    isSameEpoch(last.epoch, epoch) &&
    last.lsn === lsn &&
    last.chain === chain
  if (stands && !isSameEpoch(state.epoch, epoch))
    await replication.switchEpoch(state.epoch, 'standby')
  else await steps.seed()
  return { collection: name, primary, epoch: state.epoch, how: stands ? 'kept' : 'seeded', lost }
}

/** In one epoch there is one log: what is here up to the primary's end is the same, unless the end differs. */
function commonEnd(
  { replication }: Collection,
  state: CopyState,
): Pick<Ancestor, 'lsn' | 'chain'> | undefined {
  const { lsn, chain } = replication.durable
  if (lsn < state.lsn) return { lsn, chain }
  return lsn === state.lsn && chain === state.chain ? { lsn, chain } : undefined
}
