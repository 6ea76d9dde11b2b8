/**
 * What a disk in memory is made of, and what a power cut leaves of it.
 *
 * Model: a file's bytes and size are durable after its `sync`, those of a durable write when it settles; a name (create, rename, link, unlink, a
 * directory) is durable after `syncDirectory` of the directory that holds it. What is not durable may
 * survive or not, each 512-byte sector of a write and each change of a name for itself, in any
 * combination. That is harsher than a journaling file system and allowed by POSIX: a sequence that
 * survives it survives any of them. A rename is atomic; between two directories its two sides are kept
 * or lost together until one of the directories is synced, and the file is never lost altogether.
 */
import assert from 'node:assert'
import type { SeededRandom } from './seeded-random.ts'

const sectorBytes = 512

type FileChange =
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly sizeBytes: number }

export class MemoryFile {
  readonly kind = 'file'
  modifiedAt: number
  links = 0
  #buffer = Buffer.alloc(0)
  #sizeBytes = 0
  readonly #changes: FileChange[] = []
  /** The first so many changes are durable. */
  #durable = 0

  constructor(modifiedAt: number) {
    this.modifiedAt = modifiedAt
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  get content(): Buffer {
    return this.#buffer.subarray(0, this.#sizeBytes)
  }

  /** @returns what makes this write durable, and none before it that is not: for a durable write only */
  write(bytes: Uint8Array, position: number): () => void {
    const change: FileChange = { kind: 'write', position, bytes: Buffer.from(bytes) }
    this.#change(change)
    return () => this.#settle(change)
  }

  truncate(sizeBytes: number): void {
    this.#change({ kind: 'truncate', sizeBytes })
  }

  sync(): void {
    this.#durable = this.#changes.length
  }

  /** The same file once more, what is unsynced still unsynced. */
  copy(): MemoryFile {
    const file = new MemoryFile(this.modifiedAt)
    file.links = this.links
    file.#buffer = Buffer.from(this.#buffer)
    file.#sizeBytes = this.#sizeBytes
    file.#changes.push(...this.#changes)
    file.#durable = this.#durable
    return file
  }

  /** What is left of it after a power cut. */
  survivor(random: SeededRandom): MemoryFile {
    const file = new MemoryFile(this.modifiedAt)
    for (const change of this.#changes.slice(0, this.#durable)) file.#apply(change)
    for (const change of this.#changes.slice(this.#durable)) file.#applySome(change, random)
    file.#change({ kind: 'write', position: 0, bytes: Buffer.from(file.content) })
    file.sync()
    return file
  }

  #settle(change: FileChange & { readonly kind: 'write' }): void {
    const index = this.#changes.indexOf(change)
    if (index < this.#durable) return
    const end = change.position + change.bytes.length
    for (const earlier of this.#changes.slice(this.#durable, index)) {
      // its order against this one would have to be kept, which the model cannot
      assert(earlier.kind === 'write', 'a durable write after a truncation that is not synced')
      const isApart =
        earlier.position >= end || earlier.position + earlier.bytes.length <= change.position
      assert(isApart, 'a durable write over one that is not synced')
    }
    this.#changes.splice(index, 1)
    this.#changes.splice(this.#durable, 0, change)
    this.#durable++
  }

  #change(change: FileChange): void {
    this.#apply(change)
    this.#changes.push(change)
  }

  #apply(change: FileChange): void {
    if (change.kind === 'truncate') {
      this.#resize(change.sizeBytes)
    } else {
      this.#resize(Math.max(this.#sizeBytes, change.position + change.bytes.length))
      this.#buffer.set(change.bytes, change.position)
    }
  }

  #applySome(change: FileChange, random: SeededRandom): void {
    if (change.kind === 'truncate') {
      if (random.chance(0.5)) this.#apply(change)
      return
    }
    const { bytes, position } = change
    const end = position + bytes.length
    // the size may become durable before the bytes: zeros stand where they should be
    if (random.chance(0.5)) this.#resize(Math.max(this.#sizeBytes, end))
    for (let from = position; from < end; ) {
      const to = Math.min(end, from + sectorBytes - (from % sectorBytes))
      const sector = bytes.subarray(from - position, to - position)
      if (random.chance(0.5)) this.#apply({ kind: 'write', position: from, bytes: sector })
      from = to
    }
  }

