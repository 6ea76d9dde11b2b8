/**
 * How the points of an open collection are indexed, and when its writes are durable: the changes of that, one
 * after the other. A primary changes its settings itself; a standby takes over those of its primary.
 */
import { nativeGraphClass } from '../ann/hnswlib.ts'
import { canonicalJson } from '../base/canonical-json.ts'
import { fail, OperatingError } from '../base/errors.ts'
import { type CollectionConfig, sameIndexFiles } from '../format/config.ts'
import type { CollectionContext } from './context.ts'
import type { History } from './history.ts'
import type { LiveState } from './live-state.ts'
import { type ReindexResult, refuseOtherPoints, reindex } from './reindex.ts'
import type { Replication } from './replication.ts'
import type { Warmer } from './warmer.ts'

export interface SettingsOptions {
  readonly context: CollectionContext
  readonly directory: string
  readonly state: LiveState
  readonly warmer: Warmer
  readonly replication: Replication
  readonly history: () => History
}

export interface ChangeOptions {
  readonly signal?: AbortSignal | undefined
  /**
   * A standby takes over what its primary has. Nobody waits for that: indexes are built one at a time on the
   * thread for such work, and given up at once when the signal says so.
   */
  readonly ofPrimary?: boolean
}

/** Whether two configs say the same. */
export const isSameConfig = (one: CollectionConfig, other: CollectionConfig): boolean =>
  canonicalJson({ ...one }) === canonicalJson({ ...other })

export class Settings {
  readonly #options: SettingsOptions
  readonly #closing = new AbortController()
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: SettingsOptions) {
    this.#options = options
  }

  /** In turn; `change` is given the config at that moment. @throws see `Collection.configure` */
  change(
    change: (now: CollectionConfig) => CollectionConfig,
    options: ChangeOptions,
  ): Promise<ReindexResult> {
    const result = this.#turn.then(() => {
      const { config } = this.#options.history()
      return this.#change(config, change(config), options)
    })
    this.#turn = result.catch(() => {})
    return result
  }

  /** Resolves when no change is under way. */
  async settled(): Promise<void> {
    await this.#turn
  }

  /** Gives up what is under way, and resolves when nothing of it goes on. */
  async close(): Promise<void> {
    this.#closing.abort(
      new OperatingError('interrupted', 'the collection is being closed', 'Do it again.'),
    )
    await this.#turn
  }

  async #change(
    now: CollectionConfig,
    config: CollectionConfig,
    { signal, ofPrimary = false }: ChangeOptions,
  ): Promise<ReindexResult> {
    if (isSameConfig(config, now)) return { changed: false, built: 0 }
    const { context, directory, state, warmer, replication, history } = this.#options
    if (ofPrimary) this.#refuseUnlessStandby()
    else replication.admitWrites() // a standby has the settings of its primary
    refuseOtherPoints(now, config)
    const rebuild = !sameIndexFiles(now.index, config.index)
    // a standby without hnswlib goes on scanning, as one that was seeded with such an index does
    if (rebuild && config.index.kind === 'hnsw' && !ofPrimary) await nativeGraphClass()
    const { checkpointer, writer } = history()
    await checkpointer.relieve() // a failed seal is told here
    const result = await reindex(
      { context, directory, checkpointer },
      {
        config,
        signal: signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal,
        idle: ofPrimary,
        adopted: (entries) => {
          for (const segment of state.segments) {
            const index = entries.get(segment.number)
            if (index !== undefined) segment.sealed?.reindexed(index)
          }
        },
      },
    )
    await writer.changeDurability(config.durability)
    if (rebuild) await warmer.warmAnew()
    return result
  }

  #refuseUnlessStandby(): void {
    const { replication, history } = this.#options
    const { name } = history().manifest
    if (!replication.isStandby) {
      fail(
        'usage',
        `${name} is no standby here`,
        'Change its settings here, and its standbys follow.',
      )
    }
    replication.damage.refuseWrites(name)
  }
}
