/**
 * Damage that a node meets in a collection is mended from its other copies: by hash from the nodes that it
 * knows, by itself, as soon as it is met. A standby of which nobody has the same bytes takes a new base of the
 * primary, which is proven by count and digest. Where neither can be had the collection stays read-only.
 */
import * as path from 'node:path'
import { sha256Hex } from '../base/checksum.ts'
import type { Disk } from '../base/disk.ts'
import { isOperatingError, type OperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { NamedTurns } from '../base/named-turns.ts'
import type { Collection } from '../collection/collection.ts'
import type { DataDirectory } from '../collection/data-directory.ts'
import type { MendResult, PieceSource } from '../collection/mend.ts'
import type { NodeAddress } from '../collection/replica-file.ts'
import { type Fields, patterns } from '../format/fields.ts'
import { filesOf } from '../format/manifest.ts'
import type { Standbys } from './standbys.ts'
import { ask, type Reply, type Transport } from './transport.ts'

export interface MendingOptions {
  readonly self: NodeAddress
  readonly data: DataDirectory
  readonly standbys: Standbys
  readonly turns: NamedTurns
  readonly transport: Transport
  readonly onWarning: (text: string) => void
}

/** Of files: what another copy may have. */
export const isDamage = (error: unknown): boolean =>
  isOperatingError(error, 'damaged', 'missing-file', 'digest-mismatch')

const pieceMs = 30_000

/** What answers another node that asks for a piece of a file by its hash. */
export async function answerPiece(
  { uuid, manifest, replication }: Collection,
  disk: Disk,
  fields: Fields,
): Promise<Reply> {
  const none = { header: { kind: 'piece', found: false } }
  const sha256 = fields.text('sha256', patterns.sha256)
  const wanted = fields.integer('sizeBytes', 1, limits.pieceBytes)
  if (fields.text('uuid') !== uuid) return none
  for (const { path: file, pieces } of filesOf(manifest)) {
    const index = pieces.indexOf(sha256)
    if (index < 0) continue
    const place = path.join(replication.directory, file)
    if ((await disk.stat(place)) === undefined) continue // merged away this moment
    const handle = await disk.open(place, 'read')
    try {
      const body = Buffer.alloc(wanted)
      const length = await handle.read(body, index * limits.pieceBytes)
      if (length === wanted && sha256Hex(body) === sha256) {
        return { header: { kind: 'piece', found: true }, body }
      }
    } finally {
      await handle.close()
    }
  }
  return none
}

export class Mending {
  readonly #options: MendingOptions

  constructor(options: MendingOptions) {
    this.#options = options
  }

  /** Damage was met: it is mended as soon as nothing else is done with the collection. */
  begin(name: string, met: OperatingError): void {
    const { onWarning } = this.#options
    onWarning(`${name} is read-only: ${met.message}`)
    this.mend(name).then(
      ({ files }) => onWarning(`${name} is mended and proven: ${tellFiles(files)}`),
      (error: unknown) => {
        if (!isOperatingError(error)) throw error
        onWarning(`${name} is not mended: ${error.message}. ${error.hint}`)
      },
    )
  }

  /**
   * Mends a collection from the nodes that have it, and from `more`.
   * @throws see `mendCollection`; `collection-not-found`
   */
  mend(name: string, more: readonly PieceSource[] = []): Promise<MendResult> {
    const { data, standbys, turns } = this.#options
    return turns.run(name, async () => {
      await standbys.stop(name)
      let primary: NodeAddress | null = null
      try {
        return await data.mend(name, (copy) => {
          if (copy.state.role === 'standby') primary = copy.state.primary
          const others = copy.state.nodes.filter((each) => each.name !== this.#options.self.name)
          return [...others.map((node) => this.#peer(node, copy.name)), ...more]
        })
      } catch (error) {
        if (primary === null || !isOperatingError(error, 'damaged')) throw error
        await standbys.seed(name, primary)
        const { count, digest } = await data.open(name)
        return { files: [], count, digest }
      } finally {
        if (primary !== null) standbys.follow(name)
      }
    })
  }

  #peer(node: NodeAddress, collection: string): PieceSource {
    const { transport } = this.#options
    return {
      name: node.name,
      read: async (piece) => {
        try {
          const request = { collection, ...piece }
          const answer = await ask(transport, node, 'piece', request, { timeoutMs: pieceMs })
          return answer.fields.boolean('found') ? answer.body : undefined
        } catch (error) {
          if (!isOperatingError(error)) throw error
          return undefined // one that cannot be asked has none
        }
      },
    }
  }
}

const tellFiles = (files: MendResult['files']): string =>
  files.length === 0
    ? 'all files are as the manifest says'
    : files.map(({ path: file, from }) => `${file} from ${from.join(', ')}`).join('; ')