  #resize(sizeBytes: number): void {
    if (sizeBytes > this.#buffer.length) {
      this.#buffer = Buffer.concat([this.content], Math.max(sizeBytes, 2 * this.#buffer.length))
    }
    if (sizeBytes < this.#sizeBytes) this.#buffer.fill(0, sizeBytes, this.#sizeBytes)
    this.#sizeBytes = sizeBytes
  }
}

export type MemoryNode = MemoryFile | MemoryDirectory

interface NameChange {
  /** Name → what it stands for from now on; undefined removes it. */
  readonly names: ReadonlyMap<string, MemoryNode | undefined>
  /** The other side of a rename between directories, on the side that loses the name. */
  readonly gain: NameChange | undefined
  state: 'pending' | 'certain' | 'durable'
}

export class MemoryDirectory {
  readonly kind = 'directory'
  modifiedAt: number
  readonly entries = new Map<string, MemoryNode>()
  #durable = new Map<string, MemoryNode>()
  #changes: NameChange[] = []

  constructor(modifiedAt: number) {
    this.modifiedAt = modifiedAt
  }

  /** Changes names. `gain` is the change of the other directory when a rename takes a name from here. */
  change(names: NameChange['names'], modifiedAt: number, gain?: NameChange): NameChange {
    const change: NameChange = { names, gain, state: 'pending' }
    apply(this.entries, change)
    this.#changes.push(change)
    this.modifiedAt = modifiedAt
    return change
  }

  sync(): void {
    for (const change of this.#changes) {
      change.state = 'durable'
      // the old name is gone for good, so the new one must stand
      if (change.gain?.state === 'pending') change.gain.state = 'certain'
    }
    this.#durable = new Map(this.entries)
    this.#changes = []
  }

  /** The same tree once more, what is unsynced still unsynced. */
  copy(
    nodes = new Map<MemoryNode, MemoryNode>(),
    changes = new Map<NameChange, NameChange>(),
  ): MemoryDirectory {
    const directory = new MemoryDirectory(this.modifiedAt)
    nodes.set(this, directory)
    const copyNode = (node: MemoryNode): MemoryNode => {
      const known = nodes.get(node)
      if (known !== undefined) return known
      const copied = node.kind === 'file' ? node.copy() : node.copy(nodes, changes)
      nodes.set(node, copied)
      return copied
    }
    const copyChange = (change: NameChange): NameChange => {
      const known = changes.get(change)
      if (known !== undefined) return known
      const names = new Map([...change.names].map(([name, node]) => [name, node && copyNode(node)]))
      const gain = change.gain && copyChange(change.gain)
      const copied = { names, gain, state: change.state }
      changes.set(change, copied)
      return copied
    }
    for (const [name, node] of this.entries) directory.entries.set(name, copyNode(node))
    for (const [name, node] of this.#durable) directory.#durable.set(name, copyNode(node))
    directory.#changes = this.#changes.map(copyChange)
    return directory
  }

  /** What is left of the tree below it after a power cut. */
  survivor(random: SeededRandom): MemoryDirectory {
    const fates = new Map<NameChange, boolean>()
    const fateOf = (change: NameChange): boolean => {
      const known = fates.get(change)
      if (known !== undefined) return known
      const fate =
        change.state === 'certain' ||
        (change.gain?.state === 'pending' ? fateOf(change.gain) : random.chance(0.5))
      fates.set(change, fate)
      return fate
    }
    return this.#survivor(random, fateOf, new Map())
  }

  #survivor(
    random: SeededRandom,
    fateOf: (change: NameChange) => boolean,
    copies: Map<MemoryNode, MemoryNode>,
  ): MemoryDirectory {
    const directory = new MemoryDirectory(this.modifiedAt)
    copies.set(this, directory)
    const entries = new Map(this.#durable)
    for (const change of this.#changes) if (fateOf(change)) apply(entries, change)
    for (const [name, node] of entries) {
      const copy =
        copies.get(node) ??
        (node.kind === 'file' ? node.survivor(random) : node.#survivor(random, fateOf, copies))
      copies.set(node, copy)
      if (copy.kind === 'file') copy.links++
      directory.entries.set(name, copy)
    }
    directory.#durable = new Map(directory.entries)
    return directory
  }
}

function apply(entries: Map<string, MemoryNode>, change: NameChange): void {
  for (const [name, node] of change.names) {
    if (node === undefined) entries.delete(name)
    else entries.set(name, node)
  }
}
