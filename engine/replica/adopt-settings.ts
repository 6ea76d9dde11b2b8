/**
 * A standby takes over the settings of its primary: index and durability, told with each answer.
 *
 * Graphs and lists are derived data: they are built here, from the vectors that are here, beside following and
 * searching, and one manifest commits them with the config (reindex.ts). What cuts that off leaves the settings
 * that were; the next answer of whoever is the primary then begins it again. There is one writer an epoch and one
 * answer at a time, so the newest answer needs no version to be known by. Whoever is promoted keeps what it has.
 */
import type { Clock } from '../base/clock.ts'
import { fail, isOperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Collection } from '../collection/collection.ts'
import { isSameConfig } from '../collection/settings.ts'
import { type CollectionConfig, sameIndexFiles } from '../format/config.ts'
import { showIndex } from '../format/show-index.ts'
import type { CopyState } from './copy-state.ts'

/** Plain data, for status and metrics. */
export interface SettingsStatus {
  /** `unknown`: the primary has not told yet. `adopting`: under way. `differ`: `problem` says why. */
  readonly state: 'unknown' | 'same' | 'adopting' | 'differ'
  /** What the primary has; null when it has not told. */
  readonly wanted: CollectionConfig | null
  readonly problem: string | null
}

export interface SettingsAdoptionOptions {
  readonly name: string
  readonly clock: Clock
  readonly onWarning: (text: string) => void
}

interface Run {
  readonly collection: Collection
  readonly wanted: CollectionConfig
  readonly ending: AbortController
  /** Resolves when nothing of it goes on. */
  readonly ended: Promise<void>
}

/** What a follower takes over beside the log; see the head of this file. */
export class SettingsAdoption {
  readonly #options: SettingsAdoptionOptions
  #status: SettingsStatus = { state: 'unknown', wanted: null, problem: null }
  #run: Run | undefined
  #retryMs: number = limits.settingsRetryMs
  #retryAtMs = Number.NEGATIVE_INFINITY
  /** The problem that was told last: again and again the same one is told once. */
  #toldProblem: string | undefined

  constructor(options: SettingsAdoptionOptions) {
    this.#options = options
  }

  get status(): SettingsStatus {
    return this.#status
  }

  /** The primary has these settings now: they are taken over unless they are here, or on their way. */
  told(collection: Collection, wanted: CollectionConfig): void {
    const before = this.#status.wanted
    const isNews = before === null || !isSameConfig(before, wanted)
    if (isNews) {
      this.#retryMs = limits.settingsRetryMs
      this.#retryAtMs = Number.NEGATIVE_INFINITY
    }
    const run = this.#run
    if (run !== undefined) {
      if (run.collection !== collection || !isSameConfig(run.wanted, wanted)) run.ending.abort()
      this.#status = { state: 'adopting', wanted, problem: null }
    } else if (isSameConfig(collection.config, wanted)) {
      this.#status = { state: 'same', wanted, problem: null }
    } else if (this.#options.clock.monotonicMs() >= this.#retryAtMs) {
      this.#begin(collection, wanted)
    }
  }

  /** Nothing is being taken over any more when this resolves. */
  async giveUp(): Promise<void> {
    this.#run?.ending.abort()
    await this.#run?.ended
  }

  #begin(collection: Collection, wanted: CollectionConfig): void {
    const { name, onWarning } = this.#options
    const isFirst = this.#status.problem === null
    if (isFirst && !sameIndexFiles(collection.config.index, wanted.index)) {
      onWarning(
        `${name} is indexed anew here, as at its primary: ${toWords(wanted)}; until then searches here use the index before`,
      )
    }
    this.#status = { state: 'adopting', wanted, problem: null }
    const ending = new AbortController()
    const ended = this.#adopt(collection, wanted, ending.signal).finally(() => {
      this.#run = undefined
    })
    this.#run = { collection, wanted, ending, ended }
  }

  async #adopt(
    collection: Collection,
    wanted: CollectionConfig,
    signal: AbortSignal,
  ): Promise<void> {
    const { name, onWarning, clock } = this.#options
    try {
      const { damage } = collection.replication
      const change = collection.configure(() => wanted, { ofPrimary: true, signal })
      const { built } = await damage.watch(change)
      this.#status = { state: 'same', wanted, problem: null }
      this.#toldProblem = undefined
      if (built > 0) onWarning(`${name} has the index of its primary now: ${toWords(wanted)}`)
    } catch (error) {
      const isOver = signal.aborted || isOperatingError(error, 'interrupted')
      if (!isOver && !isOperatingError(error)) throw error
      const problem = isOver ? 'it was given up' : (error as Error).message // an operating error
      this.#status = { state: 'differ', wanted, problem }
      if (isOver) return
      this.#retryAtMs = clock.monotonicMs() + this.#retryMs
      this.#retryMs = Math.min(2 * this.#retryMs, limits.settingsRetryMaxMs)
      if (problem === this.#toldProblem) return
      this.#toldProblem = problem
      onWarning(
        `${name} does not have the settings of its primary (${toWords(wanted)}): ${problem}`,
      )
    }
  }
}

/**
 * Of a planned promotion, which takes over everything.
 * @throws `fenced` when the index that the primary has is not here and takes a while to build
 */
export function refuseOtherIndex({ name, config }: Collection, primary: CopyState): void {
  if (primary.config === null || sameIndexFiles(config.index, primary.config.index)) return
  fail(
    'not-confirmed',
    `${name} is not indexed here yet as at its primary: ${toWords(primary.config)}, here ${toWords(config)}`,
    'Nothing was changed. Wait until it is: vectra-cli cluster status. Or promote without --planned: the index stays as it is here.',
  )
}

/** The settings of the primary that a promotion takes over at once: all but another index. */
export async function takeQuickSettings(
  collection: Collection,
  { config: wanted }: CopyState,
): Promise<void> {
  if (wanted === null || !sameIndexFiles(collection.config.index, wanted.index)) return
  await collection.configure(() => wanted, { ofPrimary: true })
}

/** Settings as a person reads them. */
export function toWords({ index, durability }: CollectionConfig): string {
  const interval =
    durability.mode === 'interval' ? `, durability interval ${durability.intervalMs} ms` : ''
  return `${showIndex(index)}${interval}`
}
