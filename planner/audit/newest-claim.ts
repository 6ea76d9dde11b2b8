/** Which of many claims is the newest at each instant: a sweep over their ends with a heap. Pure. */
import type { Claim, Span } from './claims.ts'

/** Epoch milliseconds; over it the newest verified recovery point is that of one claim, or there is none. */
export interface Stretch extends Span {
  readonly claim: Claim | undefined
}

/**
 * The window cut where the as-of of the newest claim changes; touching pieces of one as-of are one.
 * Time grows with n log n.
 */
export function newestClaims(claims: readonly Claim[], window: Span): Stretch[] {
  const coming = claims
    .filter(({ from, to }) => from < window.to && to > window.from)
    .sort((a, b) => a.from - b.from)
  const heap = new NewestFirst()
  const stretches: { from: number; to: number; claim: Claim | undefined }[] = []
  let next = 0
  for (let at = window.from; at < window.to; ) {
    for (; (coming[next]?.from ?? Number.POSITIVE_INFINITY) <= at; next++) heap.add(coming[next])
    const claim = heap.newestAt(at)
    const to = Math.min(claim?.to ?? window.to, coming[next]?.from ?? window.to, window.to)
    const last = stretches.at(-1)
    if (last !== undefined && last.claim?.asOfAt === claim?.asOfAt) last.to = to
    else stretches.push({ from: at, to, claim })
    at = to
  }
  return stretches
}

/** A binary heap by as-of; claims that are over stay in it until they would be the newest. */
class NewestFirst {
  readonly #claims: Claim[] = []

  add(claim: Claim | undefined): void {
    if (claim === undefined) return
    const all = this.#claims
    let at = all.push(claim) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.#asOf(parent) >= claim.asOfAt) break
      this.#swap(at, parent)
      at = parent
    }
  }

  newestAt(instant: number): Claim | undefined {
    for (;;) {
      const [newest] = this.#claims
      if (newest === undefined || newest.to > instant) return newest
      this.#removeFirst()
    }
  }

  #removeFirst(): void {
    const all = this.#claims
    const last = all.pop()
    if (last === undefined || all.length === 0) return
    all[0] = last
    for (let at = 0; ; ) {
      const left = 2 * at + 1
      const child = this.#asOf(left + 1) > this.#asOf(left) ? left + 1 : left
      if (this.#asOf(child) <= this.#asOf(at)) return
      this.#swap(at, child)
      at = child
    }
  }

  #asOf(index: number): number {
    return this.#claims[index]?.asOfAt ?? Number.NEGATIVE_INFINITY
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#claims[a], this.#claims[b]]
    if (first === undefined || second === undefined) return
    this.#claims[a] = second
    this.#claims[b] = first
  }
}
