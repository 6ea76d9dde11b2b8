/**
 * Names of nodes and where they are: `cluster.json` in the data directory of a server, written by
 * `cluster replicate`. A self-checking document. It is an address book, never truth: who is a primary and who a
 * standby of what stands in each collection (collection/replica-file.ts).
 */
import * as path from 'node:path'
import { type Disk, replaceFile } from '../base/disk.ts'
import { fail } from '../base/errors.ts'
import { KiB, limits } from '../base/limits.ts'
import { type NodeAddress, readAddress } from '../collection/replica-file.ts'
import { type DocumentKind, decodeDocument, encodeDocument } from '../format/document.ts'
import { Fields } from '../format/fields.ts'

const kind: DocumentKind = { format: 'vectra-cluster', version: 1 }
export const clusterFileName = 'cluster.json'

export class ClusterFile {
  readonly #disk: Disk
  readonly #file: string
  #nodes: readonly NodeAddress[]
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(disk: Disk, file: string, nodes: readonly NodeAddress[]) {
    this.#disk = disk
    this.#file = file
    this.#nodes = nodes
  }

  /** @throws `damaged`, `newer-format` */
  static async open(disk: Disk, directory: string): Promise<ClusterFile> {
    const file = path.join(directory, clusterFileName)
    if ((await disk.stat(file)) === undefined) return new ClusterFile(disk, file, [])
    const bytes = await disk.readFile(file, 64 * KiB)
    const fields = new Fields(decodeDocument(kind, bytes, file), file)
    return new ClusterFile(
      disk,
      file,
      fields.objects('nodes', limits.clusterNodes).map(readAddress),
    )
  }

  get nodes(): readonly NodeAddress[] {
    return this.#nodes
  }

  /** Adds a node, or gives one another address; durable when it resolves. @throws `limit-exceeded` */
  add(node: NodeAddress): Promise<void> {
    return this.#change((now) => [...now.filter(({ name }) => name !== node.name), node])
  }

  /** Forgets a node; durable when it resolves. @returns whether it was known */
  async remove(name: string): Promise<boolean> {
    let wasKnown = false
    await this.#change((now) => {
      const left = now.filter((each) => each.name !== name)
      wasKnown = left.length < now.length
      return wasKnown ? left : now
    })
    return wasKnown
  }

  #change(change: (now: readonly NodeAddress[]) => readonly NodeAddress[]): Promise<void> {
    const result = this.#turn.then(async () => {
      const nodes = change(this.#nodes)
      if (nodes === this.#nodes) return
      if (nodes.length > limits.clusterNodes) {
        fail(
          'limit-exceeded',
          `${nodes.length} nodes`,
          `A cluster has at most ${limits.clusterNodes}.`,
        )
      }
      await replaceFile(this.#disk, this.#file, encodeDocument(kind, { nodes }))
      this.#nodes = nodes
    })
    this.#turn = result.catch(() => {})
    return result
  }

  /** The node of that name. @throws `name-not-found` */
  find(name: string): NodeAddress {
    return (
      this.#nodes.find((each) => each.name === name) ??
      fail(
        'name-not-found',
        `no node ${name} is known here; known are: ${this.#nodes.map((each) => each.name).join(', ') || 'none'}`,
        `Make it known: vectra-cli cluster replicate --add-replica ${name}=URL --source-cluster …`,
      )
    )
  }
}
