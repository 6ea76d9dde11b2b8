/** Checksums and hashes: CRC-32 finds accidents in a record, SHA-256 names content. */
import { createHash, hash } from 'node:crypto'
import { crc32 as zlibCrc32 } from 'node:zlib'

/** CRC-32/ISO-HDLC (zlib, PNG). Id 1 in file headers. */
export const CRC32_ALGORITHM = 1

/** @returns an unsigned 32-bit value; `seed` continues an earlier CRC. */
export const crc32 = (bytes: Uint8Array, seed = 0): number => zlibCrc32(bytes, seed)

/** SHA-256 of `bytes`, 32 bytes. Blocks the thread: about 0.7 ms a MiB. */
export const sha256 = (bytes: Uint8Array): Buffer => hash('sha256', bytes, 'buffer')

/** SHA-256 of `bytes` as 32 latin-1 characters, one a byte: the quickest form for many small hashes. */
export const sha256Latin1 = (bytes: Uint8Array): string => hash('sha256', bytes, 'binary')

/** SHA-256 of `bytes` (a string is UTF-8), lower-case hex. */
export const sha256Hex = (bytes: Uint8Array | string): string => hash('sha256', bytes, 'hex')

/** SHA-256 of bytes that come in parts. */
export class Sha256 {
  readonly #hash = createHash('sha256')

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes)
  }

  /** Lower-case hex; nothing may follow. */
  hex(): string {
    return this.#hash.digest('hex')
  }
}
