/**
 * Before a primary that no standby asked for a while writes again, it asks around: while it was paused or cut off
 * somebody else may have been promoted. Who cannot be asked says nothing: a node alone goes on, as it was told to. Nor
 * does a node that restored a backup of the collection where it had no copy: that is a history of its own.
 */
import type { Clock } from '../base/clock.ts'
import { isOperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Collection } from '../collection/collection.ts'
import { areRelated, type NodeAddress } from '../collection/replica-file.ts'
import { historiesOf, readCopyState } from './copy-state.ts'
import { ask, type Transport } from './transport.ts'
import { voidPromise } from './void-promise.ts'

export interface WriteProbeOptions {
  readonly self: NodeAddress
  readonly transport: Transport
  readonly clock: Clock
}

const askMs = 2_000

export class WriteProbe {
  readonly #options: WriteProbeOptions
  readonly #asked = new WeakMap<
    Collection,
    { readonly atMs: number; readonly done: Promise<void> }
  >()

  /** When the node of a promise was asked last. */
  readonly #fenced = new WeakMap<Collection, number>()

  constructor(options: WriteProbeOptions) {
    this.#options = options
  }

  /** Resolves when the others were asked; undefined when that is not needed now. Fences the copy when it has to. */
  before(collection: Collection): Promise<void> | undefined {
    const now = this.#options.clock.monotonicMs()
    const { heardMs } = collection.replication.followers
    if (heardMs !== undefined && now - heardMs < limits.standbyGoneMs) return undefined
    const known = this.#asked.get(collection)
    if (known !== undefined && now - known.atMs < limits.standbyGoneMs) return known.done
    const { members } = collection.replication.state
    const done = Promise.all(members.map((node) => this.#ask(collection, node))).then(() => {})
    this.#asked.set(collection, { atMs: now, done })
    return done
  }

  /** A write was refused for an epoch that another node was promised, which that node may have given up. */
  fenced(collection: Collection): void {
    const now = this.#options.clock.monotonicMs()
    const known = this.#fenced.get(collection)
    if (known !== undefined && now - known < limits.standbyGoneMs) return
    this.#fenced.set(collection, now)
    // what it fails with is met by the next write
    void voidPromise(collection, this.#options, { mayWrite: true }).catch(() => {})
  }

  async #ask(collection: Collection, node: NodeAddress): Promise<void> {
    const { name, uuid, replication, epoch } = collection
    const { transport, self } = this.#options
    try {
      const { fields } = await ask(
        transport,
        node,
        'copy',
        { collection: name },
        { timeoutMs: askMs },
      )
      const seen = readCopyState(fields)
      if (seen.uuid !== uuid || !areRelated(seen, historiesOf(collection))) return
      const newer = seen.epoch.number > epoch.number ? { ...seen.epoch, node } : seen.promised
      if (newer !== null && newer.number > epoch.number) await replication.promise(newer, self.name)
    } catch (error) {
      if (!isOperatingError(error)) throw error
    }
  }
}
