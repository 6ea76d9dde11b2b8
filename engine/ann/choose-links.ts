/**
 * Choosing the links of one element among more candidates than it has room for: the heuristic of HNSW
 * with the candidates it drops kept while there is room (Y. Malkov and D. Yashunin, "Efficient and robust
 * approximate nearest neighbor search using hierarchical navigable small world graphs", TPAMI 42, 2020,
 * algorithm 4, keepPrunedConnections).
 */

/** Of more candidates only so many times the room are looked at, the nearest ones. */
const lookedAt = 4

export class LinkChooser {
  readonly #distance: (a: number, b: number) => number
  readonly #room: number
  /** The nearest candidates so far, nearest first, and their distances. */
  readonly #nearest: Uint32Array
  readonly #distances: Float64Array
  readonly #dropped: Uint32Array

  /** @param room links that an element may have */
  constructor(distance: (a: number, b: number) => number, room: number) {
    this.#distance = distance
    this.#room = room
    this.#nearest = new Uint32Array(lookedAt * room)
    this.#distances = new Float64Array(lookedAt * room)
    this.#dropped = new Uint32Array(lookedAt * room)
  }

  /**
   * Writes the links of `element` to `target[at…]`: first each candidate, nearest first, that is nearer to
   * the element than to all taken before it, then the nearest of the others. Among equally near ones, whoever
   * stands first in `candidates`.
   * @param count how many candidates, all different, none the element itself
   * @returns how many links: all the room, or all candidates
   */
  choose(
    element: number,
    candidates: Uint32Array,
    count: number,
    target: Uint32Array,
    at: number,
  ): number {
    const looked = this.#sort(element, candidates, count)
    const room = this.#room
    let taken = 0
    let dropped = 0
    for (let i = 0; i < looked && taken < room; i++) {
      const candidate = this.#nearest[i] ?? 0
      const isDiverse = this.#isDiverse(candidate, this.#distances[i] ?? 0, target, at, taken)
      if (isDiverse) target[at + taken++] = candidate
      else this.#dropped[dropped++] = candidate
    }
    for (let i = 0; i < dropped && taken < room; i++) target[at + taken++] = this.#dropped[i] ?? 0
    return taken
  }

  /** Sorts the nearest candidates by insertion: they are few. @returns how many */
  #sort(element: number, candidates: Uint32Array, count: number): number {
    const nearest = this.#nearest
    const distances = this.#distances
    let held = 0
    for (let i = 0; i < count; i++) {
      const candidate = candidates[i] ?? 0
      const distance = this.#distance(element, candidate)
      if (held === nearest.length) {
        if (distance >= (distances[held - 1] ?? 0)) continue
        held--
      }
      let slot = held++
      for (; slot > 0 && (distances[slot - 1] ?? 0) > distance; slot--) {
        distances[slot] = distances[slot - 1] ?? 0
        nearest[slot] = nearest[slot - 1] ?? 0
      }
      distances[slot] = distance
      nearest[slot] = candidate
    }
    return held
  }

  #isDiverse(
    candidate: number,
    distance: number,
    taken: Uint32Array,
    from: number,
    count: number,
  ): boolean {
    for (let i = from; i < from + count; i++) {
      if (this.#distance(candidate, taken[i] ?? 0) < distance) return false
    }
    return true
  }
}
