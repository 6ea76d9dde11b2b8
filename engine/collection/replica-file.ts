/**
 * What a copy of a collection is to the other ones: `replica.json` in its directory.
 *
 * A self-checking document, replaced as a whole and durable before what it says is acted on. Without one
 * the collection is nobody's copy: it takes writes. Invariants:
 * - `role` says who makes the records of the current epoch: this node, or another one;
 * - `promised` is a newer epoch that this copy has agreed to: from then on it neither writes nor takes
 *   records of the epoch it is in. It is never replaced by a lower number, nor by the same number of
 *   another history;
 * - `switching` is set before the files of another epoch are written and cleared after: who finds it set
 *   sees from the manifest on which side the crash fell (switch-epoch.ts).
 */
import * as path from 'node:path'
import { type Disk, replaceFile } from '../base/disk.ts'
import { limits } from '../base/limits.ts'
import { type DocumentKind, decodeDocument, encodeDocument } from '../format/document.ts'
import { Fields } from '../format/fields.ts'
import type { Epoch } from '../format/identity.ts'
import { readEpoch } from '../format/manifest.ts'

/** The history of an epoch that nobody begins: a copy that was fenced by a person. */
export const noHistory = '0000000000000000'

export const replicaFileName = 'replica.json'
const kind: DocumentKind = { format: 'vectra-replica', version: 1 }

/** A node as others find it. */
export interface NodeAddress {
  readonly name: string
  readonly url: string
}

export type ReplicationMode = 'async' | 'sync'
/** What a synchronous write does while a synchronous standby is not there. */
export type WhenAlone = 'block' | 'async'

export interface ReplicaMember extends NodeAddress {
  readonly mode: ReplicationMode
}

/** An earlier history of the collection, and the record after which the next one began. */
export interface Ancestor {
  readonly epoch: Epoch
  readonly lsn: number
  readonly chain: number
}

export interface PromisedEpoch extends Epoch {
  /** The node that begins it. */
  readonly node: NodeAddress
}

export interface ReplicaState {
  readonly role: 'primary' | 'standby'
  /** On a standby: who writes, as far as it knows. */
  readonly primary: NodeAddress | null
  readonly promised: PromisedEpoch | null
  /** Lower promises that may have been used: they hold again when the higher one is taken back. */
  readonly earlier: readonly PromisedEpoch[]
  /** Oldest first. */
  readonly lineage: readonly Ancestor[]
  /** Histories that a restore in their place ended: this one goes on from none of them, and nobody else may in its name. */
  readonly replaced: readonly Epoch[]
  /** On a primary: the standbys. On a standby: those that the primary told of. */
  readonly members: readonly ReplicaMember[]
  readonly whenAlone: WhenAlone
  /** Every node that was ever a primary, a standby or promised an epoch, as far as this copy knows. */
  readonly nodes: readonly NodeAddress[]
  readonly switching: {
    readonly epoch: Epoch
    readonly role: 'primary' | 'standby'
    readonly lsn: number
  } | null
}

