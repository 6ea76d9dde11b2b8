/**
 * A base: the state of a collection at one LSN, handed out file by file to a standby that begins.
 *
 * It is a pinned state, as a backup takes it. A standby that stops asking loses it after a while, so that no
 * files stay because of one that died.
 */

import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Timer } from '../base/timer.ts'
import type { Collection } from '../collection/collection.ts'
import type { PinnedState } from '../collection/pinned-state.ts'
import type { Fields } from '../format/fields.ts'
import { newUuid } from '../format/identity.ts'
import type { Reply } from './transport.ts'

interface Held {
  readonly state: PinnedState
  cancel: () => void
}

/** The bases that a node has given out. */
export class Bases {
  readonly #timer: Timer
  readonly #held = new Map<string, Held>()

  constructor(timer: Timer) {
    this.#timer = timer
  }

  /** Pins the state of a primary. @throws `not-primary`, `fenced` */
  async begin(collection: Collection): Promise<Reply> {
    const { replication } = collection
    if (replication.isStandby || replication.isFenced) {
      const { primary, promised } = replication.state
      fail(
        replication.isStandby ? 'not-primary' : 'fenced',
        `${collection.name} is no primary here`,
        'Take the base from the primary.',
        { details: [{ primary: promised?.node ?? primary }] },
      )
    }
    if (this.#held.size >= limits.clusterNodes) {
      fail('limit-exceeded', `${this.#held.size} bases are being taken already`, 'Wait for them.')
    }
    const state = await collection.pin()
    const base = newUuid()
    this.#held.set(base, { state, cancel: () => {} })
    this.#touch(base)
    const { lineage, replaced, members, whenAlone } = replication.state
    const { uuid, name } = state.collection
    const { epoch, lsn, count, digest, aliases } = state
    const files = state.files.map(({ path, sizeBytes, pieces }) => ({
      path,
      sizeBytes,
      pieces: pieces ?? null,
    }))
    return {
      header: {
        ...{ kind: 'base', base, uuid, name, aliases, epoch, lsn, count, digest },
        ...{ lineage, replaced, members, whenAlone, files },
      },
    }
  }

  /** A part of a file. @throws `file-not-found` when the base was let go */
  async read(fields: Fields): Promise<Reply> {
    const base = fields.text('base')
    const held = this.#held.get(base)
    const path = fields.text('path')
    const file = held?.state.files.find((each) => each.path === path)
    if (held === undefined || file === undefined) {
      return fail('file-not-found', `there is no base ${base} with ${path} here`, 'Take a new one.')
    }
    this.#touch(base)
    const position = fields.integer('position')
    const body = Buffer.alloc(fields.integer('length', 1, limits.pieceBytes))
    const length = await file.read(body, position)
    return { header: { kind: 'part' }, body: body.subarray(0, length) }
  }

  async end(base: string): Promise<void> {
    const held = this.#held.get(base)
    this.#held.delete(base)
    held?.cancel()
    await held?.state.release()
  }

  async close(): Promise<void> {
    for (const base of [...this.#held.keys()]) await this.end(base)
  }

  #touch(base: string): void {
    const held = this.#held.get(base)
    held?.cancel()
    if (held === undefined) return
    held.cancel = this.#timer.after(limits.baseIdleMs, () => void this.end(base).catch(() => {}))
  }
}
