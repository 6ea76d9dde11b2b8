/** The server as a node of a cluster: its name, the nodes it knows, its copies. */
import type { RepositoryLocation } from '../backup/sources.ts'
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import type { Timer } from '../base/timer.ts'
import type { DataDirectory } from '../collection/data-directory.ts'
import type { NodeAddress } from '../collection/replica-file.ts'
import type { Fields } from '../format/fields.ts'
import { ClusterFile } from '../replica/cluster-file.ts'
import type { BrokenCopy, CopyStatus } from '../replica/copy-status.ts'
import type { RemovedNode } from '../replica/removing.ts'
import { ReplicaNode } from '../replica/replica-node.ts'
import type { Transport } from '../replica/transport.ts'
import { NodeTransport } from './node-transport.ts'

export interface ServedNodeOptions {
  readonly self: NodeAddress
  /** The cluster that the node was told that it is of. */
  readonly cluster: string | undefined
  readonly directory: DataDirectory
  readonly disk: Disk
  readonly clock: Clock
  readonly timer: Timer
  readonly token: string | undefined
  /** Reads a repository as another node names it. */
  readonly toLocation: (fields: Fields) => RepositoryLocation
  readonly warn: (sentence: string) => void
}

export interface NodeDescription {
  readonly node: NodeAddress
  readonly cluster: string | null
  readonly nodes: readonly NodeAddress[]
  readonly copies: readonly CopyStatus[]
  /** Replicated collections that cannot be looked at now, and why. */
  readonly broken: readonly BrokenCopy[]
}

export class ServedNode {
  readonly replica: ReplicaNode
  readonly nodes: ClusterFile
  readonly transport: Transport
  readonly #cluster: string | undefined

  private constructor(
    parts: Pick<ServedNode, 'replica' | 'nodes' | 'transport'>,
    cluster?: string,
  ) {
    this.replica = parts.replica
    this.nodes = parts.nodes
    this.transport = parts.transport
    this.#cluster = cluster
  }

  /** Lets the standbys among the collections follow. @throws `damaged`, `newer-format` */
  static async open(options: ServedNodeOptions): Promise<ServedNode> {
    const { self, directory: data, disk, clock, timer, token, warn } = options
    const nodes = await ClusterFile.open(disk, data.path)
    const transport = new NodeTransport({ token, timer })
    const { toLocation } = options
    const world = { transport, disk, clock, timer, toLocation, onWarning: warn }
    const replica = new ReplicaNode({ self, data, ...world })
    await replica.start()
    return new ServedNode({ replica, nodes, transport }, options.cluster)
  }

  async describe(): Promise<NodeDescription> {
    return {
      node: this.replica.self,
      cluster: this.#cluster ?? null,
      nodes: this.nodes.nodes,
      ...(await this.replica.copies()),
    }
  }

  /** A node that is gone for good. @throws see `removeNode` */
  async remove(node: string): Promise<RemovedNode & { readonly wasKnown: boolean }> {
    const removed = await this.replica.remove(node)
    return { ...removed, wasKnown: await this.nodes.remove(node) }
  }

  /** Follows nobody and answers nobody any more. */
  close(): Promise<void> {
    return this.replica.close()
  }
}
