/**
 * A node: its collections as copies of those of other nodes. It answers the other nodes, lets its standbys
 * follow, and does what a person or a plan asks for. It decides nothing by itself.
 */
import type { RepositoryLocation } from '../backup/sources.ts'
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { fail, isOperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { NamedTurns } from '../base/named-turns.ts'
import type { Timer } from '../base/timer.ts'
import type { Collection } from '../collection/collection.ts'
import type { DataDirectory } from '../collection/data-directory.ts'
import type { MendResult, PieceSource } from '../collection/mend.ts'
import {
  isSameEpoch,
  type NodeAddress,
  noHistory,
  type ReplicaState,
  type ReplicationMode,
  readAddress,
  type WhenAlone,
} from '../collection/replica-file.ts'
import type { Fields } from '../format/fields.ts'
import type { Epoch } from '../format/identity.ts'
import { readEpoch } from '../format/manifest.ts'
import { Bases } from './base.ts'
import { type CopyState, copyState, readCopyState, refuseOther } from './copy-state.ts'
import { type CopiesHere, type CopyStatus, copyStatus, lookAtAll } from './copy-status.ts'
import { askToJoin, Joining, type ReplicateOptions } from './joining.ts'
import { exportLost, lostDirectoryOf } from './lost-records.ts'
import { answerPiece, isDamage, Mending } from './mending.ts'
import { type LossWindow, type Promotion, promote } from './promote.ts'
import { type Rejoined, rejoin } from './rejoin.ts'
import { type RemovedNode, removeNode } from './removing.ts'
import type { Joined } from './seed-from-repository.ts'
import { Shipper } from './ship.ts'
import { Standbys } from './standbys.ts'
import { answer, ask, failUnknown, type Reply, type Transport } from './transport.ts'
import { voidPromise } from './void-promise.ts'
import { WriteProbe } from './write-probe.ts'

export interface ReplicaNodeOptions {
  /** How others find this node. */
  readonly self: NodeAddress
  readonly data: DataDirectory
  readonly transport: Transport
  readonly disk: Disk
  readonly clock: Clock
  readonly timer: Timer
  /** Names the histories that begin here. Default: at random. */
  readonly newEpoch?: (number: number) => Epoch
  /** Reads a repository as another node names it. */
  readonly toLocation?: (fields: Fields) => RepositoryLocation
  readonly onWarning: (text: string) => void
}

const askMs = 2_000

export class ReplicaNode {
  readonly self: NodeAddress
  readonly #options: ReplicaNodeOptions
  readonly #bases: Bases
  readonly #shippers = new WeakMap<Collection, Shipper>()
  readonly #standbys: Standbys
  readonly #joining: Joining
  readonly #mending: Mending
  readonly #probe: WriteProbe
  readonly #ended = new AbortController()
  /** Collections as they were opened, and when each is ready. */
  readonly #attached = new WeakMap<Collection, Promise<void>>()
  /** Those that could not enter an epoch, and when each is closed. */
  readonly #shut = new WeakMap<Collection, Promise<void>>()
  /** What changes who a copy follows, one after the other for each collection. */
  readonly #turns = new NamedTurns()

  constructor(options: ReplicaNodeOptions) {
    this.#options = options
    this.self = options.self
    this.#bases = new Bases(options.timer)
    this.#probe = new WriteProbe(options)
    const open = (name: string) => this.#open(name)
    this.#standbys = new Standbys({ ...options, open })
    const parts = { standbys: this.#standbys, turns: this.#turns }
    this.#joining = new Joining({ ...options, ...parts, open })
    this.#mending = new Mending({ ...options, ...parts })
  }

  /** Lets the standbys among the collections follow. A copy that cannot be opened is told and left. */
  async start(): Promise<void> {
    for (const name of await this.#options.data.replicated()) {
      try {
        await this.#open(name)
        this.#standbys.follow(name)
      } catch (error) {
        if (!isOperatingError(error)) throw error
        this.#options.onWarning(`${name} does not follow: ${error.message}`)
        if (isDamage(error)) this.#mending.begin(name, error)
      }
    }
  }

  /** Fetches what is damaged from the other copies, and from `more`. @throws see {@link Mending.mend} */
  mend(name: string, more: readonly PieceSource[] = []): Promise<MendResult> {
    return this.#mending.mend(this.#options.data.aliases.resolve(name), more)
  }

  /** Nothing is followed or given out any more when this resolves. */
  async close(): Promise<void> {
    this.#ended.abort()
    await this.#standbys.close()
    await this.#bases.close()
  }

  /** Answers a message of another node. */
  handle(message: Buffer): Promise<Buffer> {
    return answer(message, (kind, fields) => this.#handle(kind, fields))
  }

  /** How the copy of one collection stands. @throws `collection-not-found`, and what damage says */
  async status(name: string): Promise<CopyStatus> {
    const collection = await this.#open(name)
    return copyStatus(collection, this.#standbys.status(collection.name))
  }

  /** How all copies stand: see copy-status.ts. */
  async copies(): Promise<CopiesHere> {
    const { data, timer } = this.#options
    return lookAtAll(await data.replicated(), (name) => this.status(name), timer)
  }

  /**
   * Makes `node` a standby of a collection here, which takes a base and follows. All log is kept meanwhile.
   * @throws `not-primary`, `fenced`, `unreachable`; `collection-exists` when the node has another one of that name;
   *   of a base from a repository: see seed-from-repository.ts
   */
  async replicate(
    name: string,
    node: NodeAddress,
    { mode, whenAlone, base }: ReplicateOptions,
  ): Promise<Joined> {
    const collection = await this.#primary(name)
    const { replication, uuid } = collection
    if (node.name === this.self.name)
      fail('usage', `${node.name} is the primary itself`, 'Name another node.')
    const request = { collection: collection.name, uuid, primary: this.self, base: base ?? null }
    const letGo = replication.followers.hold()
    try {
      const joined = await askToJoin(this.#options.transport, node, request)
      await this.#setMember(collection, node, mode, whenAlone)
      return joined
    } finally {
      letGo()
    }
  }

  /** Ends replication to a standby. It stays what it is until it is dropped there. */
  async forget(name: string, node: string): Promise<void> {
    const { replication } = await this.#primary(name)
    const others = ({ members }: ReplicaState) => members.filter((each) => each.name !== node)
    await replication.change((now) => ({ ...now, members: others(now) }))
  }

  /** Forgets a node in every copy here. @throws see {@link removeNode} */
  remove(node: string): Promise<RemovedNode> {
    return removeNode(node, this.self, this.#options.data, (name) => this.#open(name))
  }

  /** Changes what synchronous writes do while their standby is not there. */
  async whenAlone(name: string, whenAlone: WhenAlone): Promise<void> {
    await (await this.#primary(name)).replication.change((now) => ({ ...now, whenAlone }))
  }

  /** A copy here becomes the primary. @throws see {@link promote} */
  promote(
    name: string,
    options: {
      readonly planned?: boolean
      readonly without?: readonly string[]
      readonly confirm: (window: LossWindow) => Promise<boolean>
    },
  ): Promise<Promotion> {
    return this.#turns.run(this.#options.data.aliases.resolve(name), async () => {
      const collection = await this.#open(name)
      const { transport, clock, newEpoch } = this.#options
      const lag = this.#standbys.status(collection.name)
      const own = { self: this.self, transport, clock, lag, newEpoch }
      const stopFollowing = () => this.#standbys.stop(collection.name)
      try {
        return await promote(collection, { ...own, ...options, stopFollowing })
      } catch (error) {
        if (collection.replication.isStandby) this.#standbys.follow(collection.name)
        throw error
      }
    })
  }

  /** Nothing is written here from now on: `epoch` is somebody else's. Without one, of nobody's yet. */
  async fence(name: string): Promise<CopyState> {
    const collection = await this.#open(name)
    const { replication, epoch } = collection
    const number = Math.max(epoch.number, replication.state.promised?.number ?? 0) + 1
    if (!replication.isFenced) {
      await replication.promise({ number, history: noHistory, node: this.self }, this.self.name)
    }
    return copyState(collection)
  }

  /** A copy here becomes a standby of `primary`. @throws see {@link rejoin} */
  rejoin(name: string, primary: NodeAddress, mode: ReplicationMode): Promise<Rejoined> {
    const work = () => this.#rejoin(name, primary, mode)
    return this.#turns.run(this.#options.data.aliases.resolve(name), work)
  }

  async #rejoin(name: string, primary: NodeAddress, mode: ReplicationMode): Promise<Rejoined> {
    const { transport, disk, data } = this.#options
    const collection = await this.#open(name)
    const real = collection.name
    const { fields } = await ask(
      transport,
      primary,
      'copy',
      { collection: real },
      { timeoutMs: askMs },
    )
    await this.#standbys.stop(real)
    let rejoined: Rejoined
    try {
      await voidPromise(collection, { self: this.self, transport })
      rejoined = await rejoin(collection, {
        self: this.self,
        primary,
        state: readCopyState(fields),
        exportLost: (fork) => exportLost(disk, lostDirectoryOf(data.path), collection, fork),
        seed: async () => void (await this.#standbys.seed(real, primary)),
      })
    } finally {
      // where it was refused, a standby goes on as before
      const isThere = data.has(real) && (await this.#open(real)).replication.isStandby
      if (isThere) this.#standbys.follow(real)
    }
    const member = { collection: real, node: this.self, mode }
    await ask(transport, primary, 'member', member, { timeoutMs: askMs })
    return rejoined
  }

  async #handle(kind: string, fields: Fields): Promise<Reply> {
    switch (kind) {
      case 'ship':
        return this.#shipper(await this.#named(fields)).answer(fields)
      case 'log-start':
        return this.#shipper(await this.#named(fields)).start()
      case 'reach':
        return this.#shipper(await this.#named(fields)).reaches(fields)
      case 'piece':
        return answerPiece(await this.#named(fields), this.#options.disk, fields)
      case 'base':
        return this.#bases.begin(await this.#named(fields))
      case 'base-part':
        return this.#bases.read(fields)
      case 'base-end':
        await this.#bases.end(fields.text('base'))
        return { header: {} }
      case 'copy':
        return { header: copyState(await this.#named(fields)) }
      case 'fence':
        return this.#promise(await this.#named(fields), fields)
      case 'release':
        return this.#standbys.promising(fields.text('collection'), async () => {
          const { replication } = await this.#named(fields)
          await replication.release(readEpoch(fields.object('epoch')))
          return { header: {} }
        })
      case 'retarget':
        return this.#retarget(
          await this.#named(fields),
          readAddress(fields.object('primary')),
          fields,
        )
      case 'member': {
        const collection = await this.#named(fields)
        const mode = fields.oneOf('mode', ['async', 'sync'])
        await this.#setMember(collection, readAddress(fields.object('node')), mode)
        return { header: {} }
      }
      case 'stand-by':
        return this.#joining.answer(fields)
      default:
        return failUnknown(kind)
    }
  }

  async #promise(collection: Collection, fields: Fields): Promise<Reply> {
    refuseOther(collection, fields, this.self)
    const epoch = readEpoch(fields.object('epoch'))
    const node = readAddress(fields.object('node'))
    return this.#standbys.promising(collection.name, async () => {
      const now = await this.#open(collection.name) // a base may have taken its place
      await now.replication.promise({ ...epoch, node }, this.self.name)
      return { header: copyState(now) }
    })
  }

  /** Another node took over: who stands where its epoch began goes on there by itself. */
  async #retarget(collection: Collection, primary: NodeAddress, fields: Fields): Promise<Reply> {
    const { replication, name } = collection
    const { promised } = replication.state
    const epoch = readEpoch(fields.object('epoch'))
    if (promised?.history !== epoch.history) return { header: {} }
    if (replication.isStandby) {
      await replication.change((now) => ({ ...now, primary }))
      return { header: {} }
    }
    // an old primary with nothing of its own becomes a standby; one with records the other lacks waits for a person
    await this.#turns.run(name, async () => {
      const { fields: seen } = await ask(
        this.#options.transport,
        primary,
        'copy',
        { collection: name },
        { timeoutMs: askMs },
      )
      const state = readCopyState(seen)
      const last = state.lineage.at(-1)
      if (!isSameEpoch(state.epoch, epoch)) return
      if (last?.lsn !== replication.durable.lsn || last.chain !== replication.durable.chain) return
      await replication.change((now) => ({ ...now, primary }))
      await replication.switchEpoch(epoch, 'standby')
      this.#standbys.follow(name)
    })
    return { header: {} }
  }

  async #setMember(
    { replication }: Collection,
    { name, url }: NodeAddress,
    mode: ReplicationMode,
    whenAlone?: WhenAlone,
  ): Promise<void> {
    await replication.change((now) => {
      const members = [...now.members.filter((each) => each.name !== name), { name, url, mode }]
      if (members.length > limits.clusterNodes) {
        fail('limit-exceeded', `${members.length} standbys`, `At most ${limits.clusterNodes}.`)
      }
      return { ...now, members, whenAlone: whenAlone ?? now.whenAlone }
    })
  }

  /** @throws `not-primary`: what is changed at a standby its primary changes back */
  async #primary(name: string): Promise<Collection> {
    const collection = await this.#open(name)
    const { isStandby, isFenced, state } = collection.replication
    if (!isStandby && !isFenced) return collection
    const by = state.promised?.node ?? state.primary
    const hint = `Ask ${by?.name ?? 'the primary'}.`
    return fail('not-primary', `${this.self.name} is no primary of ${name}`, hint)
  }

  #named = (fields: Fields): Promise<Collection> => this.#open(fields.text('collection'))

  async #open(name: string): Promise<Collection> {
    const collection = await this.#options.data.open(name)
    if (collection.replication.isBroken) {
      const { data } = this.#options
      const shut = this.#shut.get(collection) ?? data.shut(collection.name).catch(() => {})
      this.#shut.set(collection, shut)
      return shut.then(() => this.#open(name))
    }
    const ready = this.#attached.get(collection) ?? this.#attach(collection)
    this.#attached.set(collection, ready)
    return ready.then(() => collection)
  }

  async #attach(collection: Collection): Promise<void> {
    const { replication } = collection
    replication.beforeWrite = () => this.#probe.before(collection)
    replication.whenFenced = () => this.#probe.fenced(collection)
    replication.damage.onFound = (error) => this.#mending.begin(collection.name, error)
    try {
      for (;;) {
        const { promised } = replication.state
        // a promotion that this node died in was not begun: it would have entered the epoch
        if (promised?.node.name !== this.self.name || promised.history === noHistory) return
        await replication.release(promised)
      }
    } catch (error) {
      this.#attached.delete(collection) // whoever comes next tries again
      throw error
    }
  }

  #shipper(collection: Collection): Shipper {
    const known = this.#shippers.get(collection)
    if (known !== undefined) return known
    const shipper = new Shipper(collection, { ...this.#options, ended: this.#ended.signal })
    this.#shippers.set(collection, shipper)
    return shipper
  }
}
