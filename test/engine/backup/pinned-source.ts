/**
 * A backup source of plain bytes: files of any content and size, without a collection behind them, and
 * a record of what was read of them.
 */

import type { BackupSource } from '../../../engine/backup/create.ts'
import { sha256Hex } from '../../../engine/base/checksum.ts'
import { limits } from '../../../engine/base/limits.ts'
import type { PinnedState } from '../../../engine/collection/pinned-state.ts'

export interface SourceFile {
  readonly path: string
  readonly bytes: Uint8Array
  /** Whether the hashes of its pieces are known since sealing. Default true. */
  readonly sealed?: boolean
}

export interface PinnedSource extends BackupSource {
  /** `path@position` of every read. */
  readonly reads: string[]
  /** Pins not released yet. */
  readonly pins: () => number
}

export function pieceHashesOf(bytes: Uint8Array): string[] {
  const hashes: string[] = []
  for (let at = 0; at < bytes.length; at += limits.pieceBytes) {
    hashes.push(sha256Hex(bytes.subarray(at, at + limits.pieceBytes)))
  }
  return hashes
}

export function pinnedSource(
  files: readonly SourceFile[],
  changes: Partial<PinnedState> = {},
): PinnedSource {
  const reads: string[] = []
  let pins = 0
  const state: PinnedState = {
    collection: { uuid: '6f1d6c2e-8d0a-4a53-9f6e-2f6f3d1f7b11', name: 'products' },
    aliases: [],
    epoch: { number: 1, history: '00112233aabbccdd' },
    lsn: 7,
    committedAtUs: 1_767_225_600_000_000,
    pinnedAt: Date.UTC(2026, 0, 1),
    count: 0,
    digest: '0'.repeat(64),
    config: { dimension: 4, metric: 'l2', index: { kind: 'flat' }, durability: { mode: 'always' } },
    files: files.map(({ path, bytes, sealed = true }) => ({
      path,
      sizeBytes: bytes.length,
      pieces: sealed ? pieceHashesOf(bytes) : undefined,
      read: async (target, position) => {
        reads.push(`${path}@${position}`)
        const part = bytes.subarray(position, position + target.length)
        target.set(part)
        return part.length
      },
    })),
    golden: async () => [],
    nearest: async () => [],
    release: async () => {
      pins--
    },
    ...changes,
  }
  return {
    name: state.collection.name,
    reads,
    pins: () => pins,
    pin: async () => {
      pins++
      return state
    },
    isWarm: true,
    search: async () => [],
  }
}

export const segment = (number: number, part: string): string =>
  `segments/${String(number).padStart(8, '0')}.${part}`
