/** When somebody or something is away, in milliseconds since the disaster. Asking does not allocate. */

export interface Span {
  readonly fromMs: number
  /** Not part of it; infinite when it is for ever. */
  readonly toMs: number
}

export class Absence {
  /** From, to, from, to: ascending, not overlapping. */
  readonly #edges: Float64Array

  constructor(spans: readonly Span[]) {
    const joined: { fromMs: number; toMs: number }[] = []
    for (const { fromMs, toMs } of [...spans].sort((a, b) => a.fromMs - b.fromMs)) {
      const last = joined.at(-1)
      if (last !== undefined && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs)
      else joined.push({ fromMs, toMs })
    }
    this.#edges = Float64Array.from(joined.flatMap(({ fromMs, toMs }) => [fromMs, toMs]))
  }

  /** The first instant from `atMs` on without it; infinite when there is none. */
  overAt(atMs: number): number {
    const edges = this.#edges
    for (let index = 0; index < edges.length; index += 2) {
      const to = edges[index + 1] ?? 0
      if (atMs < to) return atMs < (edges[index] ?? 0) ? atMs : to
    }
    return atMs
  }

  /** When the next one begins after `atMs`; infinite when there is none. */
  nextAfter(atMs: number): number {
    const edges = this.#edges
    for (let index = 0; index < edges.length; index += 2) {
      const from = edges[index] ?? 0
      if (from > atMs) return from
    }
    return Number.POSITIVE_INFINITY
  }
}
