/**
 * Following: a standby asks its primary for what comes after its newest record, again and again.
 *
 * What fails passes or is told: an unreachable primary and a damaged answer are asked again, at growing
 * intervals; a primary that is none any more names the one that took over; a log that no longer reaches
 * back so far makes the standby take a new base. A primary that has no collection of that name, or another one, is
 * asked again as well: the very collection may come back. Only a divergence ends it: a person has to look.
 */

import { canonicalJson, isJsonObject } from '../base/canonical-json.ts'
import type { Clock } from '../base/clock.ts'
import { fail, isOperatingError, type OperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { pause, type Timer } from '../base/timer.ts'
import type { Collection } from '../collection/collection.ts'
import type { NodeAddress } from '../collection/replica-file.ts'
import { areRelated, readAddress, readMember } from '../collection/replica-file.ts'
import { readConfig } from '../format/config.ts'
import { Fields } from '../format/fields.ts'
import { readEpoch } from '../format/manifest.ts'
import { SettingsAdoption, type SettingsStatus } from './adopt-settings.ts'
import { historiesOf, readCopyState } from './copy-state.ts'
import { type Lag, LagMeter } from './position.ts'
import { type Answer, ask, type Transport } from './transport.ts'
import { voidPromise } from './void-promise.ts'

export interface FollowerOptions {
  readonly name: string
  readonly self: NodeAddress
  readonly transport: Transport
  readonly clock: Clock
  readonly timer: Timer
  /** The collection now: a new base gives it another one. */
  readonly collection: () => Promise<Collection>
  /** Puts a new base of `primary` in place of the collection. */
  readonly seed: (primary: NodeAddress, signal: AbortSignal) => Promise<void>
  readonly onWarning: (text: string) => void
}

export interface FollowerStatus extends Lag {
  /** Its index and durability, against the primary's. */
  readonly settings: SettingsStatus
  /** `following`: the last answer came. `seeding`: a new base is on its way. `diverged`: a person has to decide. */
  readonly state: 'following' | 'waiting' | 'seeding' | 'diverged' | 'stopped'
  /** Why it is not following; null when it is. */
  readonly problem: string | null
}

export class Follower {
  readonly #options: FollowerOptions
  readonly #meter: LagMeter
  readonly #settings: SettingsAdoption
  readonly #stop = new AbortController()
  #state: FollowerStatus['state'] = 'waiting'
  #hasEnded = false
  #problem: string | null = null
  #lsn = 0
  /** Log asked for at once: less where answers do not arrive in time, so that a slow link gets on too. */
  #maxBytes: number = limits.shipBytes
  #running: Promise<void> | undefined

  constructor(options: FollowerOptions) {
    this.#options = options
    this.#meter = new LagMeter(options.clock)
    this.#settings = new SettingsAdoption(options)
  }

  start(): void {
    this.#running ??= this.#follow()
  }

  /** Resolves when nothing is applied any more. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('following has ended'))
    await this.#running
    if (this.#state !== 'diverged') this.#state = 'stopped'
  }

  /** Nothing is asked any more: it was stopped, the copies diverged, or the collection was dropped. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  status(): FollowerStatus {
    const { status: settings } = this.#settings
    return { ...this.#meter.lag(this.#lsn), state: this.#state, problem: this.#problem, settings }
  }

  async #follow(): Promise<void> {
    try {
      await this.#run()
    } finally {
      this.#hasEnded = true
      await this.#settings.giveUp()
    }
  }

  async #run(): Promise<void> {
    let retryMs: number = limits.followRetryMs
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        if ((await this.#once()) === 'later') {
          await pause(this.#options.timer, limits.followRetryMaxMs, signal).catch(() => {})
          continue
        }
        this.#problem = null
        retryMs = limits.followRetryMs
        this.#maxBytes = Math.min(2 * this.#maxBytes, limits.shipBytes)
      } catch (error) {
        if (signal.aborted) return
        if (!isOperatingError(error)) throw error
        if (isOperatingError(error, 'collection-not-found') && !(await this.#isHere())) {
          this.#state = 'stopped' // it was dropped
          return
        }
        this.#told(error)
        if (isOperatingError(error, 'unreachable')) {
          this.#maxBytes = Math.max(this.#maxBytes / 16, limits.shipLeastBytes)
        }
        if (this.#state === 'diverged') return
        if (await this.#asked(error)) continue
        await pause(this.#options.timer, retryMs, signal).catch(() => {})
        retryMs = Math.min(2 * retryMs, limits.followRetryMaxMs)
      }
    }
  }

  /** Whether there is a copy here still. */
  async #isHere(): Promise<boolean> {
    const error = await this.#options.collection().catch((error: unknown) => error)
    return !isOperatingError(error, 'collection-not-found')
  }

  /** One question and what follows from its answer: the next one at once, or later. */
  async #once(): Promise<'next' | 'later'> {
    const { transport, self, clock, name } = this.#options
    const { signal } = this.#stop
    const collection = await this.#options.collection()
    const { replication, uuid, epoch, position } = collection
    const { promised } = replication.state
    // who promised the next epoch to a node asks that node, which may have begun it
    const next = promised?.node.name === self.name ? null : promised?.node
    const primary = replication.isFenced ? (next ?? null) : replication.state.primary
    this.#lsn = position.lsn
    if (!replication.isStandby || primary === null) {
      this.#state = 'waiting'
      this.#problem = null
      return 'later'
    }
    const { lsn, chain } = position
    const waitMs = limits.shipWaitMs
    const maxBytes = this.#maxBytes
    const wanted = { lsn, chain, promised, waitMs, maxBytes }
    const request = { collection: name, uuid, epoch, node: self.name, ...wanted }
    const askedMs = clock.monotonicMs()
    const timeoutMs = waitMs + limits.standbyGoneMs
    const answer = await ask(transport, primary, 'ship', request, { timeoutMs, signal }).catch(
      (error: unknown) => this.#gone(primary, error),
    )
    if (signal.aborted) return 'next'
    switch (answer.fields.oneOf('kind', ['records', 'switch', 'seed'])) {
      case 'records':
        await replication.follow({
          epoch: readEpoch(answer.fields.object('epoch')),
          bytes: answer.body,
        })
        this.#state = 'following'
        this.#lsn = collection.position.lsn
        this.#meter.heard({
          askedMs,
          waitedMs: answer.fields.integer('waitedMs'),
          primaryLsn: answer.fields.integer('lsn'),
          behindBytes: answer.fields.integer('behindBytes'),
          lsn: this.#lsn,
        })
        await this.#remember(collection, answer)
        if (answer.fields.has('config')) {
          this.#settings.told(collection, readConfig(answer.fields.object('config')))
        }
        return 'next'
      case 'switch':
        await this.#remember(collection, answer)
        await this.#settings.giveUp() // an epoch begins when no change is under way
        await replication.switchEpoch(readEpoch(answer.fields.object('epoch')), 'standby')
        return 'next'
      case 'seed':
        return this.#seed(primary, answer.fields.oneOf('reason', ['another', 'gone', 'diverged']))
    }
  }

  async #seed(
    primary: NodeAddress,
    reason: 'another' | 'gone' | 'diverged',
  ): Promise<'next' | 'later'> {
    const { name, onWarning, self } = this.#options
    switch (reason) {
      case 'another':
        this.#diverged(
          `${name} at ${primary.name} is another collection than the one at ${self.name}, which stays as it is and is followed again when the same one is there; ${this.#choices(primary)}`,
        )
        return 'later'
      case 'diverged':
        this.#diverged(
          `${name} has records at ${self.name} that ${primary.name} does not have; following has ended. Look at both, then: vectra-cli cluster rejoin ${name} --node ${self.name} --primary ${primary.name}`,
        )
        this.#stop.abort(new Error('the copies diverged'))
        return 'later'
      case 'gone':
        this.#state = 'seeding'
        onWarning(
          `${name} is behind what ${primary.name} still has of its log; it takes a new base`,
        )
        await this.#options.seed(primary, this.#stop.signal)
        return 'next'
    }
  }

  #diverged(problem: string): void {
    if (this.#problem !== problem) this.#options.onWarning(problem)
    this.#state = 'diverged'
    this.#problem = problem
  }

  /** A primary without the collection may get it back: the copy here may be the only one there is. */
  #gone({ name: node, url }: NodeAddress, error: unknown): never {
    if (!isOperatingError(error, 'collection-not-found')) throw error
    const { name, self } = this.#options
    return fail(
      'collection-not-found',
      `${node} at ${url} has no collection ${name} now; the copy at ${self.name} stays as it is and is followed again when the same one is there. Where it is gone for good: vectra-cli cluster promote ${name} --node ${self.name}`,
      `Or drop the copy here: vectra-cli collections drop ${name} --endpoint ${self.url}.`,
      { cause: error },
    )
  }

  /** What a person may do about two collections of one name. */
  #choices({ name: node }: NodeAddress): string {
    const { name, self } = this.#options
    return `to keep the one at ${self.name}: vectra-cli cluster promote ${name} --node ${self.name}; to keep the one at ${node}: vectra-cli collections drop ${name} --endpoint ${self.url}, then vectra-cli collections replicate ${name} --replica-node ${self.name}`
  }

  /** What the primary tells of the other copies: whoever is promoted knows them. */
  async #remember(collection: Collection, { fields }: Answer): Promise<void> {
    const members = fields.objects('members', limits.clusterNodes).map(readMember)
    const whenAlone = fields.oneOf('whenAlone', ['block', 'async'])
    const { state } = collection.replication
    const same = canonicalJson({ members, whenAlone })
    if (canonicalJson({ members: state.members, whenAlone: state.whenAlone }) === same) return
    await collection.replication.change((now) => ({ ...now, members, whenAlone }))
  }

  #told(error: OperatingError): void {
    const again = this.#problem === error.message
    this.#problem = error.message
    if (isOperatingError(error, 'divergence', 'digest-mismatch')) this.#state = 'diverged'
    else if (this.#state !== 'seeding') this.#state = 'waiting'
    if (!again) this.#options.onWarning(`following ${this.#options.name}: ${error.message}`)
  }

  /** Whether what other nodes say changes whom to follow; what keeps from asking them is told like the rest. */
  async #asked(error: OperatingError): Promise<boolean> {
    try {
      return (await this.#released()) || (await this.#retargeted(error))
    } catch (again) {
      if (!isOperatingError(again)) throw again
      return false
    }
  }

  /** The node that was promised the next epoch may have given it up. */
  async #released(): Promise<boolean> {
    const { self, transport } = this.#options
    const collection = await this.#options.collection()
    return collection.replication.isFenced && (await voidPromise(collection, { self, transport }))
  }

  /** The node that was asked is no primary and names one. @returns whether that one is, and is followed now */
  async #retargeted(error: OperatingError): Promise<boolean> {
    const [detail] = error.details
    if (!isOperatingError(error, 'fenced', 'not-primary') || !isJsonObject(detail)) return false
    const { primary } = detail
    if (!isJsonObject(primary)) return false
    const found = readAddress(new Fields(primary, 'the answer of another node'))
    const { self, transport, name } = this.#options
    const collection = await this.#options.collection()
    const { replication, epoch } = collection
    const known = replication.state.primary
    if (found.name === self.name) return false
    if (known?.name === found.name && known.url === found.url) return false
    // a promise is not an epoch yet: only a node that writes is followed, and none is forgotten for another
    const seen = await ask(transport, found, 'copy', { collection: name }, { timeoutMs: 2_000 })
      .then(({ fields }) => readCopyState(fields))
      .catch(() => undefined)
    if (seen?.role !== 'primary' || seen.fenced || seen.epoch.number < epoch.number) return false
    if (!areRelated(seen, historiesOf(collection))) return false
    await replication.change((now) => ({ ...now, primary: found }))
    return true
  }
}
