/**
 * A TCP proxy of the test's own, between two nodes: it passes, delays, damages, or cuts. Or it half-opens: every
 * connection stays open at both ends, new ones come about, and nothing arrives, not even that one side has gone.
 * What was in such a connection is lost for good: it carries nothing either when the network is well again.
 */
import { createServer, type Server, type Socket } from 'node:net'

export type ProxyMode = 'pass' | 'delay' | 'damage' | 'cut' | 'half-open'

const delayMs = 30
/** What a connection carries before bytes of it are damaged: its head, so that what arrives looks well. */
const soundBytes = 600

export class TcpProxy {
  /** Where connections go. */
  target = 0
  /** Bits that were flipped. */
  damaged = 0
  /** Connections that look open and carry nothing. */
  get dead(): number {
    return this.#dead.size
  }
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #dead = new Set<Socket>()
  #mode: ProxyMode = 'pass'

  private constructor(server: Server) {
    this.#server = server
  }

  static async open(): Promise<TcpProxy> {
    const server = createServer()
    const proxy = new TcpProxy(server)
    server.on('connection', (socket) => proxy.#connect(socket))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get url(): string {
    const address = this.#server.address()
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  }

  set mode(mode: ProxyMode) {
    this.#mode = mode
    if (mode === 'cut') for (const socket of this.#sockets) socket.destroy()
    if (mode === 'half-open') for (const socket of this.#sockets) this.#dead.add(socket)
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #connect(near: Socket): void {
    if (this.#mode === 'cut') return void near.destroy()
    if (this.#mode === 'half-open') {
      this.#sockets.add(near)
      this.#dead.add(near)
      near.on('error', () => {}).resume()
      near.on('close', () => this.#forget(near))
      return
    }
    const far = new (near.constructor as new () => Socket)().connect(this.target, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from)
      let carried = 0
      from.on('data', (bytes: Buffer) => {
        if (this.#dead.has(from)) return
        carried += bytes.length
        this.#pass(bytes, to, from === far && carried > soundBytes)
      })
      from.on('error', () => {}) // told by its end
      from.on('close', () => {
        if (!this.#dead.has(from)) to.destroy() // else nobody tells the other side
        this.#forget(from)
      })
    }
  }

  #forget(socket: Socket): void {
    this.#sockets.delete(socket)
    this.#dead.delete(socket)
  }

  #pass(bytes: Buffer, to: Socket, mayDamage: boolean): void {
    switch (this.#mode) {
      case 'delay':
        setTimeout(() => to.write(bytes), delayMs)
        return
      case 'damage':
        if (mayDamage && bytes.length > 64) {
          const at = bytes.length - 20
          bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
          this.damaged++
        }
        to.write(bytes)
        return
      default:
        to.write(bytes)
    }
  }
}
