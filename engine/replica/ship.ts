/**
 * The primary's side of following: answers a standby that says how far it has the log with what comes next.
 *
 * The request is the acknowledgement too: a standby asks for what follows the last record on its disk. It
 * counts once that record was found in this log, by LSN and chain. Without news the request is held a while,
 * so that a standby knows at each answer that it has everything, also when nobody writes.
 *
 * No write waits for an asynchronous standby. One that keeps up is answered at most every `shipGatherMs`, with
 * what came together meanwhile: each question costs both nodes as much as applying some points.
 */

import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Timer } from '../base/timer.ts'
import type { Collection } from '../collection/collection.ts'
import type { LogReader } from '../collection/log-reader.ts'
import { isSameEpoch } from '../collection/replica-file.ts'
import type { Fields } from '../format/fields.ts'
import type { Epoch } from '../format/identity.ts'
import { readEpoch } from '../format/manifest.ts'
import type { Reply } from './transport.ts'

export interface ShipperOptions {
  readonly timer: Timer
  readonly clock: { monotonicMs(): number }
  /** Given when no request is held any more. */
  readonly ended: AbortSignal
}

/** Answers the standbys of one open collection. */
export class Shipper {
  readonly #collection: Collection
  readonly #timer: Timer
  readonly #clock: ShipperOptions['clock']
  readonly #ended: AbortSignal
  /** One a standby: each reads on where it ended. */
  readonly #readers = new Map<string, { readonly epoch: Epoch; readonly reader: LogReader }>()
  /** When standbys that have everything got the last of it, monotonic. */
  readonly #servedMs = new Map<string, number>()

  constructor(collection: Collection, { timer, clock, ended }: ShipperOptions) {
    this.#collection = collection
    this.#timer = timer
    this.#clock = clock
    this.#ended = ended
  }

  /** @throws `not-primary`, `fenced` with the node that writes now in its details, `damaged` */
  async answer(fields: Fields): Promise<Reply> {
    const collection = this.#collection
    const { replication } = collection
    const node = fields.text('node')
    const epoch = readEpoch(fields.object('epoch'))
    const after = { lsn: fields.integer('lsn'), chain: fields.integer('chain') }
    const promised = fields.has('promised') ? readEpoch(fields.object('promised')) : undefined
    this.#refuseOthers(promised)
    if (fields.text('uuid') !== collection.uuid) return seed('another')
    if (!isSameEpoch(epoch, collection.epoch)) return this.#ofOther(epoch, after)
    const reader = this.#reader(node)
    const waitMs = fields.integer('waitMs', 0, 10 * limits.shipWaitMs)
    const maxBytes = fields.has('maxBytes')
      ? fields.integer('maxBytes', 1, limits.shipBytes)
      : limits.shipBytes
    const startedMs = this.#clock.monotonicMs()
    for (;;) {
      await this.#gather(node, after.lsn)
      this.#refuseOthers(promised)
      const reading = await reader.read(after, maxBytes)
      if (reading.kind !== 'records') return seed(reading.kind)
      if (!isSameEpoch(epoch, collection.epoch)) return this.#ofOther(epoch, after)
      const newest = collection.replication.durable
      replication.followers.heard(node, after.lsn, newest.lsn)
      const waitedMs = this.#clock.monotonicMs() - startedMs
      const isHeld = waitedMs < waitMs && !replication.isFenced && !this.#ended.aborted
      if (reading.bytes.length === 0 && isHeld) {
        await this.#change(waitMs - waitedMs, after.lsn)
        continue
      }
      if (reading.end.lsn < newest.lsn) this.#servedMs.delete(node)
      else if (reading.bytes.length > 0) this.#servedMs.set(node, this.#clock.monotonicMs())
      const { members, whenAlone } = replication.state
      return {
        header: {
          kind: 'records',
          epoch,
          lsn: newest.lsn,
          committedAtUs: newest.committedAtUs,
          behindBytes: await reader.bytesAfter(reading.end),
          waitedMs: Math.floor(waitedMs),
          config: collection.config,
          members,
          whenAlone,
        },
        body: reading.bytes,
      }
    }
  }

