/**
 * Three nodes on virtual time: real collections and the real replication code on disks in memory, over a
 * network that delays, loses, repeats and damages messages, cuts links one way, and forgets crashed nodes.
 */
import type { Disk } from '../../engine/base/disk.ts'
import { fail, OperatingError } from '../../engine/base/errors.ts'
import type { Timer } from '../../engine/base/timer.ts'
import type { Collection } from '../../engine/collection/collection.ts'
import type { DataDirectory } from '../../engine/collection/data-directory.ts'
import type { NodeAddress } from '../../engine/collection/replica-file.ts'
import type { Destination } from '../../engine/destination/destination.ts'
import { makeConfig } from '../../engine/format/config.ts'
import type { Fields } from '../../engine/format/fields.ts'
import { ReplicaNode } from '../../engine/replica/replica-node.ts'
import type { Transport } from '../../engine/replica/transport.ts'
import { breakLock, openTest } from './collections.ts'
import { type ManualClock, manualClock } from './manual-clock.ts'
import { type ManualTimer, manualTimer, settle } from './manual-timer.ts'
import { MemoryDisk } from './memory-disk.ts'
import type { SeededRandom } from './seeded-random.ts'

export const replicated = 'items'
const config = makeConfig({ dimension: 2, metric: 'l2', index: 'flat' })

export interface SimulatedNode {
  readonly address: NodeAddress
  disk: MemoryDisk
  data: DataDirectory | undefined
  node: ReplicaNode | undefined
  /** Counts lives: what belongs to an earlier one is not heard any more. */
  life: number
  /** Resolves when this life ends: what it was doing never does. */
  death: Promise<void>
  die: () => void
}

export interface NetworkFaults {
  /** Probability that a message is lost, arrives twice, or has a bit flipped. */
  readonly lost: number
  readonly twice: number
  readonly flipped: number
}

export class ReplicaWorld {
  readonly clock: ManualClock = manualClock()
  readonly timer: ManualTimer = manualTimer(this.clock)
  readonly random: SeededRandom
  readonly nodes: readonly SimulatedNode[]
  readonly warnings: string[] = []
  /** Repositories that every node reaches, by the location that it is told. */
  readonly repositories = new Map<string, Destination>()
  faults: NetworkFaults = { lost: 0, twice: 0, flipped: 0 }
  /** What a link carries in a second, all bytes one after the other; default: any number. */
  bytesPerSecond = Number.POSITIVE_INFINITY
  /** Log that a primary keeps for its standbys. */
  keptLogBytes: number | undefined
  /** When a link is free again, by `from>to`. */
  readonly #busyUntilMs = new Map<string, number>()
  /** Links that carry nothing, as `from>to`. */
  readonly cut = new Set<string>()

  constructor(random: SeededRandom, names: readonly string[] = ['n1', 'n2', 'n3']) {
    this.random = random
    this.nodes = names.map((name) => ({
      address: { name, url: `sim://${name}` },
      disk: new MemoryDisk(),
      data: undefined,
      node: undefined,
      life: 0,
      death: Promise.resolve(),
      die: () => {},
    }))
  }

  of(name: string): SimulatedNode {
    return this.nodes.find(({ address }) => address.name === name) ?? bug(`no node ${name}`)
  }

  /** Starts a node on its disk, or on `through` in front of it. */
  async start(name: string, through?: Disk): Promise<ReplicaNode> {
    const simulated = this.of(name)
    const life = ++simulated.life
    const isAlive = () => simulated.life === life
    simulated.death = new Promise((resolve) => {
      simulated.die = resolve
    })
    const timer: Timer = {
      after: (milliseconds, act) =>
        this.timer.after(milliseconds, () => (isAlive() ? act() : undefined)),
    }
    const { address } = simulated
    const disk = through ?? simulated.disk
    if ((await disk.stat('/d')) !== undefined) await breakLock(disk, '/d')
    const { clock, warnings, keptLogBytes } = this
    const kept = keptLogBytes === undefined ? {} : { keptLogBytes }
    const data = await openTest('/d', { disk, clock, timer, warnings, ...kept })
    simulated.data = data
    const transport = this.#transport(name, isAlive)
    const onWarning = (text: string) => void this.warnings.push(`${name}: ${text}`)
    const newEpoch = (number: number) => ({ number, history: this.random.bytes(8).toString('hex') })
    const toLocation = (fields: Fields) => ({
      location: this.repositories.get(fields.text('location')) ?? bug('no such repository'),
    })
    const node = new ReplicaNode({
      ...{ self: address, data, transport, disk, clock, timer, newEpoch, toLocation, onWarning },
    })
    simulated.node = node
    await node.start()
    return node
  }

