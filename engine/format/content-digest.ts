/**
 * The content digest: the sum modulo 2^256 of SHA-256 over each live point's canonical bytes.
 *
 * Independent of order, layout and engine; one addition a write. It proves that a restored state
 * equals the original as far as mistakes go; against somebody who chooses points, signatures do that.
 * The idea is the additive multiset hash (Clarke et al. 2003, "Incremental Multiset Hash Functions").
 */
const limbs = 8

export class ContentDigest {
  readonly #sum = new Uint32Array(limbs)

  /** From 64 hex digits, most significant first. */
  static parse(hex: string): ContentDigest {
    const digest = new ContentDigest()
    digest.add(Buffer.from(hex, 'hex'))
    return digest
  }

  /** Adds one point's hash: 32 bytes at `offset`, most significant first. */
  add(hash: Buffer, offset = 0): void {
    const sum = this.#sum
    let carry = 0
    for (let i = 0; i < limbs; i++) {
      const total = (sum[i] ?? 0) + hash.readUInt32BE(offset + 28 - 4 * i) + carry
      sum[i] = total // stored modulo 2^32
      carry = total > 0xffffffff ? 1 : 0
    }
  }

  /** Adds one point's hash, given as 32 latin-1 characters. */
  addLatin1(hash: string): void {
    const sum = this.#sum
    let carry = 0
    for (let i = 0; i < limbs; i++) {
      const at = 28 - 4 * i
      const limb =
        hash.charCodeAt(at) * 0x1000000 +
        ((hash.charCodeAt(at + 1) << 16) | (hash.charCodeAt(at + 2) << 8) | hash.charCodeAt(at + 3))
      const total = (sum[i] ?? 0) + limb + carry
      sum[i] = total
      carry = total > 0xffffffff ? 1 : 0
    }
  }

  /** Takes one point's hash away. */
  subtract(hash: Buffer, offset = 0): void {
    const sum = this.#sum
    let borrow = 0
    for (let i = 0; i < limbs; i++) {
      const rest = (sum[i] ?? 0) - hash.readUInt32BE(offset + 28 - 4 * i) - borrow
      sum[i] = rest
      borrow = rest < 0 ? 1 : 0
    }
  }

  copy(): ContentDigest {
    const digest = new ContentDigest()
    digest.#sum.set(this.#sum)
    return digest
  }

  /** 64 hex digits, most significant first. */
  toString(): string {
    const bytes = Buffer.allocUnsafe(4 * limbs)
    this.#sum.forEach((limb, i) => {
      bytes.writeUInt32BE(limb, 28 - 4 * i)
    })
    return bytes.toString('hex')
  }
}
