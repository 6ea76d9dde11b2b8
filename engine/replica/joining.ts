/**
 * A node is asked to stand by: it takes a base, from the primary or from a repository, and follows.
 *
 * That may take hours, and a request does not: the primary asks again until it is done. Whoever asks for the
 * same once more meets the work that is under way; what it came to is told once.
 */

import type { RepositoryLocation } from '../backup/sources.ts'
import { canonicalJson } from '../base/canonical-json.ts'
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { NamedTurns } from '../base/named-turns.ts'
import type { Timer } from '../base/timer.ts'
import type { Collection } from '../collection/collection.ts'
import type { DataDirectory } from '../collection/data-directory.ts'
import {
  type NodeAddress,
  noHistory,
  type ReplicationMode,
  readAddress,
  type WhenAlone,
} from '../collection/replica-file.ts'
import type { Fields } from '../format/fields.ts'
import type { Joined } from './seed-from-repository.ts'
import type { Standbys } from './standbys.ts'
import { type Answer, ask, type Reply, type Transport } from './transport.ts'

/** What a node is to be for a collection. */
export interface ReplicateOptions {
  readonly mode: ReplicationMode
  readonly whenAlone?: WhenAlone | undefined
  /** A repository to begin with, as `toLocation` of the node reads it, and which snapshot. */
  readonly base?: { readonly source: object; readonly snapshotId?: string | undefined } | undefined
}

export interface JoiningOptions {
  readonly self: NodeAddress
  readonly data: DataDirectory
  readonly standbys: Standbys
  readonly turns: NamedTurns
  readonly timer: Timer
  readonly transport: Transport
  readonly open: (name: string) => Promise<Collection>
  /** Reads a repository as another node names it. Absent: this node takes bases of primaries only. */
  readonly toLocation?: ((fields: Fields) => RepositoryLocation) | undefined
}

interface JoinRequest {
  readonly name: string
  readonly uuid: string
  readonly primary: NodeAddress
  readonly base: Fields | undefined
}

const askMs = 2_000

/** The side of the node that stands by. */
export class Joining {
  readonly #options: JoiningOptions
  readonly #joins = new Map<string, Promise<Joined>>()

  constructor(options: JoiningOptions) {
    this.#options = options
  }

  /** Begins, or goes on waiting for what was begun. @throws what it failed with */
  async answer(fields: Fields): Promise<Reply> {
    const name = fields.text('collection')
    const uuid = fields.text('uuid')
    const primary = readAddress(fields.object('primary'))
    this.#refuseOtherName(primary, fields.has('node') ? fields.text('node') : undefined)
    const base = fields.has('base') ? fields.object('base') : undefined
    const key = canonicalJson({
      name,
      uuid,
      primary: { ...primary },
      base: base ? fields.json('base') : null,
    })
    const join = this.#joins.get(key) ?? this.#begin(key, { name, uuid, primary, base })
    this.#joins.set(key, join)
    let cancel = () => {}
    const late = new Promise<undefined>((resolve) => {
      cancel = this.#options.timer.after(limits.joinWaitMs, () => resolve(undefined))
    })
    let joined: Joined | undefined
    try {
      joined = await Promise.race([join, late])
    } catch (error) {
      this.#joins.delete(key)
      throw error
    } finally {
      cancel()
    }
    if (joined === undefined) return { header: { kind: 'joining' } }
    this.#joins.delete(key)
    return { header: { kind: 'joined', ...joined } }
  }

  /** What it came to is told to whoever asks for it soon; who asks much later begins anew. */
  #begin(key: string, request: JoinRequest): Promise<Joined> {
    const join = this.#join(request)
    const forget = () => {
      this.#options.timer.after(limits.joinWaitMs, () => {
        if (this.#joins.get(key) === join) this.#joins.delete(key)
      })
    }
    join.then(forget, forget)
    return join
  }

  /** A standby is known by the name that it calls itself when it asks for log. */
  #refuseOtherName(primary: NodeAddress, called: string | undefined): void {
    const { name } = this.#options.self
    if (primary.name === name) {
      fail('usage', `${called ?? name} is the primary itself`, 'Name another node.')
    }
    if (called !== undefined && called !== name) {
      fail(
        'usage',
        `the node that was named ${called} calls itself ${name}`,
        `Name it ${name}, or start it with: vectra-cli serve --name ${called}.`,
      )
    }
  }

  #join(request: JoinRequest): Promise<Joined> {
    const { name, uuid, primary, base } = request
    const { data, standbys, turns, open, self } = this.#options
    return turns.run(name, async () => {
      let joined: Joined = { how: 'kept' }
      if (data.has(name)) {
        const collection = await open(name)
        if (collection.uuid !== uuid) {
          fail(
            'collection-exists',
            `${self.name} has another collection ${name}, with content of its own`,
            `See what it holds, and drop it there first: vectra-cli collections drop ${name} --endpoint URL.`,
          )
        }
        if (!collection.replication.isStandby) {
          fail(
            'collection-exists',
            `${self.name} has a collection ${name} that is no standby`,
            'Drop it there first, or join it: vectra-cli cluster rejoin.',
          )
        }
        await this.#refuseEnded(collection, primary)
        await collection.replication.change((now) => ({ ...now, primary }))
      } else {
        const source = base && { location: this.#locate(base), snapshotId: snapshotIn(base) }
        joined = await standbys.seed(name, primary, { base: source })
      }
      standbys.follow(name)
      return joined
    })
  }

  /** A copy that was fenced by hand, or that strayed, follows nobody until it joins again. */
  async #refuseEnded(
    { name, uuid, epoch, replication }: Collection,
    primary: NodeAddress,
  ): Promise<void> {
    const { self, transport } = this.#options
    const hint = `Let it join again: vectra-cli cluster rejoin ${name} --node ${self.name} --primary ${primary.name}.`
    if (replication.state.promised?.history === noHistory) {
      fail('fenced', `${name} was fenced at ${self.name}, and takes no records there`, hint)
    }
    const { lsn, chain } = replication.durable
    const request = { collection: name, uuid, epoch, lsn, chain }
    const { fields } = await ask(transport, primary, 'reach', request, { timeoutMs: askMs })
    if (!fields.has('reason') || fields.text('reason') === 'gone') return
    fail('divergence', `${name} at ${self.name} has records that ${primary.name} lacks`, hint)
  }

  #locate(base: Fields): RepositoryLocation {
    const { toLocation, self } = this.#options
    return toLocation === undefined
      ? fail('usage', `${self.name} opens no repositories`, 'Leave the base to the primary.')
      : toLocation(base.object('source'))
  }
}

const snapshotIn = (base: Fields) => (base.has('snapshotId') ? base.text('snapshotId') : undefined)

/** The side of the primary: asks `node` until it stands by. @throws what that failed with, `unreachable` */
export async function askToJoin(
  transport: Transport,
  node: NodeAddress,
  request: object,
): Promise<Joined> {
  const named = { ...request, node: node.name }
  for (;;) {
    const timeoutMs = limits.joinWaitMs + limits.standbyGoneMs
    const answer: Answer = await ask(transport, node, 'stand-by', named, { timeoutMs })
    // as the other side wrote it
    if (answer.fields.text('kind') === 'joined') return answer.header as unknown as Joined
  }
}
