/**
 * The connections of a server, and how many requests are under way on each: what a server that ends can close at
 * once, and what it has to wait for. HTTP keeps connections open between requests; a client may also open some
 * that it never uses. Neither is a reason to wait.
 */
import type { Server, Socket } from 'node:net'

interface Connection {
  /** What is written to: the socket itself, or TLS over it. */
  top: Socket
  underWay: number
}

/** Of the side that asks; a socket over TLS has those of the one below. */
const keyOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`

export class OpenConnections {
  readonly #connections = new Map<string, Connection>()
  #isEnding = false

  /** @param server one of HTTP or HTTPS */
  constructor(server: Server) {
    server.on('connection', (socket: Socket) => this.#opened(socket))
    server.on(
      'request',
      ({ socket }: { socket: Socket }, response: { once(event: 'close', act: () => void): void }) =>
        this.#began(socket, response),
    )
  }

  /** From now on a connection lasts as long as the requests that are under way on it. */
  end(): void {
    this.#isEnding = true
    for (const connection of this.#connections.values()) this.#endIdle(connection)
  }

  #opened(socket: Socket): void {
    const key = keyOf(socket)
    const connection = { top: socket, underWay: 0 }
    this.#connections.set(key, connection)
    socket.once('close', () => this.#connections.delete(key))
    if (this.#isEnding) this.#endIdle(connection)
  }

  #began(socket: Socket, response: { once(event: 'close', act: () => void): void }): void {
    const connection = this.#connections.get(keyOf(socket))
    if (connection === undefined) return
    connection.top = socket
    connection.underWay++
    response.once('close', () => {
      connection.underWay--
      if (this.#isEnding) this.#endIdle(connection)
    })
  }

  /** What was written before still leaves. */
  #endIdle({ top, underWay }: Connection): void {
    if (underWay === 0) top.destroySoon()
  }
}