export const unreplicated: ReplicaState = {
  role: 'primary',
  primary: null,
  promised: null,
  earlier: [],
  lineage: [],
  replaced: [],
  members: [],
  whenAlone: 'block',
  nodes: [],
  switching: null,
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
const urlPattern = /^\S{1,2048}$/

export class ReplicaFile {
  readonly #disk: Disk
  readonly #file: string
  #current: ReplicaState
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(disk: Disk, file: string, current: ReplicaState) {
    this.#disk = disk
    this.#file = file
    this.#current = current
  }

  /** @throws `damaged`, `newer-format`: a copy that does not know what it is takes no writes */
  static async open(disk: Disk, directory: string): Promise<ReplicaFile> {
    const file = path.join(directory, replicaFileName)
    const there = (await disk.stat(file)) !== undefined
    const current = there
      ? decodeReplicaState(await disk.readFile(file, limits.replicaFileBytes), file)
      : unreplicated
    return new ReplicaFile(disk, file, current)
  }

  get current(): ReplicaState {
    return this.#current
  }

  /** Replaces the state by what `change` makes of it, in turn; durable when it resolves. */
  change(change: (now: ReplicaState) => ReplicaState): Promise<void> {
    const result = this.#turn.then(async () => {
      const changed = change(this.#current)
      if (changed === this.#current) return
      const next = withKnownNodes(changed)
      await replaceFile(this.#disk, this.#file, encodeReplicaState(next))
      this.#current = next
    })
    this.#turn = result.catch(() => {})
    return result
  }
}

/** The bytes of the file. */
export const encodeReplicaState = (state: ReplicaState): Buffer => encodeDocument(kind, state)

/** @throws `damaged`, `newer-format` */
export function decodeReplicaState(bytes: Uint8Array, file: string): ReplicaState {
  const fields = new Fields(decodeDocument(kind, bytes, file), file)
  const roles = ['primary', 'standby'] as const
  const switching = fields.has('switching') ? fields.object('switching') : undefined
  return {
    role: fields.oneOf('role', roles),
    primary: fields.has('primary') ? readAddress(fields.object('primary')) : null,
    promised: fields.has('promised') ? readPromise(fields.object('promised')) : null,
    earlier: fields.objects('earlier', limits.replicaLineage).map(readPromise),
    lineage: fields.objects('lineage', limits.replicaLineage).map(readAncestor),
    replaced: readReplaced(fields),
    members: fields.objects('members', limits.clusterNodes).map(readMember),
    whenAlone: fields.oneOf('whenAlone', ['block', 'async']),
    nodes: fields.objects('nodes', limits.clusterNodes).map(readAddress),
    switching: switching
      ? {
          epoch: readEpoch(switching.object('epoch')),
          role: switching.oneOf('role', roles),
          lsn: switching.integer('lsn'),
        }
      : null,
  }
}

/** @throws `damaged` */
export const readAddress = (fields: Fields): NodeAddress => ({
  name: fields.text('name', namePattern),
  url: fields.text('url', urlPattern),
})

/** @throws `damaged` */
export const readPromise = (fields: Fields): PromisedEpoch => ({
  ...readEpoch(fields),
  node: readAddress(fields.object('node')),
})

/** The state with all nodes that it names among those it knows; the newest addresses, the newest nodes. */
export function withKnownNodes(now: ReplicaState): ReplicaState {
  const { primary, members, promised } = now
  const named = [
    ...now.nodes,
    ...members,
    ...(promised ? [promised.node] : []),
    ...(primary ? [primary] : []),
  ]
  const nodes = new Map<string, NodeAddress>()
  for (const { name, url } of named) {
    nodes.delete(name)
    nodes.set(name, { name, url })
  }
  return { ...now, nodes: [...nodes.values()].slice(-limits.clusterNodes) }
}

/** The state with one promise more, which is the highest. */
export const withPromise = (now: ReplicaState, promised: PromisedEpoch): ReplicaState => {
  const lower = now.promised !== null && now.promised.number < promised.number
  const earlier = lower && now.promised !== null ? [...now.earlier, now.promised] : now.earlier
  return { ...now, promised, earlier: earlier.slice(-limits.replicaLineage) }
}

/** The state without a promise that nobody will use; the one before it holds again. */
export function withoutPromise(now: ReplicaState, epoch: Epoch): ReplicaState {
  const all = [...now.earlier, ...(now.promised ? [now.promised] : [])]
  const left = all.filter((each) => !isSameEpoch(each, epoch))
  if (left.length === all.length) return now
  return { ...now, promised: left.at(-1) ?? null, earlier: left.slice(0, -1) }
}

/** @throws `damaged` */
export const readMember = (fields: Fields): ReplicaMember => ({
  ...readAddress(fields),
  mode: fields.oneOf('mode', ['async', 'sync']),
})

/** @throws `damaged` */
export const readAncestor = (fields: Fields): Ancestor => ({
  epoch: readEpoch(fields.object('epoch')),
  lsn: fields.integer('lsn'),
  chain: fields.integer('chain', 0, 0xffffffff),
})

/** @throws `damaged`; an earlier version wrote none */
export const readReplaced = (fields: Fields): readonly Epoch[] =>
  fields.has('replaced')
    ? fields.objects('replaced', limits.replicaLineage).map((each) => readEpoch(each))
    : []

/** The history that a copy is in, and those that it comes from or took the place of. */
export interface Histories {
  readonly epoch: Epoch
  readonly lineage: readonly Ancestor[]
  readonly replaced: readonly Epoch[]
}

/**
 * Whether two copies of one uuid come from each other or from a common history: promotions lead from one to the next.
 * A backup that was restored where no copy was begins a history of its own, which has no say in theirs.
 */
export function areRelated(one: Histories, other: Histories): boolean {
  const all = ({ epoch, lineage, replaced }: Histories) => [
    epoch,
    ...lineage.map((each) => each.epoch),
    ...replaced,
  ]
  // what is older is not remembered any more
  if (all(one).length > limits.replicaLineage || all(other).length > limits.replicaLineage) {
    return true
  }
  return all(one).some((each) => all(other).some((known) => isSameEpoch(each, known)))
}

/** Whether `epoch` is the very history that `other` is. */
export const isSameEpoch = (epoch: Epoch, other: Epoch): boolean =>
  epoch.number === other.number && epoch.history === other.history