  /** The power of a node goes: what it did not sync may be gone. */
  crash(name: string): void {
    const simulated = this.of(name)
    simulated.life++
    simulated.disk = simulated.disk.crash(this.random.integer(2 ** 32))
    simulated.node = undefined
    simulated.data = undefined
    simulated.die()
  }

  isUp(name: string): boolean {
    return this.of(name).node !== undefined
  }

  node(name: string): ReplicaNode {
    return this.of(name).node ?? bug(`${name} is down`)
  }

  collection(name: string): Promise<Collection> {
    return (this.of(name).data ?? bug(`${name} is down`)).open(replicated)
  }

  /** An empty collection at the first node, and standbys of it at the others. */
  async build(mode: 'sync' | 'async', whenAlone: 'block' | 'async'): Promise<void> {
    for (const { address } of this.nodes) await this.start(address.name)
    const [first, ...others] = this.nodes
    await first?.data?.create(replicated, config)
    for (const { address } of others) {
      await this.ends(first?.node?.replicate(replicated, address, { mode, whenAlone }))
    }
  }

  /** Lets time pass until `work` has ended. */
  async ends<T>(work: Promise<T> | undefined, mostMs = 600_000): Promise<T> {
    let ended = false
    const watched = Promise.resolve(work ?? bug('nothing to wait for')).finally(() => {
      ended = true
    })
    watched.catch(() => {})
    await settle()
    for (let waited = 0; !ended; waited += 50) {
      if (waited > mostMs) bug('it does not end')
      await this.timer.pass(50)
    }
    return watched
  }

  /** Cuts a link in one or both directions. */
  cutLink(one: string, other: string, both: boolean): void {
    this.cut.add(`${one}>${other}`)
    if (both) this.cut.add(`${other}>${one}`)
  }

  heal(): void {
    this.cut.clear()
    this.#busyUntilMs.clear()
  }

  #transport(from: string, isAlive: () => boolean): Transport {
    return {
      send: (to, message, { timeoutMs, signal }) =>
        new Promise<Buffer>((resolve, reject) => {
          if (!isAlive()) return // a dead process says nothing, and hears nothing
          const away = () => {
            signal?.removeEventListener('abort', away)
            this.#busyUntilMs.delete(`${to.name}>${from}`) // what nobody waits for is not sent to its end
            reject(unreachable(from, to.name))
          }
          const cancel = this.timer.after(timeoutMs, away)
          signal?.addEventListener('abort', away, { once: true })
          if (signal?.aborted === true) away()
          const finish = (answer: Buffer) => {
            cancel()
            signal?.removeEventListener('abort', away)
            if (isAlive()) resolve(answer)
          }
          this.#carry(from, to.name, message, (arrived) => {
            const there = this.nodes.find(({ address }) => address.url === to.url)
            const { life } = there ?? {}
            void there?.node?.handle(arrived).then(
              (answer) => {
                if (there.life === life) this.#carry(to.name, from, answer, finish)
              },
              () => {},
            ) // a node that breaks answers nothing
          })
        }),
    }
  }

  #carry(from: string, to: string, message: Buffer, arrive: (message: Buffer) => void): void {
    const { random, faults } = this
    const times = random.chance(faults.twice) ? 2 : 1
    for (let time = 0; time < times; time++) {
      if (random.chance(faults.lost)) continue
      const flipped = random.chance(faults.flipped) ? flipBit(message, random) : message
      const link = `${from}>${to}`
      const nowMs = this.clock.monotonicMs()
      const beginsMs = Math.max(nowMs, this.#busyUntilMs.get(link) ?? 0)
      const endsMs = beginsMs + (1_000 * message.length) / this.bytesPerSecond
      this.#busyUntilMs.set(link, endsMs)
      this.timer.after(1 + random.integer(30) + endsMs - nowMs, () => {
        if (!this.cut.has(`${from}>${to}`)) arrive(flipped)
      })
    }
  }
}

function flipBit(message: Buffer, random: SeededRandom): Buffer {
  const copy = Buffer.from(message)
  const at = random.integer(copy.length)
  copy.writeUInt8(copy.readUInt8(at) ^ (1 << random.integer(8)), at)
  return copy
}

const unreachable = (from: string, to: string) =>
  new OperatingError('unreachable', `${from} has no answer of ${to}`, 'Try again.')

const bug = (message: string): never =>
  fail('usage', message, 'This is a mistake of the simulation.')
