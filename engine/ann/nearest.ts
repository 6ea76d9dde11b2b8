/**
 * The k nearest seen so far, and what every search of this folder returns.
 *
 * Order is by distance and then by ordinal, so equal distances have one answer whatever the order in
 * which candidates arrive.
 */
export interface Nearest {
  /** Row numbers, nearest first. */
  readonly ordinals: number[]
  /** Their distances: cosine 1 − cos, l2 Euclidean, ip 1 − dot. */
  readonly distances: number[]
}

/**
 * A binary max-heap of the k best (distance, ordinal) pairs; its root is the worst of them, the one
 * that the next better candidate replaces.
 */
export class NearestHeap {
  readonly #k: number
  readonly #distances: Float64Array
  readonly #ordinals: Float64Array
  #size = 0

  constructor(k: number) {
    this.#k = k
    this.#distances = new Float64Array(k)
    this.#ordinals = new Float64Array(k)
  }

  /** Candidates kept so far. */
  get size(): number {
    return this.#size
  }

  /** Whether {@link add} would keep the candidate. */
  wants(distance: number, ordinal: number): boolean {
    if (this.#size < this.#k) return true
    const worst = this.#distances[0] ?? Number.NEGATIVE_INFINITY
    return distance < worst || (distance === worst && ordinal < (this.#ordinals[0] ?? 0))
  }

  /** Adds a candidate that {@link wants} accepted, dropping the worst one when full. */
  add(distance: number, ordinal: number): void {
    if (this.#size < this.#k) this.#siftUp(this.#size++, distance, ordinal)
    else this.#siftDown(0, distance, ordinal)
  }

  /** The result, nearest first. The heap stays usable. */
  toNearest(): Nearest {
    const order = Array.from({ length: this.#size }, (_, index) => index)
    order.sort(
      (a, b) =>
        this.#at(this.#distances, a) - this.#at(this.#distances, b) ||
        this.#at(this.#ordinals, a) - this.#at(this.#ordinals, b),
    )
    return {
      ordinals: order.map((index) => this.#at(this.#ordinals, index)),
      distances: order.map((index) => this.#at(this.#distances, index)),
    }
  }

  #at(values: Float64Array, index: number): number {
    return values[index] ?? Number.NaN
  }

  #worse(index: number, distance: number, ordinal: number): boolean {
    const other = this.#at(this.#distances, index)
    return other > distance || (other === distance && this.#at(this.#ordinals, index) > ordinal)
  }

  #place(index: number, distance: number, ordinal: number): void {
    this.#distances[index] = distance
    this.#ordinals[index] = ordinal
  }

  #siftUp(start: number, distance: number, ordinal: number): void {
    let index = start
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (this.#worse(parent, distance, ordinal)) break
      this.#place(index, this.#at(this.#distances, parent), this.#at(this.#ordinals, parent))
      index = parent
    }
    this.#place(index, distance, ordinal)
  }

  #siftDown(start: number, distance: number, ordinal: number): void {
    let index = start
    for (;;) {
      let child = 2 * index + 1
      if (child >= this.#size) break
      const right = child + 1
      if (
        right < this.#size &&
        this.#worse(right, this.#at(this.#distances, child), this.#at(this.#ordinals, child))
      ) {
        child = right
      }
      if (!this.#worse(child, distance, ordinal)) break
      this.#place(index, this.#at(this.#distances, child), this.#at(this.#ordinals, child))
      index = child
    }
    this.#place(index, distance, ordinal)
  }
}
