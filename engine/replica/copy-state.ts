/** How one copy of a collection stands, as its node tells others: who writes it, in which epoch, up to where. */

import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Collection } from '../collection/collection.ts'
import {
  type Ancestor,
  areRelated,
  type Histories,
  type NodeAddress,
  type PromisedEpoch,
  type ReplicaMember,
  readAddress,
  readAncestor,
  readMember,
  readPromise,
  readReplaced,
} from '../collection/replica-file.ts'
import { type CollectionConfig, readConfig } from '../format/config.ts'
import { type Fields, patterns } from '../format/fields.ts'
import type { Epoch } from '../format/identity.ts'
import { readEpoch } from '../format/manifest.ts'

export interface CopyState {
  readonly name: string
  readonly uuid: string
  readonly role: 'primary' | 'standby'
  readonly fenced: boolean
  readonly epoch: Epoch
  readonly promised: PromisedEpoch | null
  readonly primary: NodeAddress | null
  readonly lsn: number
  readonly chain: number
  /** Commit time of the newest record, epoch µs. */
  readonly committedAtUs: number
  readonly count: number
  readonly digest: string
  /** Its index and durability; null: a node of an earlier version does not tell. */
  readonly config: CollectionConfig | null
  readonly members: readonly ReplicaMember[]
  readonly lineage: readonly Ancestor[]
  /** What a restore in place ended: see replica-file.ts. */
  readonly replaced: readonly Epoch[]
}

/** The histories of an open collection. */
export const historiesOf = ({ epoch, replication }: Collection): Histories => {
  const { lineage, replaced } = replication.state
  return { epoch, lineage, replaced }
}

/** The state of an open collection, as it is now. */
export function copyState(collection: Collection): CopyState {
  const { name, uuid, epoch, count, digest, config, replication } = collection
  const { role, promised, primary, members, lineage, replaced } = replication.state
  const { lsn, chain, committedAtUs } = replication.durable
  return {
    ...{ name, uuid, role, fenced: replication.isFenced, epoch, promised, primary },
    ...{ lsn, chain, committedAtUs, count, digest, config, members, lineage, replaced },
  }
}

/** @throws `damaged` */
export function readCopyState(fields: Fields): CopyState {
  return {
    name: fields.text('name'),
    uuid: fields.text('uuid', patterns.uuid),
    role: fields.oneOf('role', ['primary', 'standby']),
    fenced: fields.boolean('fenced'),
    ...readHistories(fields),
    promised: fields.has('promised') ? readPromise(fields.object('promised')) : null,
    primary: fields.has('primary') ? readAddress(fields.object('primary')) : null,
    lsn: fields.integer('lsn'),
    chain: fields.integer('chain', 0, 0xffffffff),
    committedAtUs: fields.integer('committedAtUs'),
    count: fields.integer('count'),
    digest: fields.text('digest', patterns.sha256),
    config: fields.has('config') ? readConfig(fields.object('config')) : null,
    members: fields.objects('members', limits.clusterNodes).map(readMember),
  }
}

/** @throws `divergence` when a request is of another collection than this one, or of a history that has nothing to do with it */
export function refuseOther(collection: Collection, fields: Fields, { name }: NodeAddress): void {
  // an earlier version does not tell its histories
  const own = fields.has('own') ? readHistories(fields.object('own')) : undefined
  const isApart = own !== undefined && !areRelated(historiesOf(collection), own)
  if (!isApart && fields.text('uuid') === collection.uuid) return
  fail(
    'divergence',
    `${collection.name} is another collection at ${name}${isApart ? ', or was restored there' : ''}`,
    'Name the right node.',
  )
}

/** @throws `damaged` */
const readHistories = (fields: Fields): Histories => ({
  epoch: readEpoch(fields.object('epoch')),
  lineage: fields.objects('lineage', limits.replicaLineage).map(readAncestor),
  replaced: readReplaced(fields),
})
