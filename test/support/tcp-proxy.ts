/** A TCP proxy of the test's own, between two nodes: it passes, delays, damages, or cuts. */
import { createServer, type Server, type Socket } from 'node:net'

export type ProxyMode = 'pass' | 'delay' | 'damage' | 'cut'

const delayMs = 30
/** What a connection carries before bytes of it are damaged: its head, so that what arrives looks well. */
const soundBytes = 600

export class TcpProxy {
  /** Where connections go. */
  target = 0
  /** Bits that were flipped. */
  damaged = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
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
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #connect(near: Socket): void {
    if (this.#mode === 'cut') return void near.destroy()
    const far = new (near.constructor as new () => Socket)().connect(this.target, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from)
      let carried = 0
      from.on('data', (bytes: Buffer) => {
        carried += bytes.length
        this.#pass(bytes, to, from === far && carried > soundBytes)
      })
      from.on('error', () => {}) // told by its end
      from.on('close', () => {
        this.#sockets.delete(from)
        to.destroy()
      })
    }
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