  /** From where on the log of this epoch is here. @throws as {@link answer} */
  async start(): Promise<Reply> {
    this.#refuseOthers(undefined)
    const { replication, aliases } = this.#collection
    const oldest = await replication.reader().oldest()
    return { header: { afterLsn: oldest?.lsn ?? replication.durable.lsn, aliases } }
  }

  /** What {@link answer} would begin with for a copy that ends with this record. Nobody is heard of by it. */
  async reaches(fields: Fields): Promise<Reply> {
    const collection = this.#collection
    const epoch = readEpoch(fields.object('epoch'))
    const after = { lsn: fields.integer('lsn'), chain: fields.integer('chain') }
    this.#refuseOthers(undefined)
    if (fields.text('uuid') !== collection.uuid) return seed('another')
    if (!isSameEpoch(epoch, collection.epoch)) return this.#ofOther(epoch, after)
    const { kind } = await collection.replication.reader().read(after, 1)
    return kind === 'records' ? { header: { kind } } : seed(kind)
  }

  /** A copy that is no primary any more ships to nobody but the node that it promised the next epoch to. */
  #refuseOthers(promised: Epoch | undefined): void {
    const { replication, name } = this.#collection
    const { state } = replication
    if (state.role === 'standby') {
      fail('not-primary', `${name} is a standby here`, 'Follow the primary.', {
        details: [{ primary: state.primary }],
      })
    }
    if (!replication.isFenced || state.promised === null) return
    if (promised !== undefined && isSameEpoch(promised, state.promised)) return
    fail(
      'fenced',
      `${name} is fenced here by epoch ${state.promised.number}`,
      'Follow the new primary.',
      {
        details: [{ primary: state.promised.node }],
      },
    )
  }

  /** A standby of an earlier epoch goes on in this one when it stands where that one ended. */
  #ofOther(epoch: Epoch, after: { lsn: number; chain: number }): Reply {
    const { name, epoch: own, replication } = this.#collection
    if (epoch.number > own.number) {
      fail(
        'fenced',
        `${name} is in epoch ${own.number} here, older than epoch ${epoch.number} of the node that asks`,
        'This node joins again with: vectra-cli cluster rejoin.',
      )
    }
    const { lineage } = replication.state
    const last = lineage.at(-1)
    if (last !== undefined && isSameEpoch(last.epoch, epoch)) {
      if (last.lsn === after.lsn && last.chain === after.chain) {
        const { members, whenAlone } = replication.state
        return { header: { kind: 'switch', epoch: own, members, whenAlone } }
      }
    }
    const ancestor = lineage.find((each) => isSameEpoch(each.epoch, epoch))
    return seed(ancestor !== undefined && after.lsn <= ancestor.lsn ? 'gone' : 'diverged')
  }

  #reader(node: string): LogReader {
    const { epoch, replication } = this.#collection
    const known = this.#readers.get(node)
    if (known !== undefined && isSameEpoch(known.epoch, epoch)) return known.reader
    const reader = replication.reader()
    this.#readers.set(node, { epoch, reader })
    return reader
  }

  /** Lets records for a standby that nobody waits for come together. */
  async #gather(node: string, lsn: number): Promise<void> {
    const { replication } = this.#collection
    const servedMs = this.#servedMs.get(node)
    if (servedMs === undefined || replication.durable.lsn <= lsn) return
    const isWaitedFor = () =>
      replication.isFenced ||
      this.#ended.aborted ||
      replication.state.members.find(({ name }) => name === node)?.mode !== 'async'
    for (;;) {
      const leftMs = servedMs + limits.shipGatherMs - this.#clock.monotonicMs()
      if (leftMs <= 0 || isWaitedFor()) return
      await this.#change(leftMs, Number.POSITIVE_INFINITY)
    }
  }

  /** Resolves when something became durable after `lsn` or changed, or after so long. */
  #change(milliseconds: number, lsn: number): Promise<void> {
    const { replication } = this.#collection
    return new Promise((resolve) => {
      const end = () => {
        cancel()
        forget()
        this.#ended.removeEventListener('abort', end)
        resolve()
      }
      this.#ended.addEventListener('abort', end)
      const cancel = this.#timer.after(milliseconds, end)
      const forget = replication.onChange(end)
      if (replication.durable.lsn > lsn) end()
    })
  }
}

const seed = (reason: 'another' | 'gone' | 'diverged'): Reply => ({
  header: { kind: 'seed', reason },
})
