/**
 * A disk on which the making of chosen files waits until a test lets it go on: the middle of long work
 * is then a moment to do something in. Threads cannot pass it by.
 */
import type { Disk, DiskFile } from '../../engine/base/disk.ts'
import { CountingDisk } from './counting-disk.ts'

export interface Gate {
  /** Resolves when `count` files wait or have waited. */
  reached(count?: number): Promise<void>
  /** Lets the one go that has waited longest. */
  releaseOne(): void
  /** Nothing waits here any more. */
  open(): void
}

class HeldFiles implements Gate {
  readonly path: RegExp
  readonly #waiting: (() => void)[] = []
  readonly #watchers: { readonly count: number; readonly tell: () => void }[] = []
  #arrived = 0
  #isOpen = false

  constructor(path: RegExp) {
    this.path = path
  }

  arrive(): Promise<void> {
    if (this.#isOpen) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#arrived++
      for (const { count, tell } of this.#watchers) if (count <= this.#arrived) tell()
    })
  }

  reached(count = 1): Promise<void> {
    if (count <= this.#arrived) return Promise.resolve()
    return new Promise((tell) => {
      this.#watchers.push({ count, tell })
    })
  }

  releaseOne(): void {
    this.#waiting.shift()?.()
  }

  open(): void {
    this.#isOpen = true
    while (this.#waiting.length > 0) this.releaseOne()
  }
}

export class GatedDisk extends CountingDisk {
  readonly #gates: HeldFiles[] = []

  /** From now on the making of a file whose path matches waits. */
  hold(path: RegExp): Gate {
    const gate = new HeldFiles(path)
    this.#gates.push(gate)
    return gate
  }

  override async open(path: string, mode: Parameters<Disk['open']>[1]): Promise<DiskFile> {
    if (mode === 'create') {
      for (const gate of this.#gates) if (gate.path.test(path)) await gate.arrive()
    }
    return super.open(path, mode)
  }
}
